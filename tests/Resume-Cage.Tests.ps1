Describe 'Resume-Cage' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'lets a suspended <_> go on, in silence, twice if need be' -ForEach Chroot, Pivot, Jail {
        $null = New-Cage web -Base base -Isolation $_ | Start-Cage
        Suspend-Cage web
        Resume-Cage web | Should -BeNullOrEmpty
        (Resume-Cage web -PassThru).State | Should -Be 'Running'
        Invoke-Cage web -- cat /etc/base | Should -Be 'small'
    }
    It 'takes wildcards and the pipeline' {
        'a1', 'a2' | New-Cage -Base base | Start-Cage
        Suspend-Cage a*
        (Get-Cage -State Suspended).Name | Should -Be 'a1', 'a2'
        Get-Cage -State Suspended | Resume-Cage
        (Get-Cage a*).State | Should -Be 'Running', 'Running'
    }
    It 'says CageNotRunning for one that is stopped' {
        $null = New-Cage web -Base base
        Resume-Cage web -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId, $problem[0].CategoryInfo.Category, $problem[0].TargetObject.Name | Should -Be 'CageNotRunning,Cage.PowerShell.Commands.ResumeCageCommand', 'InvalidOperation', 'web'
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Resume-Cage | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Resume-Cage | Should -BeNullOrEmpty }
}
