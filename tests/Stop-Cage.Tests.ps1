BeforeDiscovery {
    Import-Module "$PSScriptRoot/CageTest.psm1" -Force
    $isRoot = Test-Root
    $hasTmux = [bool] (Get-Command tmux -CommandType Application -ErrorAction Ignore)
}

Describe 'Stop-Cage' -Skip:(-not $isRoot) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'stops a <_> and what runs in it, in silence' -ForEach Chroot, Pivot, Jail {
        $cage = New-Cage web -Base base -Isolation $_ | Start-Cage -PassThru
        Invoke-Cage web -- sh -c 'setsid sleep 987 >/dev/null 2>&1 &'
        Wait-Until { @(Get-CageProcess web | ForEach-Object Name) -contains 'sleep' } | Should -BeTrue
        Stop-Cage web | Should -BeNullOrEmpty
        (Get-Cage web).State | Should -Be 'Stopped'
        Get-Process sleep -ErrorAction Ignore | Where-Object CommandLine -Like '*987*' | Should -BeNullOrEmpty
        Get-MountBeneath $cage.Path | Should -BeNullOrEmpty
    }
    It 'is fine twice, and with read-only cages among them' {
        $null = New-Cage web -Base base | Start-Cage
        Stop-Cage web
        Stop-Cage web -ErrorAction Stop
        Get-Cage | Stop-Cage -ErrorAction Stop
    }
    It 'writes the cages with -PassThru, and takes names, wildcards, ids and objects' {
        $a = New-Cage a1 -Base base | Start-Cage -PassThru
        $null = New-Cage a2 -Base base | Start-Cage
        (Stop-Cage a* -PassThru).State | Should -Be 'Stopped', 'Stopped'
        (Stop-Cage -Id $a.Id -PassThru).Name | Should -Be 'a1'
        (Get-Cage a2 | Stop-Cage -PassThru).Name | Should -Be 'a2'
        ([pscustomobject]@{ Name = 'a2' } | Stop-Cage -PassThru).Name | Should -Be 'a2'
        ([pscustomobject]@{ CageId = $a.Id } | Stop-Cage -PassThru).Name | Should -Be 'a1'
    }
    It 'takes the process of a cage for its cage, not for a name' {
        $null = New-Cage web -Base base | Start-Cage
        $null = New-Cage sleep -Base base | Start-Cage
        Invoke-Cage web -- sh -c 'sleep 60 >/dev/null 2>&1 &'
        Wait-Until { @(Get-CageProcess web | ForEach-Object Name) -contains 'sleep' } | Should -BeTrue
        Get-CageProcess web | Where-Object Name -EQ sleep | Stop-Cage -TimeoutSeconds 1
        (Get-Cage web).State, (Get-Cage sleep).State | Should -Be 'Stopped', 'Running'
    }
    It 'kills what ignores TERM after -TimeoutSeconds' {
        $null = New-Cage web -Base base -Isolation Pivot | Start-Cage
        Invoke-Cage web -- sh -c 'trap "" TERM; setsid sleep 60 >/dev/null 2>&1 &'
        (Measure-Command { Stop-Cage web -TimeoutSeconds 0.5 }).TotalSeconds | Should -BeLessThan 5
        (Get-Cage web).State | Should -Be 'Stopped'
    }
    It 'kills at once with -Force, without the stop script' {
        $cage = New-Cage web -Base base | Start-Cage -PassThru
        'echo stopped >/root/mark' | Set-Content "$($cage.Path)/down"
        Set-Cage web -StopScript down
        Invoke-Cage web -- sh -c 'trap "" TERM; setsid sleep 60 >/dev/null 2>&1 &'
        (Measure-Command { Stop-Cage web -Force -Confirm:$false }).TotalSeconds | Should -BeLessThan 5
        "$($cage.Path)/root/root/mark" | Should -Not -Exist
    }
    It 'asks before it kills what runs, unless it is told not to' {
        $null = New-Cage web -Base base
        Get-ShownText 'Stop-Cage web -Force; "stopped anyway"' | Should -BeLike 'stopped anyway*'
        $null = Start-Cage web
        Get-ShownText 'Stop-Cage web -Force' | Should -BeLike '*NonInteractive*'
        Get-ShownText '$ConfirmPreference = ''Medium''; Stop-Cage web -Force' | Should -BeLike '*NonInteractive*'
        (Get-Cage web).State | Should -Be 'Running'
        Get-ShownText '$ConfirmPreference = ''None''; Stop-Cage web -Force' | Should -BeNullOrEmpty
        (Get-Cage web).State | Should -Be 'Stopped'
        Start-Cage web
        Get-ShownText 'Stop-Cage web -Force -Confirm:$false' | Should -BeNullOrEmpty
        (Get-Cage web).State | Should -Be 'Stopped'
    }
    It 'takes the answer: <Answer>' -ForEach @{ Answer = 'n'; State = 'Running', 'Running' }, @{ Answer = 'y'; State = 'Stopped', 'Running' }, @{ Answer = 'a'; State = 'Stopped', 'Stopped' } -Skip:(-not $hasTmux) {
        'a1', 'a2' | New-Cage -Base base | Start-Cage
        $terminal = Open-Terminal
        try {
            Send-Line $terminal 'Stop-Cage a* -Force; "answered"'
            Wait-Screen $terminal 'Kill all that runs in a1' | Should -BeTrue
            Send-Line $terminal $Answer
            if ($Answer -ne 'a') {
                Wait-Screen $terminal 'Kill all that runs in a2' | Should -BeTrue
                Send-Line $terminal 'n'
            }
            Wait-Screen $terminal '(?m)^answered' | Should -BeTrue
            (Get-Cage a*).State | Should -Be $State
        }
        finally { Close-Terminal $terminal }
    }
    It 'runs the stop script; one that fails is a warning' {
        $cage = New-Cage web -Base base | Start-Cage -PassThru
        'echo stopped >/root/mark; exit 4' | Set-Content "$($cage.Path)/down"
        Set-Cage web -StopScript down
        Stop-Cage web -WarningVariable warning -WarningAction SilentlyContinue -ErrorAction Stop
        "$warning" | Should -BeLike '*down script*ended with 4*'
        Get-Content "$($cage.Path)/root/root/mark" | Should -Be 'stopped'
        (Get-Cage web).State | Should -Be 'Stopped'
    }
    It 'shows each step with -WhatIf and does none' {
        $cage = New-Cage web -Base base -Isolation Chroot | Start-Cage -PassThru
        $text = Get-ShownText 'Stop-Cage web -WhatIf'
        $text | Should -BeLike '*What if: Performing the operation "unmount" on target "web: *mnt*'
        (Get-Cage web).State | Should -Be 'Running'
        Get-MountBeneath $cage.Path | Should -Not -BeNullOrEmpty
    }
    It 'says CageBusy, and by whom, when a mount stays busy' {
        $cage = New-Cage web -Base base -Isolation Chroot | Start-Cage -PassThru
        $holder = Start-Process sleep 60 -WorkingDirectory "$($cage.RootPath)/etc" -PassThru
        try {
            Stop-Cage web -ErrorVariable problem -ErrorAction SilentlyContinue
            $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageBusy,*'
            $problem[0].CategoryInfo.Category | Should -Be 'ResourceBusy'
            "$($problem[0])" | Should -BeLike "*$($holder.Id)*"
            Stop-Cage web -Force -Confirm:$false -WarningVariable warning -WarningAction SilentlyContinue -ErrorAction Stop
            "$warning" | Should -BeLike '*lazily*'
        }
        finally { $holder.Kill(); $holder.WaitForExit() }
    }
    It 'says CageNotFound, and goes on' {
        $null = New-Cage web -Base base | Start-Cage
        (Stop-Cage nobody, web -PassThru -ErrorVariable problem -ErrorAction SilentlyContinue).Name | Should -Be 'web'
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageNotFound,Cage.PowerShell.Commands.StopCageCommand'
    }
    It 'stops waiting when it is stopped (Ctrl+C), and another goes on from there' {
        $null = New-Cage web -Base base -Isolation Pivot | Start-Cage
        Invoke-Cage web -- sh -c 'trap "" TERM; setsid sleep 60 >/dev/null 2>&1 &'
        Stop-RunningScript "'begun'; Stop-Cage web -TimeoutSeconds 60" | Should -BeLessThan 3
        Stop-Cage web -Force -Confirm:$false
        (Get-Cage web).State | Should -Be 'Stopped'
    }
    It 'shows the time that is left for what does not listen, and no more of it when that has ended' {
        $null = New-Cage web -Base base | Start-Cage
        Start-CageProcess web -ServiceName deaf -- sh -c 'trap "" TERM; sleep 1000'
        $shell = [powershell]::Create().AddScript("Import-Module '$(Get-CageModulePath)'; Stop-Cage web -TimeoutSeconds 2.5")
        try {
            $null = $shell.Invoke()
            $shown = @($shell.Streams.Progress)
        }
        finally { $shell.Dispose() }
        $waiting = @($shown | Where-Object StatusDescription -Like 'end what runs*')[0]
        $waiting.Activity | Should -Be 'Stopping web'
        $waiting.SecondsRemaining | Should -BeIn (0..2)
        $waiting.PercentComplete | Should -BeIn (0..100)
        $shown[-1].RecordType | Should -Be 'Completed'
        (Get-Cage web).State | Should -Be 'Stopped'
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Stop-Cage | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Stop-Cage | Should -BeNullOrEmpty }
}
