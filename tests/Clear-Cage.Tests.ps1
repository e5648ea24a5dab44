Describe 'Clear-Cage' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        function Get-File($Cage) { @(find "$($Cage.Path)/root" -mindepth 1 -not -type d -printf '/%P\n' | Sort-Object) }
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'clears what was for the making only' {
        $web = New-Cage web -Command true -NoPack
        $before = Get-File $web
        Add-CageCommand web bash -Temporary -NoPack
        (Get-CageCommand web | Where-Object IsTemporary).Command | Should -Be 'bash'
        Clear-Cage web
        Get-File $web | Should -Be $before
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Clear-Cage | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Clear-Cage | Should -BeNullOrEmpty }
}
