Describe 'Measure-Cage' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'measures all cages, or those that are named or piped' {
        $web = New-Cage web -Base base | Start-Cage -PassThru
        $null = New-Cage idle -Base base
        (Measure-Cage).Cage | Should -Be 'base', 'idle', 'web'
        (Measure-Cage w*).CageId | Should -Be $web.Id
        ($web | Measure-Cage).Processes | Should -Be 1
        Measure-Cage web | Should -BeOfType Cage.Engine.State.CageUsage
    }
    It 'tells what runs from what does not' {
        $null = New-Cage web -Base base | Start-Cage
        $null = New-Cage idle -Base base
        $running = Measure-Cage web
        $running.State, $running.ProcessorTime.Ticks, $running.Memory | ForEach-Object { $_ | Should -Not -Be 0 }
        $stopped = Measure-Cage idle
        $stopped.Memory, $stopped.Processes, $stopped.MemorySource | Should -Be 0, 0, 'None'
    }
    It 'measures its own files' {
        $cage = New-Cage web -Base base
        [IO.File]::WriteAllBytes("$($cage.Path)/root/file", [byte[]]::new(100KB))
        (Measure-Cage web).DiskApparent | Should -Be 100KB
        (Measure-Cage web).DiskAllocated | Should -BeGreaterOrEqual 100KB
        (Measure-Cage base).DiskApparent | Should -Be 0
    }
    It 'pipes into Stop-Cage' {
        $null = New-Cage web -Base base | Start-Cage
        Measure-Cage | Where-Object Processes -GT 0 | Stop-Cage
        (Get-Cage web).State | Should -Be 'Stopped'
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Measure-Cage | Should -BeNullOrEmpty }
}
