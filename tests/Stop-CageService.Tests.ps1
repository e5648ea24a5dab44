Describe 'Stop-CageService' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        # Whoever is to take its status may take its time.
        function Test-Ended([int] $Id) { -not (Test-Path "/proc/$Id") -or (Get-Content "/proc/$Id/stat" -ErrorAction Ignore) -match '\) Z ' }
    }
    BeforeEach { $web = New-Cage web -Base base | Start-Cage -PassThru }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

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
    It 'says CageNotFound for one that never was' {
        Stop-CageService web nobody -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageNotFound,*'
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Stop-CageService | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Stop-CageService | Should -BeNullOrEmpty }
}
