Describe 'Restart-Cage' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'gives a running cage another init and keeps its files' {
        $before = New-Cage web -Base base | Start-Cage -PassThru
        Invoke-Cage web touch /root/kept
        Restart-Cage web | Should -BeNullOrEmpty
        $after = Get-Cage web
        $after.State | Should -Be 'Running'
        $after.ProcessId | Should -Not -Be $before.ProcessId
        Invoke-Cage web ls /root/kept | Should -Be '/root/kept'
    }
    It 'starts a stopped one, and takes wildcards, ids and the pipeline' {
        $a = New-Cage a1 -Base base
        $null = New-Cage a2 -Base base -Isolation Chroot
        (Restart-Cage a* -PassThru).State | Should -Be 'Running', 'Running'
        (Restart-Cage -Id $a.Id -PassThru -Force -Confirm:$false).Name | Should -Be 'a1'
        (Get-Cage a2 | Restart-Cage -PassThru -TimeoutSeconds 1).Name | Should -Be 'a2'
    }
    It 'asks before it kills what runs' {
        $before = New-Cage web -Base base | Start-Cage -PassThru
        Get-ShownText 'Restart-Cage web -Force' | Should -BeLike '*NonInteractive*'
        (Get-Cage web).ProcessId | Should -Be $before.ProcessId
    }
    It 'does not stop what cannot be started again' {
        $layer = New-Cage layer -ReadOnly -Base base
        $before = New-Cage web -Base layer | Start-Cage -PassThru
        Rename-Item $layer.RootPath gone
        try {
            Restart-Cage web -ErrorVariable problem -ErrorAction SilentlyContinue
            $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageConfInvalid,*'
            (Get-Cage web).ProcessId | Should -Be $before.ProcessId
        }
        finally { Rename-Item "$($layer.Path)/gone" root }
    }
    It 'says CageStartFailed for a read-only cage and CageNotFound for none' {
        Restart-Cage base, nobody -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem.FullyQualifiedErrorId | Should -Be 'CageStartFailed,Cage.PowerShell.Commands.RestartCageCommand', 'CageNotFound,Cage.PowerShell.Commands.RestartCageCommand'
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Restart-Cage | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Restart-Cage | Should -BeNullOrEmpty }
}
