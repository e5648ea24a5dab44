BeforeDiscovery {
    Import-Module "$PSScriptRoot/CageTest.psm1" -Force
    $isRoot = Test-Root
}

Describe 'Snapshots' -Skip:(-not $isRoot) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach {
        # A snapshot and the cage that stands for it go together.
        Get-Cage | Where-Object Kind -eq Writable | Remove-Cage -Force
        Get-CageSnapshot | Remove-CageSnapshot -Force
        Clear-TestStore $store
    }
    AfterAll { Remove-TestStore $store }

    It 'makes one of a directory, with a read-only cage that stands for it' {
        $snapshot = New-CageSnapshot $store.Root -Note 'before the update'
        $snapshot.Name | Should -Match '^\d{14}(-\d+)?$'
        $snapshot.Source, $snapshot.Note, $snapshot.OfHost | Should -Be $store.Root, 'before the update', $false
        Get-Content "$($snapshot.Path)/etc/base" | Should -Be small
        (Get-Cage -Id $snapshot.CageId).Name | Should -Be "host_$($snapshot.Name)"
        (Get-CageSnapshot $snapshot.Name).Note | Should -Be 'before the update'
    }
    It 'makes one by <_>' -ForEach 'Copy', 'Live' {
        $snapshot = New-CageSnapshot -Source $store.Root -Provider $_ -WarningVariable said -WarningAction SilentlyContinue
        $snapshot.Provider | Should -Be $_
        [bool] $said | Should -Be ($_ -eq 'Live')
    }
    It 'leaves out what is excluded' {
        $snapshot = New-CageSnapshot $store.Root -Provider Copy -Exclude "$($store.Root)/etc/*"
        Get-ChildItem "$($snapshot.Path)/etc" | Should -BeNullOrEmpty
        "$($snapshot.Path)/usr/bin/ls" | Should -Exist
    }
    It 'is a base by itself, by the pipeline and as the host' {
        $snapshot = New-CageSnapshot $store.Root -AsHost
        $cage = New-Cage web -Base $snapshot
        $cage.Base | Should -Be $snapshot.CageId
        (New-Cage web2 -Base host).Base | Should -Be $snapshot.CageId
        (Get-CageSnapshot).IsHost | Should -BeTrue
        Start-Cage web
        Invoke-Cage web cat /etc/base | Should -Be small
    }
    It 'lets the nil UUID follow the newest' {
        $first, $second = 1..2 | ForEach-Object { New-CageSnapshot $store.Root -AsHost }
        (Get-CageSnapshot | Where-Object IsHost).Name | Should -Be $second.Name
        Remove-CageSnapshot $second.Name -Force
        (Get-CageSnapshot | Where-Object IsHost).Name | Should -Be $first.Name
        (Get-Item "$($store.Data)/00000000-0000-0000-0000-000000000000.r/root").Target | Should -Be $first.Path
    }
    It 'tells with Test-Cage that the nil UUID has moved on below a cage' {
        $null = New-CageSnapshot $store.Root -AsHost
        $web = New-Cage web -Base 00000000-0000-0000-0000-000000000000
        Start-Cage web
        Stop-Cage web
        Test-Cage web -Kind BaseMoved | Should -BeNullOrEmpty
        $newer = New-CageSnapshot $store.Root -AsHost
        $finding = @(Test-Cage web -Kind BaseMoved)
        $finding | Should -HaveCount 1
        $finding[0].CageId, $finding[0].Path | Should -Be $web.Id, 'base=00000000-0000-0000-0000-000000000000'
        $finding[0].Message | Should -BeLike "*$($newer.Path)*"
    }
    It 'does not remove one that is below a cage, unless by force, and never below a running one' {
        $snapshot = New-CageSnapshot $store.Root
        $null = New-Cage web -Base $snapshot | Start-Cage
        $snapshot | Remove-CageSnapshot -Confirm:$false -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageBusy,*'
        $problem[0].CategoryInfo.Category | Should -Be 'ResourceBusy'
        "$($problem[0])" | Should -BeLike '*"web"*'
        { $snapshot | Remove-CageSnapshot -Force -ErrorAction Stop } | Should -Throw -ErrorId 'CageBusy,*'
        Stop-Cage web
        $snapshot | Remove-CageSnapshot -Force
        $snapshot.Path | Should -Not -Exist
        Remove-Cage web -Force
    }
    It 'removes by name, wildcard and pipeline' {
        $null = 1..3 | ForEach-Object { New-CageSnapshot $store.Root -Provider Live -WarningAction SilentlyContinue }
        Get-CageSnapshot | Select-Object -First 1 | Remove-CageSnapshot -Confirm:$false
        (Get-CageSnapshot).Count | Should -Be 2
        Remove-CageSnapshot * -Confirm:$false
        Get-CageSnapshot | Should -BeNullOrEmpty
        Get-Cage host_* | Should -BeNullOrEmpty
    }
    It 'does nothing with -WhatIf' {
        Invoke-Quietly "New-CageSnapshot $($store.Root) -WhatIf" | Should -BeNullOrEmpty
        Get-CageSnapshot | Should -BeNullOrEmpty
        $snapshot = New-CageSnapshot $store.Root
        Invoke-Quietly "Remove-CageSnapshot $($snapshot.Name) -WhatIf" | Should -BeNullOrEmpty
        $snapshot.Path | Should -Exist
    }
    It 'says <Id> (<Category>) for <What>' -ForEach @(
        @{ What = 'an unknown one'; Command = { Get-CageSnapshot nope -ErrorAction Stop }; Id = 'CageSnapshotNotFound'; Category = 'ObjectNotFound' }
        @{ What = 'a source that is a file'; Command = { New-CageSnapshot /etc/passwd -ErrorAction Stop }; Id = 'CageArgumentInvalid'; Category = 'InvalidArgument' }
        @{ What = 'a nested path that is none'; Command = { New-CageSnapshot $store.Root -Nested @{ '/nope' = 'Skip' } -ErrorAction Stop }; Id = 'CageArgumentInvalid'; Category = 'InvalidArgument' }
        @{ What = 'no snapshot for a base'; Command = { New-Cage web -Base host -ErrorAction Stop }; Id = 'CageSnapshotNotFound'; Category = 'ObjectNotFound' }
    ) {
        $problem = try { & $Command } catch { $_ }
        $problem.FullyQualifiedErrorId | Should -BeLike "$Id,*"
        $problem.CategoryInfo.Category | Should -Be $Category
    }
    It 'completes names' {
        $snapshot = New-CageSnapshot $store.Root
        (TabExpansion2 'Remove-CageSnapshot ' -cursorColumn 20).CompletionMatches.CompletionText | Should -Contain $snapshot.Name
    }
}

Describe 'Publish-Cage' -Skip:(-not $isRoot) {
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
    It 'does nothing with -WhatIf' {
        $null = New-Cage web -Base base
        Invoke-Quietly 'Publish-Cage web -WhatIf' | Should -BeNullOrEmpty
        (Get-Cage web).Kind | Should -Be Writable
    }
}

Describe 'Start-Cage -ReadOnly' -Skip:(-not $isRoot) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

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
