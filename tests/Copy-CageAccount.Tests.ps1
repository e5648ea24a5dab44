Describe 'Copy-CageAccount' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'copies accounts without passwords' {
        $web = New-Cage web
        $accounts = Copy-CageAccount web root, nobody
        $accounts | Should -BeOfType Cage.Engine.Roots.CageAccount
        $accounts.Name | Should -Be 'root', 'nobody'
        Get-Content "$($web.Path)/root/etc/passwd" | ForEach-Object { $_.Split(':')[1] } | Should -Be '*', '*'
        Copy-CageAccount web -MinimumUid 1 -MaximumUid 2 | ForEach-Object UserId | Should -BeIn 1, 2
        Copy-CageAccount web no-such-user -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageArgumentInvalid,Cage.PowerShell.Commands.CopyCageAccountCommand'
    }
    It 'says CageArgumentInvalid where no account is named' {
        $null = New-Cage web
        Copy-CageAccount web -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId, $problem[0].CategoryInfo.Category | Should -Be 'CageArgumentInvalid,Cage.PowerShell.Commands.CopyCageAccountCommand', 'InvalidArgument'
        $problem[0].ErrorDetails.RecommendedAction | Should -BeLike '*-User*'
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Copy-CageAccount | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Copy-CageAccount | Should -BeNullOrEmpty }
}
