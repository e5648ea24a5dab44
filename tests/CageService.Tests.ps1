BeforeDiscovery {
    Import-Module "$PSScriptRoot/CageTest.psm1" -Force
    $isRoot = Test-Root
}

Describe 'Services' -Skip:(-not $isRoot) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        # Whoever is to take its status may take its time.
        function Test-Ended([int] $Id) { -not (Test-Path "/proc/$Id") -or (Get-Content "/proc/$Id/stat" -ErrorAction Ignore) -match '\) Z ' }
    }
    BeforeEach { $web = New-Cage web -Base base | Start-Cage -PassThru }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    Context 'Start-CageProcess' {
        It 'is silent, and goes on when the session has ended: <_>' -ForEach 'Jail', 'Pivot', 'Chroot' {
            $null = New-Cage other -Base base -Isolation $_ | Start-Cage
            pwsh -NoProfile -Command "Import-Module '$(Get-CageModulePath)'; Start-CageProcess other -ServiceName worker -- sleep 1000" | Should -BeNullOrEmpty
            $service = Get-CageService other worker
            $service.State | Should -Be 'Running'
            (Get-Process -Id $service.ProcessId).Name | Should -Be 'sleep'
            (Get-CageProcess other).Id | Should -Contain $service.ProcessId
            (Get-CageProcess other).Id | Should -Contain $service.SupervisorId
            $service.StartTime | Should -BeGreaterThan ([DateTimeOffset]::Now.AddMinutes(-1))
        }
        It 'is named after the program, and runs as user, in directory, with variables' {
            $service = Start-CageProcess web -User alice -Directory /etc -Environment @{ A = 'x y' } -PassThru -- sh -c 'echo $A; pwd; id -u; id -g'
            $service.Name | Should -Be 'sh'
            Wait-Until { (Get-CageService web sh).State -eq 'Stopped' } | Should -BeTrue
            (Get-CageLog web sh).Text -notmatch '^-- ' | Should -Be 'x y', '/etc', '1000', '1000'
            (Get-CageLog web sh).Text[-1] | Should -Match '^-- .*Z ended with 0$'
        }
        It 'is not seen from inside' {
            Start-CageProcess web -ServiceName worker -- sleep 1000
            Invoke-Cage web -- bash -c 'cat /proc/[0-9]*/cmdline | tr "\0" " "' | Should -Not -Match 'supervise'
            Invoke-Cage web -- bash -c 'ls /proc/[0-9]*/fd -l 2>/dev/null' | Should -Not -Match '\.log|\.lock'
        }
        It 'is started again with <Policy> after <Status>: <Again>' -ForEach @(
            @{ Policy = 'None'; Status = 1; Again = $false }
            @{ Policy = 'OnFailure'; Status = 0; Again = $false }
            @{ Policy = 'OnFailure'; Status = 1; Again = $true }
            @{ Policy = 'Always'; Status = 0; Again = $true }
        ) {
            Start-CageProcess web -ServiceName worker -Restart $Policy -- sh -c "echo begun; exit $Status"
            if ($Again) { Wait-Until { @((Get-CageLog web worker).Text -eq 'begun').Count -ge 3 } | Should -BeTrue }
            else {
                Wait-Until { (Get-CageService web worker).State -eq 'Stopped' } | Should -BeTrue
                @((Get-CageLog web worker).Text -eq 'begun').Count | Should -Be 1
            }
        }
        It 'is started again when its process is killed, by a supervisor that stays' {
            $first = Start-CageProcess web -ServiceName worker -Restart OnFailure -PassThru -- sleep 1000
            Stop-Process -Id $first.ProcessId -Force
            Wait-Until { (Get-CageService web worker).ProcessId -notin $first.ProcessId, $null } | Should -BeTrue
            (Get-CageService web worker).SupervisorId | Should -Be $first.SupervisorId
        }
        It 'ends with its supervisor' {
            $service = Start-CageProcess web -ServiceName worker -Restart Always -PassThru -- sleep 1000
            Stop-Process -Id $service.SupervisorId -Force
            Wait-Until { Test-Ended $service.ProcessId } | Should -BeTrue
            (Get-CageService web worker).State | Should -Be 'Stopped'
        }
        It 'ends with a stop of the cage, forced or not: <_>' -ForEach 'Jail', 'Pivot', 'Chroot' {
            foreach ($force in $true, $false) {
                $null = New-Cage other -Base base -Isolation $_ | Start-Cage
                $service = Start-CageProcess other -ServiceName worker -Restart Always -PassThru -- sleep 1000
                Stop-Cage other -Force:$force -Confirm:$false -TimeoutSeconds 5 -WarningVariable warnings -WarningAction SilentlyContinue
                Wait-Until { (Test-Ended $service.SupervisorId) -and (Test-Ended $service.ProcessId) } | Should -BeTrue
                (Get-CageService other worker).State | Should -Be 'Stopped'
                Remove-Cage other -Force
            }
        }
        It 'rotates its log' {
            Start-CageProcess web -ServiceName loud -- bash -c 'for ((i = 0; i < 11; i++)); do head -c 1000000 /dev/zero | tr "\0" x; echo; done'
            Wait-Until { (Get-CageService web loud).State -eq 'Stopped' } | Should -BeTrue
            $logs = Get-ChildItem "$($web.Path)/log/loud.log*"
            $logs.Name | Should -Be 'loud.log', 'loud.log.1', 'loud.log.2'
            ($logs | Measure-Object Length -Maximum).Maximum | Should -BeLessOrEqual 4MB
            ($logs | Measure-Object Length -Sum).Sum | Should -BeGreaterThan 11000000
        }
        It 'is refused twice at once, with a bad name, in a stopped cage, and where the command is not there' {
            Start-CageProcess web -ServiceName worker -- sleep 1000
            Start-CageProcess web -ServiceName worker -ErrorVariable problem -ErrorAction SilentlyContinue -- sleep 1000
            Start-CageProcess web -ServiceName ../worker -ErrorVariable +problem -ErrorAction SilentlyContinue -- sleep 1000
            Start-CageProcess web -ServiceName other -ErrorVariable +problem -ErrorAction SilentlyContinue -- nonsense
            $null = New-Cage idle -Base base
            Start-CageProcess idle -ErrorVariable +problem -ErrorAction SilentlyContinue -- sleep 1000
            $problem.FullyQualifiedErrorId -replace ',.*' | Should -Be 'CageAlreadyRunning', 'CageArgumentInvalid', 'CageCommandNotFound', 'CageNotRunning'
            (Get-CageService web other).State | Should -Be 'Stopped'
        }
        It 'does nothing with -WhatIf' {
            Invoke-Quietly 'Start-CageProcess web -WhatIf -ServiceName worker -- sleep 1000' | Should -BeNullOrEmpty
            Get-CageService web | Should -BeNullOrEmpty
        }
    }

    Context 'Stop-CageService' {
        It 'ends it for good, by name, wildcards and the pipeline' {
            'a1', 'a2', 'b' | ForEach-Object { Start-CageProcess web -ServiceName $_ -Restart Always -- sleep 1000 }
            Stop-CageService web a* | Should -BeNullOrEmpty
            (Get-CageService web | Where-Object State -EQ Running).Name | Should -Be 'b'
            (Get-CageService | Stop-CageService -PassThru).State | Should -Be 'Stopped', 'Stopped', 'Stopped'
            Start-Sleep -Milliseconds 300
            (Get-CageProcess web).Name | Should -Not -Contain 'sleep'
        }
        It 'kills what does not listen' {
            $service = Start-CageProcess web -ServiceName deaf -PassThru -- sh -c 'trap : TERM; while :; do sleep 1; done'
            Stop-CageService web deaf -TimeoutSeconds 0.2
            Wait-Until { Test-Ended $service.ProcessId } | Should -BeTrue
        }
        It 'says CageNotFound for one that never was, and does nothing with -WhatIf' {
            Stop-CageService web nobody -ErrorVariable problem -ErrorAction SilentlyContinue
            $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageNotFound,*'
            Start-CageProcess web -ServiceName worker -- sleep 1000
            Invoke-Quietly 'Stop-CageService web worker -WhatIf' | Should -BeNullOrEmpty
            (Get-CageService web worker).State | Should -Be 'Running'
        }
    }

    Context 'Start-CageService' {
        BeforeAll {
            function Set-Unit([string] $Cage, [string] $Name, [string[]] $Lines) {
                $Lines | Invoke-Cage $Cage -- sh -c "mkdir -p /etc/systemd/system; cat >/etc/systemd/system/$Name.service"
            }
        }

        It 'runs a simple unit with its user, variables and directory' {
            Set-Unit web shop '[Unit]', 'After=network.target', '[Service]', 'User=alice', 'Environment="GREETING=hello you" B=2', 'WorkingDirectory=/etc',
                'ExecStart=/bin/sh -c "echo $$GREETING; echo ''${B}''; pwd; id -u; exec sleep 1000"', '[Install]', 'WantedBy=multi-user.target'
            (Start-CageService web shop -PassThru).State | Should -Be 'Running'
            Wait-Until { (Get-CageLog web shop).Text -contains '1000' } | Should -BeTrue
            (Get-CageLog web shop).Text -notmatch '^-- ' | Should -Be 'hello you', '2', '/etc', '1000'
        }
        It 'finds the daemon of a forking one by its pid file, and ends it: <_>' -ForEach 'Jail', 'Pivot', 'Chroot' {
            $null = New-Cage other -Base base -Isolation $_ | Start-Cage
            Set-Unit other daemon '[Service]', 'Type=forking', 'PIDFile=/tmp/daemon.pid', 'ExecStartPre=-/bin/sh -c "exit 1"', 'ExecStartPre=-/bin/nonsense', 'ExecStart=/bin/sh -c "sleep 1000 & echo $$! >/tmp/daemon.pid"'
            $service = Start-CageService other daemon.service -PassThru
            # Between its fork and its execve it is the shell still.
            Wait-Until { (Get-Process -Id $service.ProcessId).Name -eq 'sleep' } | Should -BeTrue
            Stop-CageService other daemon
            Wait-Until { Test-Ended $service.ProcessId } | Should -BeTrue
        }
        It 'runs the commands of a oneshot to their ends' {
            Set-Unit web once '[Service]', 'Type=oneshot', 'ExecStart=/bin/sh -c "echo one >/root/one"', 'ExecStart=/bin/sh -c "cat /root/one >/root/two"'
            # Each time: what has run to its end has given up its lock before its starter hears of it.
            1..20 | ForEach-Object { (Start-CageService web once -PassThru).State } | Should -Be @(1..20 | ForEach-Object { 'Stopped' })
            Invoke-Cage web cat /root/two | Should -Be 'one'
        }
        It 'fails where its preparation does, and leaves nothing running' {
            Set-Unit web shop '[Service]', 'ExecStartPre=/bin/sh -c "echo no disk; exit 3"', 'ExecStart=/bin/sleep 1000'
            Start-CageService web shop -ErrorVariable problem -ErrorAction SilentlyContinue
            $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageStartFailed,*'
            "$($problem[0])" | Should -BeLike '*ended with 3*'
            (Get-CageLog web shop).Text | Should -Contain 'no disk'
            (Get-CageService web shop).State | Should -Be 'Stopped'
        }
        It 'refuses by name what it does not support, unless that is to be left out' {
            Set-Unit web shop '[Service]', 'ProtectSystem=strict', 'ExecStart=/bin/sleep 1000', 'ExecStop=/bin/true'
            Start-CageService web shop -ErrorVariable problem -ErrorAction SilentlyContinue
            $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageArgumentInvalid,*'
            "$($problem[0])" | Should -BeLike '/etc/systemd/system/shop.service:2: ProtectSystem= is not supported*'
            (Start-CageService web shop -IgnoreDirective ProtectSystem -PassThru).State | Should -Be 'Running'
        }
        It 'says CageNotFound where the cage has no such unit, and follows no link out' {
            Invoke-Cage web -- sh -c 'mkdir -p /etc/systemd/system; cd /etc/systemd/system; rm -f host.service' 2>$null
            Start-CageService web nothing -ErrorVariable problem -ErrorAction SilentlyContinue
            $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageNotFound,*'
        }
    }
}
