Describe 'Get-CageService' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    BeforeEach { $web = New-Cage web -Base base | Start-Cage -PassThru }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'tells of services that run and that have ended, of all cages or of some, by names and wildcards' {
        Start-CageProcess web -ServiceName worker -- sleep 1000
        Start-CageProcess web -ServiceName once -- true
        Wait-Until { (Get-CageService web once).State -eq 'Stopped' } | Should -BeTrue
        (Get-CageService).Name | Should -Be 'once', 'worker'
        (Get-CageService web w*).Name | Should -Be 'worker'
        (Get-CageService web w*, once).Name | Sort-Object | Should -Be 'once', 'worker'
        $service = Get-CageService web worker
        $service | Should -BeOfType Cage.Engine.Services.CageService
        $service.CageId, $service.Cage, $service.State | Should -Be $web.Id, 'web', 'Running'
        $service.LogPath | Should -Exist
        ($service | Get-Cage).Id | Should -Be $web.Id
    }
    It 'says CageNotFound for a service that never was, and nothing for a wildcard that fits none' {
        Get-CageService web nobody -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId, $problem[0].TargetObject.Name | Should -Be 'CageNotFound,Cage.PowerShell.Commands.GetCageServiceCommand', 'web'
        $problem[0].ErrorDetails.RecommendedAction | Should -BeLike 'It has none.'
        Get-CageService web n* -ErrorAction Stop | Should -BeNullOrEmpty
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Get-CageService | Should -BeNullOrEmpty }
}
