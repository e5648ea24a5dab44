Describe 'Get-CageExposure' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'tells what is open, the worst first, with what closes it' {
        $cage = New-Cage web -Base base -Isolation Chroot -Bind '/etc:/b:ro'
        $found = @(Get-CageExposure web)
        $found[0] | Should -BeOfType Cage.Engine.Exposure.CageExposure
        $found[0].Risk, $found[0].Item, $found[0].Remedy | Should -Be 'High', 'chroot', '-Isolation Jail'
        $found.CageId | Sort-Object -Unique | Should -Be $cage.Id
        ($found | Where-Object Item -EQ /etc).Risk | Should -Be 'Low'
    }
    It 'names settings that can be given as they are' {
        $null = New-Cage web -Base base -Isolation Jail -Bind '/etc:/b' -CapabilityAdd SYS_TIME
        Start-Cage web
        $found = @(Get-CageExposure web)
        $found.Remedy | Should -Not -Match '--'
        Stop-Cage web
        foreach ($remedy in $found.Remedy -match '^-\w+ [^,]*$' -notmatch '…') { Invoke-Expression "Set-Cage web $remedy -ErrorAction Stop" }
        $left = @(Get-CageExposure web).Item
        $left | Should -Not -Contain 'CAP_SYS_TIME'
        "$((Get-Cage web).Binds)" | Should -Be '/etc:/b:ro'
    }
    It 'leaves out what is less than asked for' {
        $null = New-Cage web -Base base -Isolation Chroot
        Get-CageExposure web -MinimumRisk High | ForEach-Object Risk | Sort-Object -Unique | Should -Be 'High'
        Get-Cage web | Get-CageExposure | Where-Object Kind -EQ Resource | Should -HaveCount 3
    }
    It 'has nothing to tell of a closed one that is stopped' {
        $null = New-Cage web -Base base -Network None -MemoryLimit 1GB -ProcessLimit 100 -CpuLimit 1
        Get-CageExposure web | Should -BeNullOrEmpty
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Get-CageExposure | Should -BeNullOrEmpty }
}
