BeforeDiscovery {
    Import-Module "$PSScriptRoot/CageTest.psm1" -Force
    $isRoot = Test-Root
}

Describe 'Roots from chosen commands' -Skip:(-not $isRoot) {
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
    It 'takes out what nothing else needs' {
        $web = New-Cage web -Command true -NoPack
        $before = Get-File $web
        Add-CageCommand web -Command bash -NoPack
        Get-File $web | Should -Not -Be $before
        Get-CageCommand web -Command bash | Remove-CageCommand
        Get-File $web | Should -Be $before
        Remove-CageCommand web nosuch -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageCommandNotFound,Cage.PowerShell.Commands.RemoveCageCommandCommand'
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
    It 'finds drift and mends it' {
        Set-Content "$own/a" one
        $web = New-Cage web -File "$own/a"
        Test-Cage web | Should -BeNullOrEmpty
        Set-Content "$own/a" another
        $finding = Test-Cage web
        $finding | Should -BeOfType Cage.Engine.Roots.CageFinding
        $finding.Kind | Should -Be 'Drifted'
        $finding.Path | Should -Be "$own/a"
        Get-Cage web | Update-Cage
        Test-Cage web | Should -BeNullOrEmpty
        Get-Content "$($web.Path)/root$own/a" | Should -Be 'another'
    }
    It 'clears what was for the making only' {
        $web = New-Cage web -Command true -NoPack
        $before = Get-File $web
        Add-CageCommand web bash -Temporary -NoPack
        (Get-CageCommand web | Where-Object IsTemporary).Command | Should -Be 'bash'
        Clear-Cage web
        Get-File $web | Should -Be $before
    }
    It 'makes ways into a cage from the host, and takes them back' {
        $web = New-Cage web -Command echo, sh -NoPack | Start-Cage -PassThru
        $shims = New-CageShim web echo -Folder $own -LinkPath "$own/sh-of-web"
        $shims.Path | Should -Be "$own/echo", "$own/sh-of-web"
        & "$own/echo" 'from inside' "a'b" | Should -Be "from inside a'b"
        (Get-CageShim web).Path | Should -Be $shims.Path
        New-CageShim web sh -Folder /usr/bin -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageAlreadyExists,Cage.PowerShell.Commands.NewCageShimCommand'
        Get-CageShim web | Where-Object IsLink | Remove-CageShim
        (Get-CageShim web).Path | Should -Be "$own/echo"
        Test-Path "$own/echo" | Should -BeTrue
        Remove-Cage web -Force
        Test-Path "$own/echo" | Should -BeFalse
    }
}

Describe 'Trace-CageCommand' -Skip:(-not ($isRoot -and (Get-Command strace -ErrorAction Ignore))) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It "tells that date looks for the host's time zone, and closes the loop" {
        $null = New-Cage web -Command date -NoPack | Start-Cage
        $traces = Trace-CageCommand web -- date
        $traces | Should -BeOfType Cage.Engine.Roots.CageTrace
        $zone = $traces | Where-Object Path -EQ /etc/localtime
        $zone.Missing | Should -BeTrue
        $zone.Errno | Should -Be 'ENOENT'
        $zone.Process | Should -Be '/usr/bin/date'
        ($traces | Where-Object { $_.Call -eq 'execve' -and -not $_.Errno }).Path | Should -Be '/usr/bin/date'
        $traces | Where-Object Missing | Add-CageFile web -NoPack
        Trace-CageCommand web -- date | Where-Object { $_.Missing -and $_.Path -eq '/etc/localtime' } | Should -BeNullOrEmpty
    }
    It 'repeats until it is quiet' {
        $null = New-Cage web -Command date -NoPack | Start-Cage
        (Trace-CageCommand web -Fix -- date).Path | Should -Contain '/etc/localtime'
        Trace-CageCommand web -- date | Where-Object Missing | Should -BeNullOrEmpty
        Trace-CageCommand web -Fix -- date | Should -BeNullOrEmpty
    }
    It 'says that a cage does not run' {
        $null = New-Cage idle -Command date -NoPack
        Trace-CageCommand idle date -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageNotRunning,Cage.PowerShell.Commands.TraceCageCommandCommand'
    }
}
