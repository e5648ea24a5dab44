BeforeDiscovery {
    Import-Module "$PSScriptRoot/CageTest.psm1" -Force
    $isRoot = Test-Root
}

Describe 'Suspend-Cage and Resume-Cage' -Skip:(-not $isRoot) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'suspends and resumes a <_>, in silence, twice if need be' -ForEach Chroot, Pivot, Jail {
        $null = New-Cage web -Base base -Isolation $_ | Start-Cage
        Suspend-Cage web | Should -BeNullOrEmpty
        (Get-Cage web).State | Should -Be 'Suspended'
        (Suspend-Cage web -PassThru).State | Should -Be 'Suspended'
        Resume-Cage web | Should -BeNullOrEmpty
        (Resume-Cage web -PassThru).State | Should -Be 'Running'
        Invoke-Cage web -- cat /etc/base | Should -Be 'small'
    }
    It 'takes wildcards and the pipeline' {
        'a1', 'a2' | New-Cage -Base base | Start-Cage
        Suspend-Cage a*
        (Get-Cage -State Suspended).Name | Should -Be 'a1', 'a2'
        Get-Cage -State Suspended | Resume-Cage
        (Get-Cage a*).State | Should -Be 'Running', 'Running'
    }
    It 'does nothing with -WhatIf' {
        $null = New-Cage web -Base base | Start-Cage
        Invoke-Quietly 'Suspend-Cage web -WhatIf' | Should -BeNullOrEmpty
        (Get-Cage web).State | Should -Be 'Running'
    }
    It 'says CageNotRunning for one that is stopped, and for a command in one that is suspended' {
        $null = New-Cage web -Base base
        Suspend-Cage web -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageNotRunning,*'
        Resume-Cage web -ErrorVariable problem -ErrorAction SilentlyContinue
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
}
