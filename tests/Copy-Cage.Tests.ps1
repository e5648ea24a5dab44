Describe 'Copy-Cage' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'copies files, whiteouts and scripts, under another id and name' {
        $web = New-Cage web -Base base -Memo 'first # one' -Environment @{ A = 1 } | Start-Cage -PassThru
        Invoke-Cage web -- bash -c 'echo kept >/root/kept; umask 077; mkdir /root/dir'
        Stop-Cage web
        ln -s kept "$($web.Path)/root/root/link"
        mknod "$($web.Path)/root/etc/base" c 0 0
        '#!/bin/sh' | Set-Content "$($web.Path)/up"
        '# mine', 'colour=blue' | Add-Content "$($web.Path)/cage.conf"
        $copy = Copy-Cage web web2
        $copy.Id | Should -Not -Be $web.Id
        $copy.Name, $copy.Memo, "$($copy.State)" | Should -Be 'web2', 'first # one', 'Stopped'
        $copy.Base | Should -Be $web.Base
        $copy.Environment | Should -Be 'A=1'
        "$($copy.Path)/up" | Should -FileContentMatch 'bin/sh'
        "$($copy.Path)/cage.conf" | Should -FileContentMatch '^colour=blue'
        "$($copy.Path)/cage.conf" | Should -FileContentMatch '^# mine'
        Start-Cage web2
        Invoke-Cage web2 -- sh -c 'cat /root/link; stat -c %a /root/dir; ls /etc/base 2>/dev/null; hostname' | Should -Be 'kept', '700', 'web2'
    }
    It 'gives the copy an address and user ids of its own, and the same ports' {
        $web = New-Cage web -Base base -Network Private -Publish 8080:80 -UserNamespace auto
        $copy = Copy-Cage web web2
        $copy.Network.Address, $web.Network.Address | Should -Not -BeNullOrEmpty
        $copy.Network.Address | Should -Not -Be $web.Network.Address
        "$($copy.Privileges.UserNamespace)" | Should -Not -Be "$($web.Privileges.UserNamespace)"
        "$($copy.Network.Ports)" | Should -Be '8080:80'
    }
    It 'leaves logs, the workdir and the original alone' {
        $web = New-Cage web -Base base
        "#!/bin/sh`necho up" | Set-Content "$($web.Path)/up"
        Set-Cage web -StartScript up
        Start-Cage web
        Start-CageProcess web -ServiceName greet -- true
        Stop-Cage web
        $before = Get-ChildItem $web.Path -Recurse -Force | ForEach-Object { "$($_.FullName) $($_.LastWriteTimeUtc.Ticks)" }
        $copy = Copy-Cage web web2
        Get-CageLog web2 | Should -BeNullOrEmpty
        Get-ChildItem "$($copy.Path)/work" -Force | Should -BeNullOrEmpty
        Get-ChildItem $web.Path -Recurse -Force | ForEach-Object { "$($_.FullName) $($_.LastWriteTimeUtc.Ticks)" } | Should -Be $before
    }
    It 'copies a read-only one, and the link that is its root' {
        $copy = Get-Cage base | Copy-Cage -NewName base2
        $copy.Kind | Should -Be 'ReadOnly'
        (Get-Item $copy.RootPath -Force).LinkTarget | Should -Be $store.Root
    }
    It 'renews the identity: machine-id and ssh host keys' -Skip:(-not (Get-Command ssh-keygen -ErrorAction Ignore)) {
        $layer = New-Cage layer -ReadOnly -Base base
        $null = New-Item -ItemType Directory "$($layer.RootPath)/etc/ssh"
        'f' * 32 | Set-Content "$($layer.RootPath)/etc/machine-id"
        ssh-keygen -q -t ed25519 -N '' -f "$($layer.RootPath)/etc/ssh/ssh_host_ed25519_key"
        $null = New-Cage web -Base layer
        $plain, $renewed = (Copy-Cage web plain), (Copy-Cage web renewed -RenewIdentity)
        $plain, $renewed | Start-Cage
        Invoke-Cage plain cat /etc/machine-id | Should -Be ('f' * 32)
        $id = Invoke-Cage renewed cat /etc/machine-id
        $id | Should -Match '^[0-9a-f]{32}$'
        $id | Should -Not -Be ('f' * 32)
        $key = Get-Content "$($layer.RootPath)/etc/ssh/ssh_host_ed25519_key.pub"
        Invoke-Cage plain cat /etc/ssh/ssh_host_ed25519_key.pub | Should -Be $key
        Invoke-Cage renewed cat /etc/ssh/ssh_host_ed25519_key.pub | Should -Match '^ssh-ed25519 .* root@renewed$'
        Invoke-Cage renewed cat /etc/ssh/ssh_host_ed25519_key.pub | Should -Not -Be $key
        Invoke-Cage renewed -- stat -c '%a %u' /etc/ssh/ssh_host_ed25519_key | Should -Be '600 0'
        Get-Content "$($layer.RootPath)/etc/machine-id" | Should -Be ('f' * 32)
    }
    It 'does not let a link inside lead out of the cage' {
        $web = New-Cage web -Base base
        $outside = New-Item -ItemType Directory "$($store.Folder)/outside"
        ln -s $outside.FullName "$($web.Path)/root/etc"
        Copy-Cage web web2 -RenewIdentity -ErrorAction SilentlyContinue
        Get-ChildItem $outside | Should -BeNullOrEmpty
        Remove-Item $outside
    }
    It 'refuses a running one, an id that is taken, a bad name, and an identity for a layer; nothing is left' {
        $web = New-Cage web -Base base | Start-Cage -PassThru
        Copy-Cage web web2 -ErrorVariable problem -ErrorAction SilentlyContinue
        Copy-Cage base base2 -NewId $web.Id -ErrorVariable +problem -ErrorAction SilentlyContinue
        Copy-Cage base 'a#b' -ErrorVariable +problem -ErrorAction SilentlyContinue
        Copy-Cage base base2 -RenewIdentity -ErrorVariable +problem -ErrorAction SilentlyContinue
        $problem.FullyQualifiedErrorId -replace ',.*' | Should -Be 'CageAlreadyRunning', 'CageAlreadyExists', 'CageArgumentInvalid', 'CageArgumentInvalid'
        (Get-Cage).Name | Should -Be 'base', 'web'
        Get-ChildItem $store.Data -Force -Filter '.*' | Should -BeNullOrEmpty
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Copy-Cage | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Copy-Cage | Should -BeNullOrEmpty }
}
