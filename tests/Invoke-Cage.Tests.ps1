Describe 'Invoke-Cage' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        $jail = New-Cage web -Base base -Environment @{ OWN = 'cage' } | Start-Cage -PassThru
        $pivot = New-Cage pivot -Base base -Isolation Pivot | Start-Cage -PassThru
        $chroot = New-Cage chroot -Base base -Isolation Chroot | Start-Cage -PassThru
        $null = New-Cage idle -Base base
    }
    BeforeEach { $global:LASTEXITCODE = 99 }
    AfterAll { Remove-TestStore $store }

    Context 'words' {
        It 'takes <Line>' -ForEach @(
            @{ Line = 'Invoke-Cage web -- sh -c ''echo "$@"'' sh a -b --c' }
            @{ Line = 'Invoke-Cage web sh ''-c'' ''echo "$@"'' sh a ''-b'' ''--c''' }
            @{ Line = 'Invoke-Cage -- web sh -c ''echo "$@"'' sh a -b --c' }
            @{ Line = 'Invoke-Cage -Name web -- sh -c ''echo "$@"'' sh a -b --c' }
            @{ Line = 'Invoke-Cage -Name web -ArgumentList sh, -c, ''echo "$@"'', sh, a, -b, --c' }
            @{ Line = 'Get-Cage web | Invoke-Cage -- sh -c ''echo "$@"'' sh a -b --c' }
            @{ Line = 'Invoke-Cage -InputObject (Get-Cage web) -- sh -c ''echo "$@"'' sh a -b --c' }
            @{ Line = 'Invoke-Cage -Id (Get-Cage web).Id -- sh -c ''echo "$@"'' sh a -b --c' }
            @{ Line = '$words = ''a'', ''-b'', ''--c''; Invoke-Cage web -- sh -c ''echo "$@"'' sh $words' }
            @{ Line = '$words = ''sh'', ''-c'', ''echo "$@"'', ''sh'', ''a'', ''-b'', ''--c''; Invoke-Cage web @words' }
        ) {
            Invoke-Expression $Line | Should -Be 'a -b --c'
        }
        It 'hands on what looks like a parameter of its own behind --' {
            Invoke-Cage web -- sh -c 'echo "$@"' sh -User x -Verbose -- -Name y | Should -Be '-User x -Verbose -- -Name y'
        }
        It 'hands on words to the letter' {
            Invoke-Cage web -- sh -c 'for i; do echo "[$i]"; done' sh '' 'a b' '"' '\' '*' '$x' 2.50 007 1e3 ä | Should -Be '[]', '[a b]', '["]', '[\]', '[*]', '[$x]', '[2.50]', '[007]', '[1e3]', '[ä]'
        }
        It 'takes the very cage that is given as an object, whoever has its name' {
            $null = New-Cage web
            try {
                Invoke-Cage $jail -- cat /etc/base | Should -Be 'small'
                Invoke-Cage $jail cat /etc/base | Should -Be 'small'
                Invoke-Cage web true -ErrorVariable problem -ErrorAction SilentlyContinue
                $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageAmbiguous,*'
            }
            finally { Get-Cage web | Where-Object State -EQ Stopped | Remove-Cage -Force }
        }
        It 'takes an id and the beginning of one' {
            Invoke-Cage "$($jail.Id)" cat /etc/base | Should -Be 'small'
            Invoke-Cage "$($jail.Id)".Substring(0, 13) cat /etc/base | Should -Be 'small'
        }
        It 'runs in each of several: wildcards, names, ids, the pipeline' {
            Invoke-Cage [wp]* -- sh -c 'echo $OWN x' | Should -Be 'x', 'cage x'
            Invoke-Cage -Name web, pivot cat /etc/base | Should -Be 'small', 'small'
            Get-Cage -State Running | Invoke-Cage -- cat /etc/base | Should -HaveCount 3
        }
    }

    Context 'the command' {
        It 'runs in a <_>' -ForEach 'web', 'pivot', 'chroot' {
            Invoke-Cage $_ -- sh -c 'cat /etc/base; pwd; id -u' | Should -Be 'small', '/root', '0'
        }
        It 'gets user, directory and environment' {
            Invoke-Cage web -User alice -- sh -c 'id -u; id -g; echo $HOME; pwd' | Should -Be '1000', '1000', '/home/alice', '/home/alice'
            Invoke-Cage web -User 5:6 -Directory /etc -- sh -c 'id -u; id -g; pwd' | Should -Be '5', '6', '/etc'
            Invoke-Cage web -Environment @{ A = 'x y'; OWN = 'mine' } -- sh -c 'echo $A $OWN' | Should -Be 'x y mine'
        }
        It 'inherits nothing else' {
            $env:CAGE_TEST_SECRET = 'secret'
            try { Invoke-Cage web env | Should -Not -Match 'secret' }
            finally { $env:CAGE_TEST_SECRET = $null }
        }
    }

    Context 'output' {
        It 'comes as lines: without ends, empty ones kept, the last whole or not' {
            $lines = Invoke-Cage web -- sh -c 'printf "a\n\nb\r\nc"'
            $lines | Should -Be 'a', '', 'b', 'c'
            $lines | Should -BeOfType string
        }
        It 'is UTF-8, wherever a piece ends' {
            Invoke-Cage web -- sh -c 'printf "k\303"; sleep 0.05; printf "\244fig\n"' | Should -Be 'käfig'
        }
        It 'comes as it is written, not at the end' {
            $times = Invoke-Cage web -- sh -c 'echo a; sleep 0.5; echo b' | ForEach-Object { [datetime]::Now }
            ($times[1] - $times[0]).TotalSeconds | Should -BeGreaterThan 0.3
        }
        It 'is all there when there is much of it' {
            $lines = Invoke-Cage web -- seq 1 50000
            $lines.Count | Should -Be 50000
            $lines[-1] | Should -Be '50000'
        }
        It 'is ended when nobody wants more' {
            Invoke-Cage web -- sh -c 'while :; do echo x; done' | Select-Object -First 2 | Should -Be 'x', 'x'
            Wait-Until { @(Get-CageProcess web).Count -eq 1 } | Should -BeTrue
        }
    }

    Context 'exit status' {
        It 'is in $LASTEXITCODE and nowhere else' {
            Invoke-Cage web -- sh -c 'exit 3' -ErrorAction Stop
            $LASTEXITCODE | Should -Be 3
            Invoke-Cage web true
            $LASTEXITCODE | Should -Be 0
            Invoke-Cage web -- sh -c 'kill -KILL $$'
            $LASTEXITCODE | Should -Be 137
        }
        It 'is <Status> where nothing ran: <Id>' -ForEach @(
            @{ Line = 'Invoke-Cage web nonsense'; Id = 'CageCommandNotFound'; Status = 127; Category = 'ObjectNotFound' }
            @{ Line = 'Invoke-Cage web /etc/passwd'; Id = 'CageCommandFailed'; Status = 126; Category = 'OpenError' }
            @{ Line = 'Invoke-Cage idle true'; Id = 'CageNotRunning'; Status = 125; Category = 'InvalidOperation' }
            @{ Line = 'Invoke-Cage nobody true'; Id = 'CageNotFound'; Status = 125; Category = 'ObjectNotFound' }
            @{ Line = 'Invoke-Cage web true -User nobody'; Id = 'CageArgumentInvalid'; Status = 125; Category = 'InvalidArgument' }
            @{ Line = 'Invoke-Cage web true -Directory /nowhere'; Id = 'CageArgumentInvalid'; Status = 125; Category = 'InvalidArgument' }
            @{ Line = 'Invoke-Cage web'; Id = 'CageArgumentInvalid'; Status = 125; Category = 'InvalidArgument' }
            @{ Line = 'Invoke-Cage'; Id = 'CageArgumentInvalid'; Status = 125; Category = 'InvalidArgument' }
            @{ Line = '1 | Invoke-Cage * true'; Id = 'CageAmbiguous'; Status = 125; Category = 'InvalidArgument' }
        ) {
            Invoke-Expression "$Line -ErrorVariable problem -ErrorAction SilentlyContinue" | Should -BeNullOrEmpty
            $problem.Count | Should -Be 1
            $problem[0].FullyQualifiedErrorId | Should -Be "$Id,Cage.PowerShell.Commands.InvokeCageCommand"
            $problem[0].CategoryInfo.Category | Should -Be $Category
            $LASTEXITCODE | Should -Be $Status
        }
        It 'goes on with the next cage after an error' {
            Get-Cage web, idle, pivot | Invoke-Cage -ErrorAction SilentlyContinue -- cat /etc/base | Should -HaveCount 2
        }
    }

    Context 'errors' {
        It 'come as records like a native command''s, and can be redirected' {
            $both = Invoke-Cage web -- sh -c 'echo out; echo err1 >&2; echo err2 >&2' 2>&1
            $records = $both | Where-Object { $_ -is [System.Management.Automation.ErrorRecord] }
            "$records" | Should -Be 'err1 err2'
            $records.FullyQualifiedErrorId | Should -Be 'NativeCommandError', 'NativeCommandErrorMessage'
            $both | Where-Object { $_ -is [string] } | Should -Be 'out'
            Invoke-Cage web -- sh -c 'echo out; echo err >&2' 2>$null | Should -Be 'out'
            $file = "$($store.Folder)/errors"
            Invoke-Cage web -- sh -c 'echo err >&2' 2>$file
            (Get-Content $file) -join '' | Should -BeLike '*err'
        }
        It 'are shown where they are not redirected' {
            Get-ShownText 'Invoke-Cage web -- sh -c ''echo oops >&2''' | Should -BeLike '*oops*'
        }
        It 'end nothing with $ErrorActionPreference or -ErrorAction Stop' {
            $ErrorActionPreference = 'Stop'
            Invoke-Cage web -- sh -c 'echo a; echo err >&2; echo b; exit 1' 2>$null | Should -Be 'a', 'b'
            Invoke-Cage web -ErrorAction Stop -- sh -c 'echo a; echo err >&2; echo b' 2>$null | Should -Be 'a', 'b'
            $LASTEXITCODE | Should -Be 0
        }
        It 'are caught by -ErrorVariable and leave $Error and $? alone' {
            $Error.Clear()
            Invoke-Cage web -ErrorVariable caught -- sh -c 'echo err >&2' 2>$null
            $? | Should -BeTrue
            "$caught" | Should -Be 'err'
            $Error.Count | Should -Be 0
        }
    }

    Context 'input' {
        It 'is the pipeline: texts as lines, bytes as they are' {
            'a', 'b ä' | Invoke-Cage web cat | Should -Be 'a', 'b ä'
            , [byte[]](104, 105, 10) | Invoke-Cage web cat | Should -Be 'hi'
            [byte[]](104, 105, 10) | Invoke-Cage web cat | Should -Be 'hi'
            1, 2.5 | Invoke-Cage web cat | Should -Be '1', '2.5'
            Invoke-Cage web cat -InputObject 'x', 'y' | Should -Be 'x', 'y'
        }
        It 'is a cage, as text, where one is named' {
            Get-Cage pivot | Invoke-Cage -Name web cat | Should -Be 'pivot'
        }
        It 'is empty without one' {
            Invoke-Cage web cat | Should -BeNullOrEmpty
            @() | Invoke-Cage web -- sh -c 'cat; echo end' | Should -Be 'end'
        }
        It 'flows while the command writes' {
            $lines = 1..20000 | Invoke-Cage web cat
            $lines.Count | Should -Be 20000
            $lines[-1] | Should -Be '20000'
        }
        It 'may go unread' {
            1..20000 | Invoke-Cage web -- head -n 1 | Should -Be '1'
            1..20000 | Invoke-Cage web true
            $LASTEXITCODE | Should -Be 0
        }
        It 'tells an empty pipeline from a wrong name' {
            $warning = Get-Cage none* | Invoke-Cage -- cat /etc/base 3>&1
            "$warning" | Should -BeLike '*nothing was run*'
        }
        It 'is no other thing than a cage after a cage' {
            $jail, 'x' | Invoke-Cage -ErrorVariable problem -ErrorAction SilentlyContinue -- cat /etc/base | Should -Be 'small'
            $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageArgumentInvalid,*'
        }
    }

    Context 'the end' {
        It 'is the command''s, whoever holds its pipes: <_>' -ForEach 'web', 'pivot', 'chroot' {
            $time = Measure-Command { $script:said = Invoke-Cage $_ -- sh -c 'sleep 30 & echo hi' }
            $said | Should -Be 'hi'
            $time.TotalSeconds | Should -BeLessThan 5
            Wait-Until { @(Get-CageProcess $_ | ForEach-Object Name) -contains 'sleep' } | Should -BeTrue
            Get-CageProcess $_ | Where-Object Name -EQ sleep | Stop-Process
        }
        It 'does not wait for a daemon that writes for ever' {
            $time = Measure-Command { Invoke-Cage web -- sh -c 'while :; do echo x; done & sleep 0.1' }
            $time.TotalSeconds | Should -BeLessThan 5
        }
        It 'comes with a stop of the pipeline (Ctrl+C): <_>' -ForEach 'web', 'pivot', 'chroot' {
            Stop-RunningScript "Invoke-Cage $_ -- sh -c 'echo begun; sleep 71'" | Should -BeLessThan 5
            Wait-Until { @(Get-CageProcess $_ | ForEach-Object CommandLine) -notcontains 'sleep 71' } | Should -BeTrue
        }
        It 'comes by force where TERM is ignored' {
            Stop-RunningScript "Invoke-Cage web -- sh -c 'trap : TERM; echo begun; while :; do sleep 72; done'" | Should -BeLessThan 6
            Wait-Until { @(Get-CageProcess web | ForEach-Object CommandLine) -notcontains 'sleep 72' } | Should -BeTrue
        }
    }
}
