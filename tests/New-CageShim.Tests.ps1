Describe 'New-CageShim' -Skip:((id -u) -ne 0) {
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
        $shims = New-CageShim web echo -Folder $own -LinkPath "$own/sh-of-web" -WarningAction SilentlyContinue
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
    It 'asks which' {
        $null = New-Cage web -Base base
        New-CageShim web -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageArgumentInvalid,*'
        Add-CageCommand web -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageArgumentInvalid,*'
    }
    It 'warns of a link that leads to nothing' {
        $null = New-Cage web -Base base -Isolation Jail
        $null = New-Cage seed -Base base -Isolation Chroot
        $null = New-CageShim web -LinkPath "$own/data" -WarningVariable warnings -WarningAction SilentlyContinue
        "$warnings" | Should -Be "The link $own/data leads to nothing as yet: `"web`" has no such path (ENOENT)."
        "$own/data" | Should -Exist
        # What a base has shows below the mount of a Chroot alone.
        $null = New-Item -ItemType Directory "$($store.Root)$own"
        'text' | Set-Content "$($store.Root)$own/below"
        $null = New-CageShim web -LinkPath "$own/below" -WarningVariable warnings -WarningAction SilentlyContinue
        "$warnings" | Should -BeLike "The link $own/below leads to nothing as yet: in `"web`" it is a base's,*"
        Remove-CageShim web
        $null = New-CageShim seed -LinkPath "$own/below" -WarningVariable warnings
        $warnings | Should -BeNullOrEmpty
        Start-Cage seed
        Get-Content "$own/below" | Should -Be 'text'
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store New-CageShim | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store New-CageShim | Should -BeNullOrEmpty }
}
