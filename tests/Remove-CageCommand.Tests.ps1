Describe 'Remove-CageCommand' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        function Get-File($Cage) { @(find "$($Cage.Path)/root" -mindepth 1 -not -type d -printf '/%P\n' | Sort-Object) }
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'takes out what nothing else needs' {
        $web = New-Cage web -Command true -NoPack
        $before = Get-File $web
        Add-CageCommand web -Command bash -NoPack
        Get-File $web | Should -Not -Be $before
        Get-CageCommand web -Command bash | Remove-CageCommand
        Get-File $web | Should -Be $before
        Remove-CageCommand web nosuch -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageCommandNotFound,Cage.PowerShell.Commands.RemoveCageCommandCommand'
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Remove-CageCommand | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Remove-CageCommand | Should -BeNullOrEmpty }
}
