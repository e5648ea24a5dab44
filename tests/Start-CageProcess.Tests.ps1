Describe 'Start-CageProcess' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        # Whoever is to take its status may take its time.
        function Test-Ended([int] $Id) { -not (Test-Path "/proc/$Id") -or (Get-Content "/proc/$Id/stat" -ErrorAction Ignore) -match '\) Z ' }
    }
    BeforeEach { $web = New-Cage web -Base base | Start-Cage -PassThru }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

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
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Start-CageProcess | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Start-CageProcess | Should -BeNullOrEmpty }
}
