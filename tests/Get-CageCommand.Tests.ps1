Describe 'Get-CageCommand' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'tells what was put in, by names, paths, wildcards and kinds' {
        $web = New-Cage web -Command true, cat -File /etc/hostname -Pack timezone -NoPack
        $all = Get-CageCommand
        $all | Should -BeOfType Cage.Engine.Roots.CageContent
        $all.Command | Should -Be 'true', 'cat', 'hostname', 'timezone'
        $all[0].CageId, $all[0].Kind | Should -Be $web.Id, 'Command'
        (Get-CageCommand web -Command t*).Command | Should -Be 'true', 'timezone'
        (Get-CageCommand web -Command /etc/*).Path | Should -Be '/etc/hostname'
        (Get-CageCommand web -Kind File, Pack).Command | Should -Be 'hostname', 'timezone'
        ($all | Select-Object -First 1 | Get-Cage).Id | Should -Be $web.Id
    }
    It 'says nothing of a cage that nothing was put into, and CageNotFound of none' {
        Get-CageCommand base | Should -BeNullOrEmpty
        Get-CageCommand nobody -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageNotFound,Cage.PowerShell.Commands.GetCageCommandCommand'
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Get-CageCommand | Should -BeNullOrEmpty }
}
