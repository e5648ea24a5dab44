Describe 'Add-CageCommand' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        function Get-File($Cage) { @(find "$($Cage.Path)/root" -mindepth 1 -not -type d -printf '/%P\n' | Sort-Object) }
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'adds to cages, running or not, and says what' {
        $web = New-Cage web -Command sh -NoPack | Start-Cage -PassThru
        $added = Add-CageCommand web -Command env, true -Pack timezone -NoPack -PassThru
        $added | Should -BeOfType Cage.Engine.Roots.CageContent
        $added.Command | Should -Be 'env', 'true', 'timezone'
        Invoke-Cage web -- env -i /usr/bin/true
        $LASTEXITCODE | Should -Be 0
        Test-Path "$($web.RootPath)/etc/localtime" | Should -BeTrue
        (Get-CageCommand web -Kind Pack).Path | Should -Be 'timezone'
    }
    It 'shows each file with -WhatIf and adds none' {
        $web = New-Cage web
        $before = Get-File $web
        $shown = Get-ShownText "`$env:CAGE_CONF = '$env:CAGE_CONF'; Add-CageCommand web -Command true -WhatIf"
        $shown | Should -Match '/usr/bin/true'
        $shown | Should -Match 'libc\.so\.6'
        Get-File $web | Should -Be $before
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Add-CageCommand | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Add-CageCommand | Should -BeNullOrEmpty }
}
