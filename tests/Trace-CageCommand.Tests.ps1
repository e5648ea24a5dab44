BeforeDiscovery {
    Import-Module "$PSScriptRoot/CageTest.psm1" -Force
    $isRoot = Test-Root
}

Describe 'Trace-CageCommand' -Skip:(-not ($isRoot -and (Get-Command strace -ErrorAction Ignore))) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It "tells that date looks for the host's time zone, and closes the loop" {
        $null = New-Cage web -Command date -NoPack | Start-Cage
        $traces = Trace-CageCommand web -- date
        $traces | Should -BeOfType Cage.Engine.Roots.CageTrace
        $zone = $traces | Where-Object Path -EQ /etc/localtime
        $zone.Missing | Should -BeTrue
        $zone.Errno | Should -Be 'ENOENT'
        $zone.Process | Should -Be '/usr/bin/date'
        ($traces | Where-Object { $_.Call -eq 'execve' -and -not $_.Errno }).Path | Should -Be '/usr/bin/date'
        $traces | Where-Object Missing | Add-CageFile web -NoPack
        Trace-CageCommand web -- date | Where-Object { $_.Missing -and $_.Path -eq '/etc/localtime' } | Should -BeNullOrEmpty
    }
    It 'tells with -Verbose what the command printed, and leaves its status' {
        $null = New-Cage web -Base base | Start-Cage
        $told = Trace-CageCommand web -Verbose -- sh -c 'echo out; echo err >&2; exit 7' 4>&1 | Where-Object { $_ -is [System.Management.Automation.VerboseRecord] }
        $told.Message | Should -Contain 'out'
        $told.Message | Should -Contain 'err'
        $told.Message | Should -Contain 'sh was traced in "web" and ended with 7.'
        $LASTEXITCODE | Should -Be 7
    }
    It 'repeats until it is quiet' {
        $null = New-Cage web -Command date -NoPack | Start-Cage
        (Trace-CageCommand web -Fix -- date).Path | Should -Contain '/etc/localtime'
        Trace-CageCommand web -- date | Where-Object Missing | Should -BeNullOrEmpty
        Trace-CageCommand web -Fix -- date | Should -BeNullOrEmpty
    }
    It 'says that a command was not started' {
        $null = New-Cage web -Command date -NoPack | Start-Cage
        Trace-CageCommand web -User nosuch -ErrorVariable problem -ErrorAction SilentlyContinue -- date | Should -BeNullOrEmpty
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageCommandFailed,Cage.PowerShell.Commands.TraceCageCommandCommand'
    }
    It 'says that a cage does not run' {
        $null = New-Cage idle -Command date -NoPack
        Trace-CageCommand idle date -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageNotRunning,Cage.PowerShell.Commands.TraceCageCommandCommand'
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Trace-CageCommand | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Trace-CageCommand | Should -BeNullOrEmpty }
}
