Describe 'Get-CageProcess' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        $jail = New-Cage jail -Base base | Start-Cage -PassThru
        $null = New-Cage pivot -Base base -Isolation Pivot | Start-Cage
        $null = New-Cage chroot -Base base -Isolation Chroot | Start-Cage
        $null = New-Cage idle -Base base
        'jail', 'pivot', 'chroot' | ForEach-Object { Invoke-Cage $_ -- sh -c 'setsid sleep 60 >/dev/null 2>&1 &' }
        $null = Wait-Until { @(Get-CageProcess | Where-Object CommandLine -EQ 'sleep 60').Count -eq 3 }
    }
    AfterAll { Remove-TestStore $store }

    It 'tells of the init of a jail and of what runs in it, by the host''s numbers and its own' {
        $processes = Get-CageProcess jail
        $processes | Should -BeOfType Cage.Engine.State.CageProcess
        $init = $processes | Where-Object IsInit
        $init.Id | Should -Be $jail.ProcessId
        $init.InsideId | Should -Be 1
        $sleep = $processes | Where-Object Name -EQ sleep
        $sleep.CommandLine | Should -Be 'sleep 60'
        $sleep.InsideId | Should -Not -Be $sleep.Id
        $sleep.UserId | Should -Be 0
        (Get-Process -Id $sleep.Id).ProcessName | Should -Be 'sleep'
        ([datetime]::Now - $sleep.StartTime.LocalDateTime).TotalSeconds | Should -BeLessThan 30
    }
    It 'tells of what runs in a <_>' -ForEach 'pivot', 'chroot' {
        (Get-CageProcess $_).Name | Should -Contain 'sleep'
        @(Get-CageProcess $_ | Where-Object IsInit).Count | Should -Be ($_ -eq 'pivot')
    }
    It 'tells of all that run, and nothing of one that is stopped' {
        (Get-CageProcess).Cage | Sort-Object -Unique | Should -Be 'chroot', 'jail', 'pivot'
        Get-CageProcess idle | Should -BeNullOrEmpty
    }
    It 'takes wildcards, ids and the pipeline' {
        (Get-CageProcess j*, p*).Cage | Sort-Object -Unique | Should -Be 'jail', 'pivot'
        (Get-CageProcess -Id $jail.Id).Cage | Sort-Object -Unique | Should -Be 'jail'
        (Get-Cage jail | Get-CageProcess).Cage | Sort-Object -Unique | Should -Be 'jail'
    }
    It 'pipes into Stop-Process' {
        Invoke-Cage jail -- sh -c 'setsid sleep 61 >/dev/null 2>&1 &'
        Wait-Until { @(Get-CageProcess jail | ForEach-Object CommandLine) -contains 'sleep 61' } | Should -BeTrue
        Get-CageProcess jail | Where-Object CommandLine -EQ 'sleep 61' | Stop-Process
        Wait-Until { @(Get-CageProcess jail | ForEach-Object CommandLine) -notcontains 'sleep 61' } | Should -BeTrue
    }
    It 'says CageNotFound, and goes on' {
        Get-CageProcess nobody, jail -ErrorVariable problem -ErrorAction SilentlyContinue | Should -Not -BeNullOrEmpty
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageNotFound,Cage.PowerShell.Commands.GetCageProcessCommand'
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Get-CageProcess | Should -BeNullOrEmpty }
}
