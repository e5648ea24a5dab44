BeforeDiscovery {
    Import-Module "$PSScriptRoot/CageTest.psm1" -Force
    $isRoot = Test-Root
    # Where systemd runs, a test would change the host.
    $hasSystemd = Test-Path /run/systemd/system
}

Describe 'Unregister-Cage' -Skip:(-not $isRoot -or $hasSystemd) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'says so where there is no systemd' {
        $null = New-Cage web -Base base
        Unregister-Cage web -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageHostUnsupported,*'
        $problem[0].CategoryInfo.Category | Should -Be 'NotInstalled'
        "$($problem[0])" | Should -BeLike '*systemd*'
        $problem[0].ErrorDetails.RecommendedAction | Should -BeLike '*cage start*'
        Test-Path "/etc/systemd/system/cage-$((Get-Cage web).Id).service" | Should -BeFalse
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Unregister-Cage | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Unregister-Cage | Should -BeNullOrEmpty }
}
