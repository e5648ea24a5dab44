Describe 'Get-CageMount' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        $jail = New-Cage jail -Base base | Start-Cage -PassThru
        $null = New-Cage pivot -Base base -Isolation Pivot | Start-Cage
        $null = New-Cage chroot -Base base -Isolation Chroot | Start-Cage
        $null = New-Cage idle -Base base
    }
    AfterAll { Remove-TestStore $store }

    It 'tells what a <_> has mounted, as seen from inside' -ForEach 'jail', 'pivot', 'chroot' {
        $mounts = Get-CageMount $_
        $mounts | Should -BeOfType Cage.Engine.State.CageMount
        $mounts.Cage | Sort-Object -Unique | Should -Be $_
        $mounts.Target | Should -Contain '/'
        foreach ($pair in 'proc /proc', 'sysfs /sys', 'tmpfs /dev', 'devpts /dev/pts', 'tmpfs /dev/shm', 'tmpfs /tmp') {
            $mounts | ForEach-Object { "$($_.Type) $($_.Target)" } | Should -Contain $pair
        }
    }
    It 'tells the layers of an overlay' {
        $root = Get-CageMount jail | Where-Object Target -EQ /
        $root.Type | Should -Be 'overlay'
        $root.Layers | Should -HaveCount 1
        $root.Propagation | Should -Be 'private'
    }
    It 'tells of all that run, and nothing of one that is stopped' {
        (Get-CageMount).Cage | Sort-Object -Unique | Should -Be 'chroot', 'jail', 'pivot'
        Get-CageMount idle | Should -BeNullOrEmpty
    }
    It 'takes wildcards, ids and the pipeline' {
        (Get-CageMount *o*).Cage | Sort-Object -Unique | Should -Be 'chroot', 'pivot'
        (Get-CageMount -Id $jail.Id).Cage | Sort-Object -Unique | Should -Be 'jail'
        (Get-Cage jail | Get-CageMount).Cage | Sort-Object -Unique | Should -Be 'jail'
        (Get-CageMount -InputObject $jail).Cage | Sort-Object -Unique | Should -Be 'jail'
    }
    It 'says CageNotFound, and goes on' {
        Get-CageMount nobody, jail -ErrorVariable problem -ErrorAction SilentlyContinue | Should -Not -BeNullOrEmpty
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageNotFound,Cage.PowerShell.Commands.GetCageMountCommand'
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Get-CageMount | Should -BeNullOrEmpty }
}
