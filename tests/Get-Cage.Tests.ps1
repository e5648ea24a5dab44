Describe 'Get-Cage' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        $web1 = New-Cage web1 -Base base | Start-Cage -PassThru
        $web2 = New-Cage web2 -Base base -Isolation Pivot
        $web2a = New-Cage twin -Base base -Isolation Chroot
        $web2b = New-Cage twin -Base base
    }
    AfterAll { Remove-TestStore $store }

    It 'writes all, by name' {
        (Get-Cage).Name | Should -Be 'base', 'twin', 'twin', 'web1', 'web2'
    }
    It 'finds by name, wildcards, id and the beginning of an id' {
        (Get-Cage web1).Id | Should -Be $web1.Id
        (Get-Cage web*).Name | Should -Be 'web1', 'web2'
        (Get-Cage web[2-9], base).Name | Should -Be 'web2', 'base'
        (Get-Cage "$($web1.Id)").Name | Should -Be 'web1'
        (Get-Cage "$($web1.Id)".Substring(0, 13)).Name | Should -Be 'web1'
        (Get-Cage -Id $web1.Id, $web2.Id).Name | Should -Be 'web1', 'web2'
    }
    It 'writes all that have a literal name' {
        (Get-Cage twin).Id | Sort-Object | Should -Be ($web2a.Id, $web2b.Id | Sort-Object)
    }
    It 'tells upper from lower case' {
        Get-Cage WEB* | Should -BeNullOrEmpty
        Get-Cage WEB1 -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem.Count | Should -Be 1
    }
    It 'takes cages, names, and objects with a name or an id from the pipeline' {
        ($web1, $web2a | Get-Cage).Id | Should -Be $web1.Id, $web2a.Id
        ('web1', 'web2' | Get-Cage).Name | Should -Be 'web1', 'web2'
        ([pscustomobject]@{ Name = 'web2' } | Get-Cage).Name | Should -Be 'web2'
        ([pscustomobject]@{ Id = $web2.Id } | Get-Cage).Name | Should -Be 'web2'
        (Get-CageMount web1 | Select-Object -First 1 | Get-Cage).Name | Should -Be 'web1'
        (Get-CageProcess web1 | Get-Cage).Name | Should -Be 'web1'
    }
    It 'reads the state anew' {
        $old = Get-Cage web2
        Start-Cage web2
        $old.State | Should -Be 'Stopped'
        ($old | Get-Cage).State | Should -Be 'Running'
        Stop-Cage web2
    }
    It 'chooses by state, kind and isolation' {
        (Get-Cage -State Running).Name | Should -Be 'web1'
        (Get-Cage -Kind ReadOnly).Name | Should -Be 'base'
        (Get-Cage -Isolation Pivot, Chroot).Name | Should -Be 'twin', 'web2'
        Get-Cage web2 -State Running | Should -BeNullOrEmpty
    }
    It 'says what runs' {
        $cage = Get-Cage web1
        $cage.State | Should -Be 'Running'
        $cage.ProcessId | Should -BeGreaterThan 0
        Get-Content "$($cage.RootPath)/etc/base" | Should -Be 'small'
        $cage.BaseName | Should -Be 'base'
    }
    It 'is silent where wildcards fit nothing' {
        Get-Cage nothing* -ErrorVariable problem | Should -BeNullOrEmpty
        $problem | Should -BeNullOrEmpty
    }
    It 'says CageNotFound for a literal name, and goes on' {
        (Get-Cage nothing, web1 -ErrorVariable problem -ErrorAction SilentlyContinue).Name | Should -Be 'web1'
        $problem.Count | Should -Be 1
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageNotFound,Cage.PowerShell.Commands.GetCageCommand'
        $problem[0].CategoryInfo.Category | Should -Be 'ObjectNotFound'
        $problem[0].TargetObject | Should -Be 'nothing'
        $problem[0].ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
        { Get-Cage nothing -ErrorAction Stop } | Should -Throw -ErrorId 'CageNotFound,*'
    }
    It 'writes a broken one as an error that names file, line and key, and hides no other' {
        $conf = "$($web2.Path)/cage.conf"
        $whole = Get-Content $conf
        try {
            ($whole -replace '^isolation=.*', 'isolation=nonsense') | Set-Content $conf
            (Get-Cage -ErrorVariable problem -ErrorAction SilentlyContinue).Name | Should -Be 'base', 'twin', 'twin', 'web1'
            $problem.Count | Should -Be 1
            $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageConfInvalid,*'
            $problem[0].CategoryInfo.Category | Should -Be 'InvalidData'
            "$($problem[0])" | Should -BeLike "*$conf, line *isolation*"
            Get-Cage web1 -ErrorVariable problem | Should -Not -BeNullOrEmpty
            $problem | Should -BeNullOrEmpty
        }
        finally { $whole | Set-Content $conf }
    }
    It 'ends at once without the configuration that CAGE_CONF names' {
        $conf = $env:CAGE_CONF
        try {
            $env:CAGE_CONF = '/nowhere/cage.conf'
            { Get-Cage -ErrorAction SilentlyContinue } | Should -Throw -ErrorId 'CageConfInvalid,*'
        }
        finally { $env:CAGE_CONF = $conf }
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Get-Cage | Should -BeNullOrEmpty }
}
