Describe 'Get-CageSnapshot' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Get-Cage -Kind Writable | Remove-Cage -Force; Get-CageSnapshot | Remove-CageSnapshot -Force; Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'tells of all, the oldest first, or of some by names, wildcards and the pipeline' {
        Get-CageSnapshot | Should -BeNullOrEmpty
        $made = 1..2 | ForEach-Object { New-CageSnapshot $store.Root -Provider Live -Note "number $_" -WarningAction SilentlyContinue }
        $all = Get-CageSnapshot
        $all | Should -BeOfType Cage.Engine.Snapshots.CageSnapshot
        $all.Note | Should -Be 'number 1', 'number 2'
        (Get-CageSnapshot $made[1].Name).Note | Should -Be 'number 2'
        (Get-CageSnapshot "$($made[0].Name.Substring(0, 8))*").Count | Should -Be 2
        ($made[0].Name | Get-CageSnapshot).Path | Should -Be $made[0].Path
        ([pscustomobject]@{ Name = $made[1].Name } | Get-CageSnapshot).Path | Should -Be $made[1].Path
        Get-CageSnapshot nope* -ErrorAction Stop | Should -BeNullOrEmpty
    }
    It 'says <Id> (<Category>) for <What>' -ForEach @(
        @{ What = 'an unknown one'; Command = { Get-CageSnapshot nope -ErrorAction Stop }; Id = 'CageSnapshotNotFound'; Category = 'ObjectNotFound' }
    ) {
        $problem = try { & $Command } catch { $_ }
        $problem.FullyQualifiedErrorId | Should -BeLike "$Id,*"
        $problem.CategoryInfo.Category | Should -Be $Category
    }
}
