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

Describe 'A cmdlet that is stopped while systemd keeps it waiting' -Skip:(-not $isRoot -or -not (Get-Command systemctl -ErrorAction Ignore)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        # A systemctl that never ends, before or after it has done what it was asked.
        $slow = @'
$null = New-Item -ItemType Directory -Force /run/systemd/system, /etc/systemd/system
$null = New-Cage web -Base base
$link = "/etc/systemd/system/multi-user.target.wants/cage-$((Get-Cage web).Id).service"
function Set-Pace([string] $Pace) {
    $does = @{ Quick = 'exec offline "$@"'; Early = 'touch /run/begun; exec sleep 1000'; Late = 'offline "$@"; touch /run/begun; exec sleep 1000' }[$Pace]
    "#!/bin/sh`nexport SYSTEMD_OFFLINE=1", $does.Replace('offline', '/run/systemctl') | Set-Content /run/offline
}
function Stop-Midway([string] $Line) {
    Remove-Item /run/begun -ErrorAction Ignore
    $shell = [powershell]::Create().AddScript("Import-Module (Get-Module Cage).Path; $Line")
    $running = $shell.BeginInvoke()
    while (-not (Test-Path /run/begun) -and -not $running.IsCompleted) { Start-Sleep -Milliseconds 10 }
    $shell.Stop()
    "$Line $($shell.InvocationStateInfo.State) $(@(Get-Item /etc/systemd/system/cage-*, $link -ErrorAction Ignore).Count)"
    $shell.Dispose()
    Set-Pace Quick
}
'@ -replace '\(Get-Module Cage\)\.Path', "'$(Get-CageModulePath)'"
    }
    AfterAll { Remove-TestStore $store }

    It 'Register-Cage leaves all as it was: <_>' -ForEach 'Early', 'Late' {
        Invoke-OnSmallHost $store "$slow; Set-Pace $_; Stop-Midway 'Register-Cage web'; Register-Cage web; Set-Pace $_; Stop-Midway 'Register-Cage web'; Unregister-Cage web; Remove-Cage web -Force" |
            Should -Be 'Register-Cage web Stopped 0', 'Register-Cage web Stopped 2'
    }
    It 'Unregister-Cage leaves it as it was, or takes it back whole: <Pace>' -ForEach @{ Pace = 'Early'; Left = 2 }, @{ Pace = 'Late'; Left = 0 } {
        Invoke-OnSmallHost $store "$slow; Set-Pace Quick; Register-Cage web; Set-Pace $Pace; Stop-Midway 'Unregister-Cage web'; Unregister-Cage web; Remove-Cage web -Force" |
            Should -Be "Unregister-Cage web Stopped $Left"
    }
}

Describe 'A cmdlet that is stopped in the midst of a large file' -Skip:(-not $isRoot) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        # Not below /tmp, which is another one in a running cage; and on another file system, so that no block can be shared.
        $own = (mktemp -d -p /dev/shm cage-pester-XXXXXX)
        head -c 1G /dev/zero >"$own/large"
    }
    AfterEach { Clear-TestStore $store }
    AfterAll {
        rm -rf --one-file-system $own
        Remove-TestStore $store
    }

    It '<_> leaves nothing of it' -ForEach 'Add-CageFile web -Path $own/large -NoPack', 'New-Cage web -File $own/large -NoPack', 'Update-Cage web' {
        $line = $ExecutionContext.InvokeCommand.ExpandString($_)
        $isNew = $_ -like 'New-Cage*'
        if (-not $isNew) { $null = New-Cage web }
        if ($_ -like 'Update*') {
            Set-Content "$own/other" one
            Add-CageFile web -Path "$own/other" -NoPack
            # Longer now than it was.
            Copy-Item "$own/large" "$own/other"
        }
        $before = $isNew ? $null : @(find (Get-Cage web).Path -printf '%P %s\n' | Sort-Object)
        $taken = Stop-RunningScript $line -Until { Get-ChildItem "$($store.Data)/*.w/root/dev/shm/*/.cage-*.new", "$($store.Data)/.*/root/dev/shm/*/.cage-*.new" -Force -ErrorAction Ignore | Where-Object Length -GT 16MB }
        $taken | Should -BeLessThan 1
        if ($isNew) {
            Get-Cage web -ErrorAction Ignore | Should -BeNullOrEmpty
            Get-ChildItem $store.Data -Force | Should -HaveCount 1
        }
        else {
            @(find (Get-Cage web).Path -printf '%P %s\n' | Sort-Object) | Should -Be $before
        }
    }
}
