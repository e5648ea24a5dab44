Describe 'New-CageSnapshot' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Get-Cage -Kind Writable | Remove-Cage -Force; Get-CageSnapshot | Remove-CageSnapshot -Force; Clear-TestStore $store }
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
    It 'says <Id> (<Category>) for <What>' -ForEach @(
        @{ What = 'a source that is a file'; Command = { New-CageSnapshot /etc/passwd -ErrorAction Stop }; Id = 'CageArgumentInvalid'; Category = 'InvalidArgument' }
        @{ What = 'a nested path that is none'; Command = { New-CageSnapshot $store.Root -Nested @{ '/nope' = 'Skip' } -ErrorAction Stop }; Id = 'CageArgumentInvalid'; Category = 'InvalidArgument' }
        @{ What = 'no snapshot for a base'; Command = { New-Cage web -Base host -ErrorAction Stop }; Id = 'CageSnapshotNotFound'; Category = 'ObjectNotFound' }
    ) {
        $problem = try { & $Command } catch { $_ }
        $problem.FullyQualifiedErrorId | Should -BeLike "$Id,*"
        $problem.CategoryInfo.Category | Should -Be $Category
    }
    It 'leaves nothing of a copy that is stopped half way' {
        $large = "$($store.Folder)/large"
        bash -c 'mkdir "$0"; cd "$0"; for d in {1..100}; do mkdir $d; touch $d/{1..200}; done' $large
        $folder = Split-Path (New-CageSnapshot $store.Root).Path
        Get-CageSnapshot | Remove-CageSnapshot -Force
        try {
            $begun = [ref] $null
            Stop-RunningScript "New-CageSnapshot $large -Provider Copy" -Until { ($begun.Value = Get-ChildItem $folder -Force -Filter '.*.ss.new') } | Should -BeLessThan 10
            $begun.Value | Should -Not -BeNullOrEmpty
            Get-ChildItem $folder -Force | Should -BeNullOrEmpty
            Get-CageSnapshot | Should -BeNullOrEmpty
            Get-Cage host_* | Should -BeNullOrEmpty
        }
        finally {
            Remove-Item $large -Recurse
        }
    }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store New-CageSnapshot | Should -BeNullOrEmpty }
}
