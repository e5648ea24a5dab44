Describe 'New-Cage' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        function Get-File($Cage) { @(find "$($Cage.Path)/root" -mindepth 1 -not -type d -printf '/%P\n' | Sort-Object) }
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'makes a writable jail and writes it' {
        $cage = New-Cage web -Base base
        $cage | Should -BeOfType Cage.Engine.State.CageInfo
        $cage.Name, $cage.Kind, $cage.State, $cage.Isolation | Should -Be 'web', 'Writable', 'Stopped', 'Jail'
        $cage.Base | Should -Be (Get-Cage base).Id
        $cage.Path | Should -Be "$($store.Data)/$($cage.Id).w"
        Get-ChildItem $cage.Path | ForEach-Object Name | Sort-Object | Should -Be 'cage.conf', 'mnt', 'root', 'work'
    }
    It 'takes the isolation <_>' -ForEach Chroot, Pivot, Jail {
        (New-Cage web -Isolation $_).Isolation | Should -Be $_
    }
    It 'takes device, environment, memo and id' {
        $id = [guid]::NewGuid()
        $cage = New-Cage web -Device Host -Environment @{ A = 1; B = 'x y' } -Memo "two`nlines" -Id $id
        $cage.Id | Should -Be $id
        $cage.Memo | Should -Be "two`nlines"
        $cage.Device | Should -Be 'Host'
        $cage.Environment | Sort-Object | Should -Be 'A=1', 'B=x y'
    }
    It 'takes limits, bytes as numbers or texts' {
        $limits = (New-Cage web -MemoryLimit 512MB -SwapLimit '1G' -CpuLimit 0.5 -CpuWeight 200 -ProcessLimit 100 -IOWeight 50).Limits
        $limits.Memory, $limits.Swap, $limits.Cpu, $limits.CpuWeight, $limits.Processes, $limits.IoWeight | Should -Be 512MB, 1GB, 0.5, 200, 100, 50
        "$limits" | Should -Be 'memory 512M, swap 1G, cpu 0.5, cpuweight 200, processes 100, ioweight 50'
        (New-Cage plain).Limits.IsEmpty | Should -BeTrue
    }
    It 'takes binds and tmpfs, and mounts them' {
        'text' | Set-Content "$($store.Folder)/file"
        $cage = New-Cage web -Base base -Bind "$($store.Folder)/file:/given:ro", "$($store.Root):/small" -Tmpfs '/scratch:1M'
        "$($cage.Binds)" | Should -Be "$($store.Folder)/file:/given:ro $($store.Root):/small"
        $cage.Binds[0].IsReadOnly, $cage.Binds[1].IsReadOnly | Should -Be $true, $false
        Start-Cage web
        Invoke-Cage web -- cat /given /small/etc/base | Should -Be 'text', 'small'
        (Get-CageMount web | Where-Object Target -EQ /scratch).Options | Should -BeLike '*size=1024k*'
    }
    It 'takes what root may do in it' {
        $cage = New-Cage web -CapabilityAdd NET_RAW, cap_sys_nice -CapabilityDrop KILL -SeccompAllow keyctl -SeccompDeny ptrace -Setuid Allow -Sockets Host -Device null, /dev/zero
        Get-Content "$($cage.Path)/cage.conf" | Where-Object { $_ -match '^(capability|seccomp|setuid|sockets|device)=' } | Sort-Object |
            Should -Be 'capability=-KILL', 'capability=+NET_RAW', 'capability=+SYS_NICE', 'device=null', 'device=zero', 'seccomp=-ptrace', 'seccomp=+keyctl', 'setuid=allow', 'sockets=host'
    }
    It 'takes the source of a bind relative to where one is' {
        Push-Location $store.Root
        try {
            "$((New-Cage web -Base base -Bind etc:/given:ro, './var:/var2').Binds)" | Should -Be "$($store.Root)/etc:/given:ro $($store.Root)/var:/var2"
            "$((Set-Cage web -Bind ../small/etc:/other -PassThru).Binds)" | Should -Be "$($store.Root)/etc:/other"
        }
        finally { Pop-Location }
    }
    It 'takes a user namespace, of a range of its own or of these ids' {
        $one, $two = 'one', 'two' | New-Cage -Base base -UserNamespace auto | Start-Cage -PassThru
        $one.UserNamespace.Count, $two.UserNamespace.Count | Should -Be 65536, 65536
        $one.UserNamespace.Overlaps($two.UserNamespace) | Should -BeFalse
        Invoke-Cage one -- bash -c 'id -u; echo $(cat /proc/self/uid_map); echo x >/etc/x' | Should -Be '0', "0 $($one.UserNamespace.First) 65536"
        (Get-Item "$($one.Path)/root/etc/x").User | Should -Be root
        "$((New-Cage three -Base base -UserNamespace 5000000:1000).UserNamespace)" | Should -Be '5000000:1000'
        (New-Cage four -Base base).UserNamespace | Should -BeNullOrEmpty
        New-Cage five -UserNamespace 1000:5 -ErrorAction SilentlyContinue -ErrorVariable problem
        New-Cage five -UserNamespace auto -Isolation Chroot -ErrorAction SilentlyContinue -ErrorVariable +problem
        $problem | ForEach-Object FullyQualifiedErrorId | Should -Be (@('CageArgumentInvalid,Cage.PowerShell.Commands.NewCageCommand') * 2)
        (TabExpansion2 'New-Cage x -UserNamespace a').CompletionMatches.CompletionText | Should -Be auto
    }
    It 'binds with mapped owners' {
        $shared = New-Item -ItemType Directory "$($store.Folder)/shared"
        New-Cage web -Base base -UserNamespace auto -Bind "${shared}:/plain", "${shared}:/mapped:idmap" | Start-Cage
        Invoke-Cage web -- stat -c %u /plain /mapped | Should -Be 65534, 0
    }
    It 'follows rules about what /dev has' {
        New-Cage web -Base base -Device '*:hide', 'null:mode=0600', '/dev/zero:gid=5' | Start-Cage
        Get-ChildItem "$((Get-Cage web).RootPath)/dev" | Where-Object UnixMode -Like 'c*' | ForEach-Object Name | Should -Be 'null', 'zero'
        Invoke-Cage web -- stat -c '%a %g' /dev/null /dev/zero | Should -Be '600 0', '666 5'
        Stop-Cage web
        Set-Cage web -Device 'null:mode=999' -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageArgumentInvalid,Cage.PowerShell.Commands.SetCageCommand'
    }
    It 'refuses what is no capability, no system call and no name of a device' {
        New-Cage web -CapabilityAdd NET_ROW -ErrorAction SilentlyContinue -ErrorVariable problem
        New-Cage web -SeccompDeny mont -ErrorAction SilentlyContinue -ErrorVariable +problem
        New-Cage web -Device ../sda -ErrorAction SilentlyContinue -ErrorVariable +problem
        New-Cage web -Isolation Pivot -Seccomp Off -ErrorAction SilentlyContinue -ErrorVariable +problem
        $problem | ForEach-Object FullyQualifiedErrorId | Should -Be (@('CageArgumentInvalid,Cage.PowerShell.Commands.NewCageCommand') * 4)
        Get-Cage | ForEach-Object Name | Should -Not -Contain web
    }
    It 'completes capabilities and devices' {
        (TabExpansion2 'New-Cage x -CapabilityAdd net_' 30).CompletionMatches.CompletionText | Should -Be 'NET_BIND_SERVICE', 'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW'
        (TabExpansion2 'New-Cage x -Device pri' 22).CompletionMatches.CompletionText | Should -Contain 'private'
    }
    It 'takes bases as names, ids, beginnings of ids and objects, in order' {
        $other = New-Cage other -ReadOnly
        $base = Get-Cage base
        (New-Cage a -Base base, $other.Id).Base | Should -Be $base.Id, $other.Id
        (New-Cage b -Base $other, $base).Base | Should -Be $other.Id, $base.Id
        (New-Cage c -Base "$($other.Id)".Substring(0, 13)).Base | Should -Be $other.Id
    }
    It 'makes a read-only cage: empty, linked, copied, moved' {
        (New-Cage empty -ReadOnly).Kind | Should -Be 'ReadOnly'
        $source = "$($store.Folder)/source"
        $null = New-Item -ItemType Directory $source
        'text' | Set-Content "$source/file"
        $linked = New-Cage linked -ReadOnly -Source $source
        (Get-Item $linked.RootPath).LinkTarget | Should -Be $source
        $copied = New-Cage copied -ReadOnly -Source $source -SourceMode Copy
        Get-Content "$($copied.RootPath)/file" | Should -Be 'text'
        $moved = New-Cage moved -ReadOnly -Source $source -SourceMode Move
        Get-Content "$($moved.RootPath)/file" | Should -Be 'text'
        $source | Should -Not -Exist
    }
    It 'takes a source relative to the current location' {
        Push-Location $store.Folder
        try { (Get-Item (New-Cage near -ReadOnly -Source small).RootPath).LinkTarget | Should -Be $store.Root }
        finally { Pop-Location }
    }
    It 'marks the live host' {
        (New-Cage host0 -ReadOnly -Source /).IsLive | Should -BeTrue
    }
    It 'takes names from the pipeline, and columns by property name' {
        ('a', 'b' | New-Cage -Base base).Name | Should -Be 'a', 'b'
        $made = 'Name,Base,Isolation,Memo', 'c,base,Pivot,text' | ConvertFrom-Csv | New-Cage
        $made.Name, $made.Isolation, $made.Memo | Should -Be 'c', 'Pivot', 'text'
        $made.Base | Should -Be (Get-Cage base).Id
    }
    It 'pipes into Start-Cage' {
        $started = New-Cage web -Base base | Start-Cage -PassThru
        $started.State | Should -Be 'Running'
    }
    It 'takes two of one name' {
        $null = New-Cage web
        { New-Cage web -ErrorAction Stop } | Should -Not -Throw
    }
    It 'takes a strange name: <_>' -ForEach 'a b', ',:\ "', 'käfig', '$(x)', "it's" {
        $null = New-Cage $_ -Base base
        (Get-Cage ([WildcardPattern]::Escape($_))).Name | Should -BeExactly $_
    }
    It 'says <Id> (<Category>) for <What>' -ForEach @(
        @{ What = 'an unknown base'; Id = 'CageNotFound'; Category = 'ObjectNotFound'; Arguments = @{ Base = 'nobody' } }
        @{ What = 'a name with #'; Id = 'CageArgumentInvalid'; Category = 'InvalidArgument'; Arguments = @{ Name = 'a#b' } }
        @{ What = 'a name with a newline'; Id = 'CageArgumentInvalid'; Category = 'InvalidArgument'; Arguments = @{ Name = "a`nb" } }
        @{ What = 'a source that is not there'; Id = 'CageArgumentInvalid'; Category = 'InvalidArgument'; Arguments = @{ ReadOnly = $true; Source = '/nowhere' } }
        @{ What = 'a limit that no cage can live in'; Id = 'CageArgumentInvalid'; Category = 'InvalidArgument'; Arguments = @{ MemoryLimit = 1KB } }
        @{ What = 'a bind without a target'; Id = 'CageArgumentInvalid'; Category = 'InvalidArgument'; Arguments = @{ Bind = '/srv' } }
        @{ What = 'a variable without a name'; Id = 'CageArgumentInvalid'; Category = 'InvalidArgument'; Arguments = @{ Environment = @{ '' = 1 } } }
    ) {
        if (-not $Arguments.ContainsKey('Name')) { $Arguments.Name = 'web' }
        New-Cage @Arguments -ErrorVariable problem -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $problem.Count | Should -Be 1
        $problem[0].FullyQualifiedErrorId | Should -Be "$Id,Cage.PowerShell.Commands.NewCageCommand"
        $problem[0].CategoryInfo.Category | Should -Be $Category
    }
    It 'says CageAlreadyExists for an id that is there, and goes on' {
        $id = (New-Cage web).Id
        New-Cage other -Id $id -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageAlreadyExists,*'
        $problem[0].CategoryInfo.Category | Should -Be 'ResourceExists'
        $problem[0].ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
        ('x', 'a#', 'y' | New-Cage -ErrorAction SilentlyContinue).Name | Should -Be 'x', 'y'
    }
    It 'refuses a writable cage as a base' {
        $null = New-Cage web
        New-Cage other -Base web -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageArgumentInvalid,*'
    }
    It 'has no -Source without -ReadOnly and no -Isolation with it' {
        New-Cage web -Source / -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageArgumentInvalid,*'
        { New-Cage web -ReadOnly -Isolation Jail } | Should -Throw -ErrorId 'AmbiguousParameterSet,*'
    }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store New-Cage | Should -BeNullOrEmpty }
    It 'makes a read-only root of commands that runs them' {
        $tiny = New-Cage tiny -ReadOnly -Command sh, ls, cat
        $tiny.Kind | Should -Be 'ReadOnly'
        (Get-CageCommand tiny).Command | Should -Be 'sh', 'ls', 'cat'
        New-Cage web -Base tiny | Start-Cage
        Invoke-Cage web -- sh -c 'echo hello | cat' | Should -Be 'hello'
        (Get-File $tiny) | Should -Contain '/etc/passwd'
        (stat -c %a "$($tiny.Path)/root/var/tmp") | Should -Be '1777'
    }
    It 'makes nothing when a command is not there' {
        New-Cage bad -ReadOnly -Command sh, nosuch -ErrorVariable problem -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageCommandNotFound,Cage.PowerShell.Commands.NewCageCommand'
        Get-Cage bad -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
    }
    It 'runs a script with python3 alone, ssl included' {
        $null = New-Cage py -Command python3 | Start-Cage
        Invoke-Cage py -- python3 -c 'import ssl, json; print(json.dumps(len(ssl.create_default_context().get_ca_certs()) > 0))' | Should -Be 'true'
    }
    It 'runs script blocks where pwsh alone was put in' -Skip:(-not (Test-Path "$(Split-Path (readlink -f (Get-Command pwsh -ErrorAction Ignore).Source))/pwsh.dll")) {
        $null = New-Cage ps -Command pwsh | Start-Cage
        $answer = Invoke-Cage ps { [pscustomobject]@{ Sum = 1 + 1; HasShell = Test-Path /bin/sh } }
        $answer.Sum | Should -Be 2
        $answer.HasShell | Should -BeFalse
    }
}
