Describe 'Get-CageConfiguration' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'tells what is in force' {
        $settings = Get-CageConfiguration
        $settings.File, $settings.Data, $settings.Run, $settings.Tool | Should -Be $env:CAGE_CONF, $store.Data, "$($store.Folder)/run", '/opt/cage'
    }
    It 'says where the settings come from, and that it was nowhere' {
        $env:CAGE_CONF = '/nowhere'
        try { Get-CageConfiguration -ErrorAction Stop } catch { $problem = $_ } finally { $env:CAGE_CONF = "$($store.Folder)/cage.conf" }
        $problem.FullyQualifiedErrorId, $problem.CategoryInfo.Category | Should -Be 'CageConfInvalid,Cage.PowerShell.Commands.GetCageConfigurationCommand', 'InvalidData'
        $problem.ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
    }
}
