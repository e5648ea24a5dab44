Describe 'Rename-Cage' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'is silent, keeps the id, and writes the cage with -PassThru' {
        $web = New-Cage web -Base base
        Rename-Cage web shop | Should -BeNullOrEmpty
        (Get-Cage shop).Id | Should -Be $web.Id
        (Rename-Cage shop store -PassThru).Name | Should -Be 'store'
    }
    It 'renames a running one, whose host name follows at the next start' {
        $null = New-Cage web -Base base | Start-Cage
        Rename-Cage web shop
        Invoke-Cage shop hostname | Should -Be 'web'
        Restart-Cage shop
        Invoke-Cage shop hostname | Should -Be 'shop'
    }
    It 'takes new names from the pipeline, made of what is there or read from a file' {
        $null = 'a', 'b' | New-Cage
        Get-Cage -Kind Writable | Rename-Cage -NewName { "old-$($_.Name)" }
        "Name,NewName", "old-a,c", "$((Get-Cage old-b).Id),d" | ConvertFrom-Csv | Rename-Cage
        (Get-Cage -Kind Writable).Name | Should -Be 'c', 'd'
    }
    It 'takes ids and the pipeline' {
        $web = New-Cage web
        Rename-Cage -Id $web.Id -NewName a
        Get-Cage a | Rename-Cage -NewName b
        'b' | Rename-Cage -NewName c
        (Get-Cage -Kind Writable).Name | Should -Be 'c'
    }
    It 'refuses a bad name, none, and one that fits two' {
        $null = New-Cage twin; $null = New-Cage twin
        Rename-Cage base 'a#b' -ErrorVariable problem -ErrorAction SilentlyContinue
        Rename-Cage nobody x -ErrorVariable +problem -ErrorAction SilentlyContinue
        Rename-Cage twin x -ErrorVariable +problem -ErrorAction SilentlyContinue
        $problem.FullyQualifiedErrorId -replace ',.*' | Should -Be 'CageArgumentInvalid', 'CageNotFound', 'CageAmbiguous'
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Rename-Cage | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Rename-Cage | Should -BeNullOrEmpty }
}
