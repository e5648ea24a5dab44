Describe 'Get-CagePack' {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        Import-CageModule
    }

    It 'tells of packs by names and wildcards' {
        (Get-CagePack).Name | Should -Contain 'nss'
        (Get-CagePack time*).Name | Should -Be 'timezone'
        ('time*', 'nss' | Get-CagePack).Name | Should -Be 'timezone', 'nss'
        ([pscustomobject]@{ Name = 'nss' } | Get-CagePack).Name | Should -Be 'nss'
        Get-CagePack nosuch* -ErrorAction Stop | Should -BeNullOrEmpty
        Get-CagePack nosuch -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageArgumentInvalid,Cage.PowerShell.Commands.GetCagePackCommand'
    }
}
