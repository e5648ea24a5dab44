Describe 'Wait-Cage' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'returns at once where there is nothing to wait for, silent or with -PassThru' {
        $null = New-Cage web -Base base
        Wait-Cage web | Should -BeNullOrEmpty
        (Get-Cage web | Wait-Cage -PassThru).Name | Should -Be 'web'
    }
    It 'returns when the cage is stopped: <_>' -ForEach 'Jail', 'Pivot', 'Chroot' {
        $null = New-Cage web -Base base -Isolation $_ | Start-Cage
        $stopping = [powershell]::Create().AddScript("Import-Module '$(Get-CageModulePath)'; Start-Sleep 0.5; Stop-Cage web -Force -Confirm:`$false")
        $running = $stopping.BeginInvoke()
        $time = Measure-Command { (Wait-Cage web -TimeoutSeconds 20 -PassThru).State | Should -Be 'Stopped' }
        $stopping.EndInvoke($running); $stopping.Dispose()
        $time.TotalSeconds | Should -BeGreaterThan 0.2
        $time.TotalSeconds | Should -BeLessThan 15
    }
    It 'gives up after the timeout, on each, and names its state' {
        1, 2 | ForEach-Object { $null = New-Cage "web$_" -Base base | Start-Cage }
        $time = Measure-Command { Get-Cage web* | Wait-Cage -TimeoutSeconds 0.3 -ErrorVariable problem -ErrorAction SilentlyContinue }
        $time.TotalSeconds | Should -BeLessThan 3
        $problem.FullyQualifiedErrorId | Should -Be (, 'CageWaitTimeout,Cage.PowerShell.Commands.WaitCageCommand' * 2)
        $problem[0].CategoryInfo.Category | Should -Be 'OperationTimeout'
        "$($problem[0])" | Should -BeLike '*Running*'
    }
    It 'ends with a stop of the pipeline (Ctrl+C)' {
        $null = New-Cage web -Base base | Start-Cage
        Stop-RunningScript "'begun'; Wait-Cage web" | Should -BeLessThan 5
    }
    It 'waits for a start' {
        $null = New-Cage web -Base base | Start-Cage
        (Wait-Cage web -State Running -PassThru).State | Should -Be 'Running'
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Wait-Cage | Should -BeNullOrEmpty }
}
