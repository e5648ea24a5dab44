Describe 'Remove-CageSnapshot' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Get-Cage -Kind Writable | Remove-Cage -Force; Get-CageSnapshot | Remove-CageSnapshot -Force; Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

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
    It 'asks before, and says CageSnapshotNotFound for one that is not there' {
        $snapshot = New-CageSnapshot $store.Root
        Get-ShownText "Remove-CageSnapshot $($snapshot.Name)" | Should -BeLike '*NonInteractive*'
        $snapshot.Path | Should -Exist
        Remove-CageSnapshot nope -Force -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId, $problem[0].CategoryInfo.Category, $problem[0].TargetObject | Should -Be 'CageSnapshotNotFound,Cage.PowerShell.Commands.RemoveCageSnapshotCommand', 'ObjectNotFound', 'nope'
        [pscustomobject]@{ Name = $snapshot.Name } | Remove-CageSnapshot -Force
        $snapshot.Path | Should -Not -Exist
    }
    It 'completes names of snapshots' {
        $snapshot = New-CageSnapshot $store.Root
        (TabExpansion2 'Remove-CageSnapshot ' -cursorColumn 20).CompletionMatches.CompletionText | Should -Contain $snapshot.Name
    }
    It 'meets with -WhatIf what it would meet without' {
        $snapshot = New-CageSnapshot $store.Root
        $null = New-Cage web -Base $snapshot
        @(Invoke-Quietly "Get-CageSnapshot | Remove-CageSnapshot -WhatIf")[0].FullyQualifiedErrorId | Should -BeLike 'CageBusy,*'
        Invoke-Quietly "Get-CageSnapshot | Remove-CageSnapshot -WhatIf -Force" | Should -BeNullOrEmpty
        Start-Cage web
        @(Invoke-Quietly "Get-CageSnapshot | Remove-CageSnapshot -WhatIf -Force")[0].FullyQualifiedErrorId | Should -BeLike 'CageBusy,*'
        Get-ShownText "Get-CageSnapshot | Remove-CageSnapshot -WhatIf" | Should -Not -BeLike '*What if*'
    }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Remove-CageSnapshot | Should -BeNullOrEmpty }
}
