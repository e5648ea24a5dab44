Describe 'Start-CageService' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        # Whoever is to take its status may take its time.
        function Test-Ended([int] $Id) { -not (Test-Path "/proc/$Id") -or (Get-Content "/proc/$Id/stat" -ErrorAction Ignore) -match '\) Z ' }
        function Set-Unit([string] $Cage, [string] $Name, [string[]] $Lines) {
            $Lines | Invoke-Cage $Cage -- sh -c "mkdir -p /etc/systemd/system; cat >/etc/systemd/system/$Name.service"
        }
    }
    BeforeEach { $web = New-Cage web -Base base | Start-Cage -PassThru }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

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
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Start-CageService | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Start-CageService | Should -BeNullOrEmpty }
}
