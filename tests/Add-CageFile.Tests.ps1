Describe 'Add-CageFile' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        # Not below /tmp, which is another one in a running cage.
        $own = (mktemp -d -p /var/tmp cage-pester-XXXXXX)
        function Get-File($Cage) { @(find "$($Cage.Path)/root" -mindepth 1 -not -type d -printf '/%P\n' | Sort-Object) }
    }
    AfterEach { Clear-TestStore $store }
    AfterAll {
        rm -rf --one-file-system $own
        Remove-TestStore $store
    }

    It 'adds files from the pipeline, and goes on when one is not there' {
        'a', 'b' | ForEach-Object { Set-Content "$own/$_" $_ }
        $web = New-Cage web
        Get-ChildItem $own | Add-CageFile web
        Add-CageFile web /nonexistent, $own -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageCommandNotFound,Cage.PowerShell.Commands.AddCageFileCommand'
        (Get-File $web) | Should -Contain "$own/a"
        (Get-CageCommand web).Path | Should -Be "$own/a", "$own/b", $own
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Add-CageFile | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Add-CageFile | Should -BeNullOrEmpty }
}
