Describe 'Get-CagePlan' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'is what a start does, in order, and does nothing' {
        $web = New-Cage web -Base base
        $plan = Get-CagePlan web
        $plan.Order | Should -Be (1..$plan.Count)
        $plan.Cage | Select-Object -Unique | Should -Be 'web'
        $plan.Action | Should -Contain 'set the host name'
        "$($plan.Side | Select-Object -Unique)" | Should -Be 'Host Inside'
        (Get-Cage web).State | Should -Be 'Stopped'
        Get-MountBeneath $web.Path | Should -BeNullOrEmpty
    }
    It 'is of a stop where the cage runs, and empty where there is nothing to stop' {
        $null = New-Cage web -Base base
        Get-CagePlan web -Action Stop | Should -BeNullOrEmpty
        Start-Cage web
        (Get-CagePlan web).Action -match '^kill the init' | Should -HaveCount 1
        (Get-CagePlan web -Action Start).Action | Should -Contain 'set the host name'
        (Get-Cage web).State | Should -Be 'Running'
    }
    It 'says CageStartFailed of a read-only cage' {
        Get-CagePlan base -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageStartFailed,*'
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Get-CagePlan | Should -BeNullOrEmpty }
}
