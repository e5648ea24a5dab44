Describe 'Suspend-Cage' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'suspends a <_>, in silence, twice if need be' -ForEach Chroot, Pivot, Jail {
        $null = New-Cage web -Base base -Isolation $_ | Start-Cage
        Suspend-Cage web | Should -BeNullOrEmpty
        (Get-Cage web).State | Should -Be 'Suspended'
        (Suspend-Cage web -PassThru).State | Should -Be 'Suspended'
    }
    It 'says CageNotRunning for one that is stopped, and for a command in one that is suspended' {
        $null = New-Cage web -Base base
        Suspend-Cage web -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageNotRunning,*'
        Start-Cage web
        Suspend-Cage web
        Invoke-Cage web -ErrorVariable problem -ErrorAction SilentlyContinue -- true
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageNotRunning,*'
        $problem[0].ErrorDetails.RecommendedAction | Should -BeLike '*Resume-Cage*'
    }
    It 'stops one that is suspended' {
        $null = New-Cage web -Base base | Start-Cage
        Suspend-Cage web
        (Stop-Cage web -PassThru).State | Should -Be 'Stopped'
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Suspend-Cage | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Suspend-Cage | Should -BeNullOrEmpty }
}
