Describe 'Start-Cage' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'starts a <_>, in silence' -ForEach Chroot, Pivot, Jail {
        $cage = New-Cage web -Base base -Isolation $_
        Start-Cage web | Should -BeNullOrEmpty
        (Get-Cage web).State | Should -Be 'Running'
        Invoke-Cage web cat /etc/base | Should -Be 'small'
        @(Get-MountBeneath $cage.Path).Count -gt 0 | Should -Be ($_ -eq 'Chroot')
        Stop-Cage web
        (Get-Cage web).State | Should -Be 'Stopped'
        Get-MountBeneath $cage.Path | Should -BeNullOrEmpty
    }
    It 'starts a cage over the live host' {
        $null = New-Cage host0 -ReadOnly -Source /
        New-Cage web -Base host0 | Start-Cage
        Invoke-Cage web -- hostname | Should -Be 'web'
    }
    It 'writes the cages with -PassThru, and takes names, wildcards, ids and objects' {
        $a = New-Cage a1 -Base base
        $b = New-Cage a2 -Base base
        $c = New-Cage c -Base base
        (Start-Cage a* -PassThru).State | Should -Be 'Running', 'Running'
        Stop-Cage a1, a2
        (Start-Cage -Id $a.Id -PassThru).Name | Should -Be 'a1'
        ($b, $c | Start-Cage -PassThru).Name | Should -Be 'a2', 'c'
        Get-Cage | Stop-Cage
        ('a1', 'c' | Start-Cage -PassThru).Name | Should -Be 'a1', 'c'
        (Start-Cage -InputObject $b -PassThru).Name | Should -Be 'a2'
    }
    It 'runs the start script' {
        $cage = New-Cage web -Base base
        'echo started >/root/mark' | Set-Content "$($cage.Path)/up"
        Set-Cage web -StartScript up
        Start-Cage web
        Invoke-Cage web cat /root/mark | Should -Be 'started'
    }
    It 'tells with -Verbose where its files are' {
        $null = New-Cage web -Base base
        Start-Cage web -Verbose 4>&1 | Out-String | Should -BeLike '*"web" runs*/root*'
    }
    It 'shows each step with -WhatIf and does none: <_>' -ForEach Chroot, Jail {
        $cage = New-Cage web -Base base -Isolation $_
        $before = find $cage.Path
        $text = Get-ShownText 'Start-Cage web -WhatIf'
        $text | Should -BeLike '*What if: Performing the operation "mount overlay*" on target "web: /*'
        $text | Should -BeLike '*What if: Performing the operation "mount proc *" on target "web: *proc"*'
        (Get-Cage web).State | Should -Be 'Stopped'
        find $cage.Path | Should -Be $before
        Get-MountBeneath $store.Folder | Should -BeNullOrEmpty
    }
    It 'obeys $WhatIfPreference' {
        $null = New-Cage web -Base base
        Invoke-Quietly '$WhatIfPreference = $true; Start-Cage web' | Should -BeNullOrEmpty
        (Get-Cage web).State | Should -Be 'Stopped'
    }
    It 'says CageAlreadyRunning, with and without -WhatIf, and goes on' {
        $null = New-Cage a -Base base | Start-Cage
        $null = New-Cage b -Base base
        (Start-Cage a, b -PassThru -ErrorVariable problem -ErrorAction SilentlyContinue).Name | Should -Be 'b'
        $problem.Count | Should -Be 1
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageAlreadyRunning,Cage.PowerShell.Commands.StartCageCommand'
        $problem[0].CategoryInfo.Category | Should -Be 'InvalidOperation'
        $problem[0].TargetObject.Name | Should -Be 'a'
        Start-Cage a -WhatIf -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageAlreadyRunning,*'
    }
    It 'says CageStartFailed for a read-only cage and CageNotFound for none' {
        Start-Cage base, nobody -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem.FullyQualifiedErrorId | Should -Be 'CageStartFailed,Cage.PowerShell.Commands.StartCageCommand', 'CageNotFound,Cage.PowerShell.Commands.StartCageCommand'
        $problem[0].CategoryInfo.Category | Should -Be 'OpenError'
    }
    It 'says CageAmbiguous where a name fits several; wildcards mean all' {
        $null = New-Cage twin -Base base
        $null = New-Cage twin -Base base
        Start-Cage twin -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageAmbiguous,*'
        Get-Cage -State Running | Should -BeNullOrEmpty
        Start-Cage twi* -PassThru | Should -HaveCount 2
    }
    It 'leaves nothing when a start script fails, and says what it said' {
        $cage = New-Cage web -Base base
        'echo bad luck; exit 3' | Set-Content "$($cage.Path)/up"
        Set-Cage web -StartScript up
        Start-Cage web -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageStartFailed,*'
        "$($problem[0])" | Should -BeLike '*ended with 3*bad luck*'
        (Get-Cage web).State | Should -Be 'Stopped'
    }
    It 'is undone when it is stopped half way (Ctrl+C)' {
        $cage = New-Cage web -Base base
        'sleep 60' | Set-Content "$($cage.Path)/up"
        Set-Cage web -StartScript up
        Stop-RunningScript 'Start-Cage web' -Until { (Get-Cage web).State -eq 'Running' -and @(Get-CageProcess web | ForEach-Object Name) -contains 'sleep' } | Should -BeLessThan 5
        (Get-Cage web).State | Should -Be 'Stopped'
    }
    It 'tells each step by debug lines, and with -Verbose what it has done' {
        $null = New-Cage web -Base base
        $said = & { $DebugPreference = 'Continue'; Start-Cage web -Verbose } 4>&1 5>&1
        $steps = @($said | Where-Object { $_ -is [System.Management.Automation.DebugRecord] } | ForEach-Object Message)
        $steps[0] | Should -BeLike 'Host: make the control group *'
        $steps | Should -Contain 'Inside: mount proc nosuid nodev noexec /proc'
        "$($said[-1])" | Should -Match '^"web" runs, its files at /proc/\d+/root'
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Start-Cage | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Start-Cage | Should -BeNullOrEmpty }
    It 'lets nothing be written, and everything be read' {
        $web = New-Cage web -Base base
        'own' | Set-Content "$($web.Path)/root/own"
        $web | Start-Cage -ReadOnly
        Invoke-Cage web cat /own /etc/base | Should -Be own, small
        Invoke-Cage web touch /etc/new 2>$null
        $LASTEXITCODE | Should -Not -Be 0
        (Get-CageMount web | Where-Object Target -eq '/').Options | Should -Match '(^|,)ro(,|$)'
    }
}
