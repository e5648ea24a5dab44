Describe 'Remove-Cage' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'removes a cage with its files, in silence' {
        $cage = New-Cage web -Base base
        Remove-Cage web -Confirm:$false | Should -BeNullOrEmpty
        $cage.Path | Should -Not -Exist
        "$($store.Root)/etc/base" | Should -Exist
    }
    It 'asks before, unless -Force' {
        (Get-Command Remove-Cage).ImplementingType.GetCustomAttributes([System.Management.Automation.CmdletAttribute], $false).ConfirmImpact | Should -Be 'High'
        $null = New-Cage web -Base base
        Get-ShownText 'Remove-Cage web' | Should -BeLike '*NonInteractive*'
        Get-Cage web | Should -Not -BeNullOrEmpty
        Remove-Cage web -Force
        Get-Cage web* | Should -BeNullOrEmpty
    }
    It 'says CageAlreadyRunning for one that runs; -Force stops it' {
        $cage = New-Cage web -Base base | Start-Cage -PassThru
        Remove-Cage web -Confirm:$false -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageAlreadyRunning,Cage.PowerShell.Commands.RemoveCageCommand'
        (Get-Cage web).State | Should -Be 'Running'
        Remove-Cage web -Force
        $cage.Path | Should -Not -Exist
        Wait-Until { -not (Test-Path "/proc/$($cage.ProcessId)") } | Should -BeTrue
    }
    It 'takes wildcards, ids, objects and the pipeline' {
        $a, $b, $c, $d = 'a1', 'a2', 'c', 'd' | New-Cage
        Remove-Cage a* -Force
        Remove-Cage -Id $c.Id -Force
        $d | Remove-Cage -Force
        Get-Cage -Kind Writable | Should -BeNullOrEmpty
    }
    It 'removes each before its bases, in whatever order they come' {
        $null = New-Cage lower -ReadOnly -Base base
        $null = New-Cage upper -ReadOnly -Base lower
        $null = New-Cage top -Base upper | Start-Cage
        'lower', 'upper', 'top' | Get-Cage | Remove-Cage -Force
        Get-Cage lower, upper, top -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        Get-Cage base | Should -Not -BeNullOrEmpty
    }
    It 'keeps a base that another than those cages has, and removes the rest' {
        $null = New-Cage lower -ReadOnly -Base base
        $null = New-Cage one -Base lower
        $null = New-Cage two -Base lower
        Remove-Cage lower, one -Force -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem | Should -HaveCount 1
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageBusy,*'
        "$($problem[0])" | Should -BeLike '*"two"*'
        (Get-Cage lower, two).Name | Should -Be lower, two
        Get-Cage one -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
    }
    It 'says CageBusy for a base in use and for a mount beneath, and removes nothing' {
        $cage = New-Cage web -Base base
        Remove-Cage base -Force -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageBusy,*'
        $problem[0].CategoryInfo.Category | Should -Be 'ResourceBusy'
        $null = New-Item -ItemType Directory "$($cage.Path)/root/held"
        mount -t tmpfs tmpfs "$($cage.Path)/root/held"
        try {
            'kept' | Set-Content "$($cage.Path)/root/held/file"
            Remove-Cage web -Force -ErrorVariable problem -ErrorAction SilentlyContinue
            $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageBusy,*'
            Get-Content "$($cage.Path)/root/held/file" | Should -Be 'kept'
        }
        finally { umount "$($cage.Path)/root/held" }
    }
    It 'says CageNotFound and CageAmbiguous, and goes on' {
        $null = New-Cage twin
        $null = New-Cage twin
        $null = New-Cage web
        Remove-Cage nobody, twin, web -Force -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem.FullyQualifiedErrorId | Should -Be 'CageNotFound,Cage.PowerShell.Commands.RemoveCageCommand', 'CageAmbiguous,Cage.PowerShell.Commands.RemoveCageCommand'
        (Get-Cage -Kind Writable).Name | Should -Be 'twin', 'twin'
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Remove-Cage | Should -BeNullOrEmpty }
    It 'meets with -WhatIf what it would meet without, and shows each file of the host that goes' {
        $lower = New-Cage lower -ReadOnly -Base base
        $web = New-Cage web -Base lower
        @(Invoke-Quietly 'Remove-Cage lower -WhatIf')[0].FullyQualifiedErrorId | Should -BeLike 'CageBusy,*'
        Invoke-Quietly 'Remove-Cage lower, web -WhatIf' | Should -BeNullOrEmpty
        $null = New-CageShim web -LinkPath "$($store.Folder)/link" -WarningAction SilentlyContinue
        $shown = Get-ShownText 'Remove-Cage lower, web -WhatIf'
        ($shown -split "`n" -match '^What if').ForEach({ $_ -replace '.*on target "(.*)"\.$', '$1' }) | Should -Be "web: $($web.Path)", "web: $($store.Folder)/link", "lower: $($lower.Path)"
        Start-Cage web
        @(Invoke-Quietly 'Remove-Cage web -WhatIf')[0].FullyQualifiedErrorId | Should -BeLike 'CageAlreadyRunning,*'
    }
    It 'takes the unit of a registered cage along' -Skip:(-not (Get-Command systemctl -ErrorAction Ignore)) {
        $shown = Invoke-OnSmallHost $store @'
$null = New-Item -ItemType Directory /run/systemd/system, /etc/systemd/system
$null = 'one', 'two' | New-Cage -Base base
Register-Cage one, two
Remove-Cage one -WhatIf
Remove-Cage one -Force
# As where an image is made: what is there was registered before.
Remove-Item -Recurse /run/systemd
Remove-Cage two -Force
(Get-ChildItem /etc/systemd/system -Recurse -File).Count
(Get-ChildItem /etc/systemd/system/multi-user.target.wants -ErrorAction Ignore).Count
'@
        $shown | Should -HaveCount 4
        $shown[1] | Should -BeLike '*/etc/systemd/system/cage-*.service*'
        $shown | Select-Object -Skip 2 | Should -Be 0, 0
    }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Remove-Cage | Should -BeNullOrEmpty }
}
