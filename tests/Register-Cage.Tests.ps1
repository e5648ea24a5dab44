BeforeDiscovery {
    Import-Module "$PSScriptRoot/CageTest.psm1" -Force
    $isRoot = Test-Root
    # Where systemd runs, a test would change the host.
    $hasSystemd = Test-Path /run/systemd/system
}

Describe 'Register-Cage and Unregister-Cage' -Skip:(-not $isRoot -or $hasSystemd) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        $null = New-Cage web -Base base
    }
    AfterAll { Remove-TestStore $store }

    It 'say so where there is no systemd: <_>' -ForEach 'Register-Cage', 'Unregister-Cage' {
        & $_ web -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageHostUnsupported,*'
        $problem[0].CategoryInfo.Category | Should -Be 'NotInstalled'
        "$($problem[0])" | Should -BeLike '*systemd*'
        $problem[0].ErrorDetails.RecommendedAction | Should -BeLike '*cage start*'
        Test-Path "/etc/systemd/system/cage-$((Get-Cage web).Id).service" | Should -BeFalse
    }
    It 'refuse a read-only cage before that' {
        Register-Cage base -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageStartFailed,*'
    }
}
