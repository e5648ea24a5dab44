Describe 'Get-CageDependency' {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        Import-CageModule
        $folder = (mktemp -d --tmpdir cage-pester-XXXXXX)
    }
    AfterAll { rm -rf $folder }

    It 'tells what a command needs, and why' {
        $all = Get-CageDependency bash -NoPack
        $all | Should -BeOfType Cage.Engine.Roots.CageDependency
        $all[0].Path | Should -Be '/usr/bin/bash'
        $all[0].Reason | Should -Be 'Requested'
        $libc = $all | Where-Object Path -Like '*/libc.so.6'
        $libc.Reason | Should -Be 'Needed'
        $libc.RequiredBy | Should -Be '/usr/bin/bash'
        $libc.Missing | Should -BeFalse
        ($all | Where-Object Reason -EQ Interpreter).Path | Should -HaveCount 1
    }
    It 'has packs, each with its reason, unless they are not wanted' {
        $zone = Get-CageDependency date | Where-Object Path -EQ /etc/localtime
        $zone.Reason | Should -Be 'Pack'
        $zone.Through | Should -Match '^timezone: '
        (Get-CageDependency date -NoPack).Reason | Should -Not -Contain 'Pack'
        (Get-CageDependency date -NoPack -Pack net).Path | Should -Contain '/etc/hosts'
    }
    It 'takes several, paths, and the pipeline' {
        $both = Get-CageDependency sh ls -NoPack
        @($both | Where-Object Reason -EQ Requested).Count | Should -Be 2
        $both.Path | Sort-Object -Unique | Should -HaveCount $both.Count
        (Get-Item /usr/bin/env | Get-CageDependency -NoPack)[0].Path | Should -Be '/usr/bin/env'
        ('env', 'true' | Get-CageDependency -NoPack | Where-Object Reason -EQ Requested).Path | Should -Be '/usr/bin/env', '/usr/bin/true'
        Push-Location /usr/bin
        try { (Get-CageDependency ./env -NoPack)[0].Path | Should -Be '/usr/bin/env' } finally { Pop-Location }
    }
    It 'tells scripts' {
        "#!/usr/bin/env bash" | Set-Content "$folder/script"
        ($all = Get-CageDependency "$folder/script" -NoPack) | Should -Not -BeNullOrEmpty
        ($all | Where-Object Reason -EQ Script).Path | Should -Be '/usr/bin/env', '/usr/bin/bash'
    }
    It 'looks into another root' {
        bash -c 'mkdir -p $1/bin && cp /bin/true $1/bin/ && ln -s true $1/bin/yes' bash "$folder/root"
        $all = Get-CageDependency yes -Root "$folder/root" -NoPack
        $all[0].Target | Should -Be 'true'
        @($all | Where-Object Missing).Path | Should -Contain 'libc.so.6'
        $all.Path | Should -Not -Contain '/usr/bin/true'
    }
    It 'tells of a command that is not there, and goes on' {
        $all = Get-CageDependency nothing-such, true -NoPack -ErrorVariable problem -ErrorAction SilentlyContinue
        $all[0].Path | Should -Be '/usr/bin/true'
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageCommandNotFound,Cage.PowerShell.Commands.GetCageDependencyCommand'
        $problem[0].CategoryInfo.Category | Should -Be 'ObjectNotFound'
    }
    It 'tells of a broken file' {
        bash -c 'head -c 200 /bin/true >$1' bash "$folder/broken"
        $null = Get-CageDependency "$folder/broken" -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageFileInvalid,Cage.PowerShell.Commands.GetCageDependencyCommand'
        $problem[0].CategoryInfo.Category | Should -Be 'InvalidData'
    }
    It 'completes packs' {
        (TabExpansion2 'Get-CageDependency x -Pack cert' 31).CompletionMatches.CompletionText | Should -Be 'certificates'
    }
}
