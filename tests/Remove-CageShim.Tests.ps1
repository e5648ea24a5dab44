Describe 'Remove-CageShim' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        # Not below /tmp, which is another one in a running cage.
        $own = (mktemp -d -p /var/tmp cage-pester-XXXXXX)
    }
    AfterEach { Remove-Item "$own/*"; Clear-TestStore $store }
    AfterAll {
        rm -rf --one-file-system $own
        Remove-TestStore $store
    }

    It 'takes wrappers and links away, by objects, names and wildcards; what somebody has put in their place stays' {
        $web = New-Cage web -Command echo -NoPack
        $shims = New-CageShim web echo -Folder $own -LinkPath "$own/sh-of-web"
        Get-CageShim web | Where-Object IsLink | Remove-CageShim
        (Get-CageShim web).Path | Should -Be "$own/echo"
        'mine' | Set-Content "$own/echo"
        Remove-CageShim web ech*
        Get-CageShim web | Should -BeNullOrEmpty
        Get-Content "$own/echo" | Should -Be 'mine'
        Remove-CageShim web echo -ErrorAction Stop
    }
    It 'is done by Remove-Cage as well' {
        $web = New-Cage web -Command echo -NoPack
        $shims = New-CageShim web echo -Folder $own -LinkPath "$own/sh-of-web"
        Remove-Cage web -Force
        "$own/echo" | Should -Not -Exist
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Remove-CageShim | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Remove-CageShim | Should -BeNullOrEmpty }
}
