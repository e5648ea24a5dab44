Describe 'Update-Cage' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        # Not below /tmp, which is another one in a running cage.
        $own = (mktemp -d -p /var/tmp cage-pester-XXXXXX)
    }
    AfterEach { Clear-TestStore $store }
    AfterAll {
        rm -rf --one-file-system $own
        Remove-TestStore $store
    }

    It 'finds drift and mends it' {
        Set-Content "$own/a" one
        $web = New-Cage web -File "$own/a"
        Test-Cage web | Should -BeNullOrEmpty
        Set-Content "$own/a" another
        $finding = Test-Cage web
        $finding | Should -BeOfType Cage.Engine.Roots.CageFinding
        $finding.Kind | Should -Be 'Drifted'
        $finding.Path | Should -Be "$own/a"
        Get-Cage web | Update-Cage
        Test-Cage web | Should -BeNullOrEmpty
        Get-Content "$($web.Path)/root$own/a" | Should -Be 'another'
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Update-Cage | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Update-Cage | Should -BeNullOrEmpty }
}
