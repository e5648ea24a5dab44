Describe 'Get-CageShim' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        # Not below /tmp, which is another one in a running cage.
        $own = (mktemp -d -p /var/tmp cage-pester-XXXXXX)
    }
    AfterEach { Clear-TestStore $store }
    AfterAll {
        rm -rf --one-file-system $own
        Remove-TestStore $store
    }

    It 'tells of wrappers and links, of all cages or of some' {
        $web = New-Cage web -Command echo -NoPack
        $shims = New-CageShim web echo -Folder $own -LinkPath "$own/sh-of-web"
        $all = Get-CageShim
        $all | Should -BeOfType Cage.Engine.Roots.CageShim
        $all.Path | Should -Be $shims.Path
        $all.IsLink | Should -Be $false, $true
        (Get-CageShim web)[0].CageId | Should -Be $web.Id
        ($all | Select-Object -First 1 | Get-Cage).Name | Should -Be 'web'
        Get-CageShim base | Should -BeNullOrEmpty
    }
    It 'says CageNotFound of a cage that is not there' {
        Get-CageShim nobody -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageNotFound,Cage.PowerShell.Commands.GetCageShimCommand'
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Get-CageShim | Should -BeNullOrEmpty }
}
