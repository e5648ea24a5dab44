Describe 'Publish-Cage' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'makes a cage a base that shows what was written and removed in it' {
        $web = New-Cage web -Base base
        $running = $web | Start-Cage -PassThru
        Invoke-Cage web sh '-c' 'echo mine >/etc/mine; echo changed >/etc/base'
        # There are no programs for it inside: from the host, through the cage's own mounts, it is the same.
        Rename-Item "$($running.RootPath)/home/alice" bob
        Stop-Cage web
        $layer = Publish-Cage web -PassThru
        $layer.Id, $layer.Kind | Should -Be $web.Id, 'ReadOnly'
        New-Cage top -Base web | Start-Cage
        Invoke-Cage top cat /etc/mine | Should -Be mine
        Invoke-Cage top cat /etc/base | Should -Be changed
        Invoke-Cage top ls /home | Should -Be bob
        Remove-Cage top -Force
    }
    It 'refuses one that runs' {
        New-Cage web -Base base | Start-Cage
        { Publish-Cage web -ErrorAction Stop } | Should -Throw -ErrorId 'CageAlreadyRunning,*'
        (Get-Cage web).Kind | Should -Be Writable
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Publish-Cage | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Publish-Cage | Should -BeNullOrEmpty }
}
