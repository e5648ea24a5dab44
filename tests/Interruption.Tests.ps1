BeforeDiscovery {
    Import-Module "$PSScriptRoot/CageTest.psm1" -Force
    $isRoot = Test-Root
    $cases = Get-CmdletCase
    $canTrace = [bool] (Get-Command strace -ErrorAction Ignore)
    $tried = $cases.Keys | Where-Object { $canTrace -or $_ -ne 'Trace-CageCommand' } | Sort-Object
    $waiting = $tried | Where-Object { $cases[$_].Waits }
    Import-CageModule
    $changing = Get-Command -Module Cage | Where-Object { $_.Parameters.ContainsKey('WhatIf') -and $cases[$_.Name].Line -and -not $cases[$_.Name].Elsewhere } | ForEach-Object Name
    $stopped = @($waiting) + @($changing) + 'Invoke-Cage' | Where-Object { $_ -in $tried -and $_ -ne 'Set-CageConfiguration' } | Sort-Object -Unique
}

Describe 'A cmdlet that has to wait' -Skip:(-not $isRoot) -ForEach @{ Waiting = $waiting } {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $cases = Get-CmdletCase
        $store = New-TestStore
        $null = New-Item -ItemType Directory "$($store.Folder)/snapshots"
        foreach ($name in $waiting) { Initialize-Case $store $name $cases[$name] }
        $before = Get-Everything $store

        # Others have all of their locks.
        $locked = @(Get-Cage | Where-Object Name -In $waiting | ForEach-Object Path) + $store.Data + "$($store.Folder)/snapshots"
        $holder = Start-Process flock -ArgumentList (@($locked | ForEach-Object { '--no-fork', $_, 'flock' } | Select-Object -SkipLast 1) + 'sleep', '1000') -PassThru
        $null = Wait-Until { flock --nonblock $locked[-1] true; $LASTEXITCODE -ne 0 }

        $shells = @{}; $running = @{}
        foreach ($name in $waiting) {
            $shells[$name] = [powershell]::Create()
            $null = $shells[$name].AddScript("Import-Module '$(Get-CageModulePath)'; " + (Get-CaseScript $store $name $cases[$name].Line))
            $running[$name] = $shells[$name].BeginInvoke()
        }
        $shown = @{}
        foreach ($name in $waiting) {
            $null = Wait-Until { $shells[$name].Streams.Progress.Count -gt 0 -or $running[$name].IsCompleted }
            $shown[$name] = @($shells[$name].Streams.Progress.ReadAll())
        }
        $stopping = @{}; $ended = @{}
        foreach ($name in $waiting) { $stopping[$name] = $shells[$name].BeginStop($null, $null) }
        foreach ($name in $waiting) { $ended[$name] = Wait-Until { $stopping[$name].IsCompleted -and $running[$name].IsCompleted } }
        $after = Get-Everything $store
    }
    AfterAll {
        $holder | Stop-Process -ErrorAction Ignore
        $shells.Values | ForEach-Object Dispose
        Get-CageSnapshot | Remove-CageSnapshot -Force
        Remove-TestStore $store
    }

    It '<_> shows its progress' -ForEach $waiting {
        $first = $shown[$_][0]
        $first.Activity | Should -Match '^[A-Z]\w+ing '
        $first.StatusDescription | Should -Not -BeNullOrEmpty
        $first.RecordType | Should -Be 'Processing'
        $shells[$_].Streams.Error | Should -BeNullOrEmpty
    }
    It '<_> ends when it is stopped, and takes its progress away' -ForEach $waiting {
        $ended[$_] | Should -BeTrue
        $shells[$_].Streams.Progress[-1].RecordType | Should -Be 'Completed'
    }
    It 'has changed nothing then' {
        # But for what the services and traced commands of the cages do themselves, which are told of by the processes alone.
        Compare-Object @($before -notmatch '/(work|logs|run)\b') @($after -notmatch '/(work|logs|run)\b') | ForEach-Object { "$($_.SideIndicator) $($_.InputObject)" } | Should -BeNullOrEmpty
    }
}

Describe 'A cmdlet that is stopped in the midst of its work' -Skip:(-not $isRoot) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $cases = Get-CmdletCase
        $store = New-TestStore
        $shell = [powershell]::Create()
        $null = $shell.AddScript("Import-Module '$(Get-CageModulePath)'").Invoke()

        # Stops the case's line when it has run for some milliseconds, or lets it run to its end. Returns how many it took.
        function Invoke-Case([string] $Name, [int] $StopAfter = -1) {
            Initialize-Case $store $Name $cases[$Name]
            $shell.Commands.Clear()
            $shell.Streams.ClearStreams()
            $null = $shell.AddScript((Get-CaseScript $store $Name ($StopAfter -lt 0 -and $cases[$Name].Ends ? $cases[$Name].Ends : $cases[$Name].Line)))
            $clock = [System.Diagnostics.Stopwatch]::StartNew()
            $running = $shell.BeginInvoke()
            if ($StopAfter -lt 0) { $null = $shell.EndInvoke($running) }
            else {
                Start-Sleep -Milliseconds $StopAfter
                $stopping = $shell.BeginStop($null, $null)
                Wait-Until { $stopping.IsCompleted } | Should -BeTrue
            }
            $clock.ElapsedMilliseconds
        }
    }
    AfterEach { Get-CageSnapshot | Remove-CageSnapshot -Force -WarningAction SilentlyContinue; Clear-TestStore $store }
    AfterAll {
        $shell.Dispose()
        Remove-TestStore $store
    }

    It '<_> leaves what is whole, and can be tried again' -ForEach $stopped {
        $case = $_
        $whole = Invoke-Case $case
        $shell.Streams.Error | Should -BeNullOrEmpty
        if ($whole -lt 1000) { $shell.Streams.Progress | Should -BeNullOrEmpty -Because 'it took less than a second' }
        foreach ($moment in 0, ($whole / 2)) {
            Get-CageSnapshot | Remove-CageSnapshot -Force
            Clear-TestStore $store
            $null = Invoke-Case $case $moment
            Get-ChildItem $store.Data -Force -Filter '.*' | Should -BeNullOrEmpty -Because 'nothing is half made or half removed'
            foreach ($cage in Get-Cage | Where-Object Name -NE base) {
                flock --nonblock $cage.Path true
                $LASTEXITCODE | Should -Be 0 -Because 'its lock is free'
                if ($cage.State -eq 'Stopped') {
                    Get-MountBeneath $cage.Path | Should -BeNullOrEmpty
                    Get-CageProcess $cage.Id | Should -BeNullOrEmpty
                    Get-Item "/sys/fs/cgroup/cage/$($cage.Id)", "/sys/fs/cgroup/*/cage/$($cage.Id)" -ErrorAction Ignore | Should -BeNullOrEmpty
                }
                elseif ($cage.State -eq 'Running') { Invoke-Cage $cage.Id -- cat /etc/base | Should -Be 'small' }
            }
        }
    }
}
