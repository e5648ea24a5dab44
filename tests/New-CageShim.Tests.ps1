BeforeDiscovery {
    Import-Module "$PSScriptRoot/CageTest.psm1" -Force
    $isRoot = Test-Root
}

Describe 'New-CageShim' -Skip:(-not $isRoot) {
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

    It 'makes ways into a cage from the host, and takes the place of nothing else' {
        $web = New-Cage web -Command echo, sh -NoPack | Start-Cage -PassThru
        $shims = New-CageShim web echo -Folder $own -LinkPath "$own/sh-of-web"
        $shims.Path | Should -Be "$own/echo", "$own/sh-of-web"
        & "$own/echo" 'from inside' "a'b" | Should -Be "from inside a'b"
        (Get-CageShim web).Path | Should -Be $shims.Path
        New-CageShim web sh -Folder /usr/bin -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageAlreadyExists,Cage.PowerShell.Commands.NewCageShimCommand'
    }
    It 'says that there is no such folder, and makes nothing' {
        $null = New-Cage lost -Command true -NoPack
        $problem = @(Invoke-Quietly "New-CageShim lost true -Folder '$($store.Folder)/nowhere'")[0]
        $problem.FullyQualifiedErrorId | Should -BeLike 'CageArgumentInvalid,*'
        "$problem" | Should -BeLike '*nowhere (ENOENT)*'
        Get-CageShim lost | Should -BeNullOrEmpty
        Remove-Cage lost -Force
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store New-CageShim | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store New-CageShim | Should -BeNullOrEmpty }
}
