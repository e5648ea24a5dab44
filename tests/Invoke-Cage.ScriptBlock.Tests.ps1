BeforeDiscovery {
    Import-Module "$PSScriptRoot/CageTest.psm1" -Force
    $isRoot = Test-Root
    $hasTmux = [bool] (Get-Command tmux -CommandType Application -ErrorAction Ignore)
}

Describe 'Invoke-Cage with a script block' -Skip:(-not $isRoot) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        # The host's files, and with them its pwsh; "base" has none.
        $null = New-Cage host -ReadOnly -Source /
        $web = New-Cage web -Base host -Environment @{ OWN = 'cage' } | Start-Cage -PassThru
        $null = New-Cage pivot -Base host -Isolation Pivot | Start-Cage
        $null = New-Cage chroot -Base host -Isolation Chroot | Start-Cage
        $null = New-Cage bare -Base base | Start-Cage
        $null = New-Cage idle -Base host

        # The pwsh processes that are left inside cages, and what they run.
        function Get-Left([string] $Cage = '*') {
            @(Get-CageProcess $Cage | Where-Object { -not $_.IsInit } | ForEach-Object CommandLine)
        }
    }
    BeforeEach { $global:LASTEXITCODE = 99 }
    AfterEach { Wait-Until { -not (Get-Left) } | Should -BeTrue -Because 'nothing may go on' }
    AfterAll { Remove-TestStore $store }

    Context 'how it is given' {
        It 'takes <Line>' -ForEach @(
            @{ Line = 'Invoke-Cage web { hostname }' }
            @{ Line = 'Invoke-Cage -Name web { hostname }' }
            @{ Line = 'Invoke-Cage -Id (Get-Cage web).Id { hostname }' }
            @{ Line = 'Invoke-Cage w*b { hostname }' }
            @{ Line = 'Get-Cage web | Invoke-Cage { hostname }' }
            @{ Line = 'Invoke-Cage { hostname } -InputObject (Get-Cage web)' }
            @{ Line = '$block = { hostname }; Invoke-Cage web $block' }
        ) {
            Invoke-Expression $Line | Should -Be 'web'
        }
        It 'takes arguments behind it and by -ArgumentList, whatever they are' {
            Invoke-Cage web { param($A, $B, $C) "$A $($B.Count) $($C.x)" } 1 (2, 3) -ArgumentList @{ x = 'y' } | Should -Be '1 2 y'
            Invoke-Cage web { $args.Count } -ArgumentList @() | Should -Be 0
        }
        It 'runs in a <_>, as the user and in the directory that are wanted' -ForEach 'web', 'pivot', 'chroot' {
            Invoke-Cage $_ { (id -u), $PWD.Path, $env:A } -User 5:6 -Directory /etc -Environment @{ A = 'x y' } | Should -Be '5', '/etc', 'x y'
        }
        It 'has the cage''s environment and none of the caller''s' {
            $env:CAGE_TEST_SECRET = 'secret'
            try { Invoke-Cage web { $env:OWN; $env:CAGE_TEST_SECRET } | Should -Be 'cage', $null }
            finally { $env:CAGE_TEST_SECRET = $null }
        }
        It 'is not taken for one where it is an argument of a command' {
            Invoke-Cage web -- echo a {b} | Should -Be 'a b'
        }
    }

    Context 'objects' {
        It 'come back as objects' {
            $files = Invoke-Cage web { Get-ChildItem /etc | Where-Object Length -gt 1kb }
            $files.Count | Should -BeGreaterThan 0
            $files[0].PSTypeNames[0] | Should -Be 'Deserialized.System.IO.FileInfo'
            $files | Where-Object Length -LE 1kb | Should -BeNullOrEmpty
            ($files | Measure-Object Length -Sum).Sum | Should -BeGreaterThan 1kb
        }
        It 'keep their types where they are simple: <_>' -ForEach 7, 2.5, 'text', $true, ([guid]::Empty), ([timespan]'1.02:03:04'), ([version]'1.2'), ([datetime]'2020-01-02') {
            $value = $_
            $back = Invoke-Cage web { $using:value }
            $back | Should -Be $value
            $back | Should -BeOfType $value.GetType()
        }
        It 'say which cage they come from' {
            $one = Invoke-Cage web { [pscustomobject] @{ A = 1 } }
            $one.PSComputerName | Should -Be 'web'
            $one | Format-Table | Out-String | Should -Not -Match 'PSComputerName'
            $two = Invoke-Cage web, pivot { [pscustomobject] @{ A = 1 } }
            $two.PSComputerName | Sort-Object | Should -Be 'pivot', 'web'
            $two | Format-Table | Out-String | Should -Match 'PSComputerName'
        }
        It 'say the id where two cages have one name' {
            $first, $second = 1..2 | ForEach-Object { New-Cage twin -Base host | Start-Cage -PassThru }
            try { ($first, $second | Invoke-Cage { 1 }).PSComputerName | Sort-Object | Should -Be ("$($first.Id)", "$($second.Id)" | Sort-Object) }
            finally { $first, $second | Stop-Cage -Force -Confirm:$false -PassThru | Remove-Cage -Confirm:$false }
        }
        It 'come as they are written, not at the end' {
            $times = Invoke-Cage web { 1; Start-Sleep -Milliseconds 600; 2 } | ForEach-Object { [datetime]::Now }
            ($times[1] - $times[0]).TotalSeconds | Should -BeGreaterThan 0.3
        }
        It 'are all there when there are many' {
            $numbers = Invoke-Cage web { 1..20000 }
            $numbers.Count | Should -Be 20000
            $numbers[-1] | Should -Be 20000
        }
    }

    Context '$using:' {
        It 'takes variables, members, elements, other scopes and drives' {
            $number = 5
            $list = 1, 2
            $table = @{ a = @{ b = 7, 8 } }
            $global:cageTestGlobal = 'g'
            $env:CAGE_TEST_VALUE = 'e'
            try {
                Invoke-Cage web {
                    $using:number + 1
                    ($using:list).Count
                    $using:table.a.b[1]
                    ($using:table.a.b).Count
                    & { $using:NUMBER }
                    $using:global:cageTestGlobal
                    $using:env:CAGE_TEST_VALUE
                } | Should -Be 6, 2, 8, 2, 5, 'g', 'e'
            }
            finally {
                Remove-Variable cageTestGlobal -Scope Global
                $env:CAGE_TEST_VALUE = $null
            }
        }
        It 'says CageArgumentInvalid for a variable that is not there' {
            Invoke-Cage web { $using:nowhere } -ErrorVariable problem -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
            $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageArgumentInvalid,*'
            "$($problem[0])" | Should -BeLike '*$using:nowhere*'
        }
    }

    Context 'input' {
        It 'is $input, and $_ in a process block' {
            1..3 | Invoke-Cage web { $input | ForEach-Object { $_ * 2 } } | Should -Be 2, 4, 6
            1..3 | Invoke-Cage web { begin { 'b' } process { $_ + 1 } end { 'e' } } | Should -Be 'b', 2, 3, 4, 'e'
            [pscustomobject] @{ A = 1 } | Invoke-Cage web { process { $_.A } } | Should -Be 1
        }
        It 'flows while results come' {
            $begun = [datetime]::Now
            $first = & { 1; Start-Sleep 3; 2 } | Invoke-Cage web { process { $_ } } | Select-Object -First 1
            $first | Should -Be 1
            $null = $begun
        }
        It 'waits for a script that is behind, and loses nothing' {
            $state = [hashtable]::Synchronized(@{ Fed = 0 })
            $shell = [powershell]::Create()
            try {
                $null = $shell.AddScript("param(`$State) Import-Module '$(Get-CageModulePath)'; 1..3000 | ForEach-Object { `$State.Fed = `$_; `$_ } | Invoke-Cage web { process { while (-not (Test-Path /tmp/go)) { Start-Sleep -Milliseconds 20 }; `$_ } }").AddArgument($state)
                $running = $shell.BeginInvoke()
                Wait-Until { $state.Fed -ge 256 } | Should -BeTrue
                Start-Sleep -Seconds 1
                $state.Fed | Should -BeLessOrEqual 257
                Invoke-Cage web touch /tmp/go
                $numbers = $shell.EndInvoke($running)
                $numbers.Count | Should -Be 3000
                ($numbers | Measure-Object -Sum).Sum | Should -Be 4501500
                $shell.Streams.Error | Should -BeNullOrEmpty
                $shell.Streams.Information | Should -BeNullOrEmpty
            }
            finally {
                $shell.Dispose()
                Invoke-Cage web rm -f /tmp/go
            }
        }
        It 'hands on lists as lists, and nothing as nothing' {
            (1, 2), $null, 3, @() | Invoke-Cage web { process { $null -eq $_ ? 'null' : "$($_.Count)" } } | Should -Be '2', 'null', '1', '0'
        }
        It 'stops where the script has enough' {
            1..5000 | Invoke-Cage web { $input | Select-Object -First 2 } | Should -Be 1, 2
            1..5000 | Invoke-Cage web { process { if ($_ -eq 3) { exit 4 } } }
            $LASTEXITCODE | Should -Be 4
        }
        It 'goes to each of several cages' {
            1..3 | Invoke-Cage web, pivot { ($input | Measure-Object -Sum).Sum } | Should -Be 6, 6
        }
        It 'is a cage, as an object, where one is named' {
            Get-Cage pivot | Invoke-Cage web { process { $_.Name } } | Should -Be 'pivot'
        }
        It 'tells an empty pipeline from none' {
            $warning = Get-Cage none* | Invoke-Cage { 1 } 3>&1
            "$warning" | Should -BeLike '*nothing was run*'
            @() | Invoke-Cage web { 'ran' } | Should -Be 'ran'
        }
    }

    Context 'streams' {
        It 'come each by its own' {
            $all = Invoke-Cage web {
                'output'
                Write-Error error
                Write-Warning warning
                Write-Verbose verbose -Verbose
                Write-Debug debug -Debug
                Write-Information information -Tags a, b
                Write-Host host
            } -ErrorAction Continue *>&1
            $all | ForEach-Object { "$($_.GetType().Name) $_" } | Should -Be 'String output', 'RemotingErrorRecord error', 'WarningRecord warning', 'VerboseRecord verbose',
                'DebugRecord debug', 'InformationRecord information', 'InformationRecord host'
            $all[5].Tags | Should -Be 'a', 'b'
        }
        It 'obey the caller''s preferences' {
            $said = Invoke-Cage web { Write-Warning w; Write-Error e; Write-Information i; 'o' } -WarningVariable w -ErrorVariable e -InformationVariable i -WarningAction SilentlyContinue -ErrorAction SilentlyContinue
            $said | Should -Be 'o'
            "$w $e $i" | Should -Be 'w e i'
        }
        It 'are shown once' {
            $text = Get-ShownText 'Invoke-Cage web { Write-Host hosted; Write-Verbose told -Verbose; Write-Warning warned; ''put'' }'
            foreach ($word in 'hosted', 'told', 'warned', 'put') { ([regex]::Matches($text, $word)).Count | Should -Be 1 -Because $word }
        }
        It 'bring progress' {
            $shell = [powershell]::Create()
            try {
                $null = $shell.AddScript("Import-Module '$(Get-CageModulePath)'; Invoke-Cage web { Write-Progress Counting -PercentComplete 40 }").Invoke()
                ($shell.Streams.Progress | Where-Object Activity -EQ Counting).PercentComplete | Should -Contain 40
            }
            finally { $shell.Dispose() }
        }
    }

    Context 'errors' {
        It 'keep what they were inside' {
            Invoke-Cage web { Get-Item /nowhere; 'after' } -ErrorVariable problem -ErrorAction SilentlyContinue | Should -Be 'after'
            $problem.Count | Should -Be 1
            $problem[0].FullyQualifiedErrorId | Should -Be 'PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand'
            $problem[0].CategoryInfo.Category | Should -Be 'ObjectNotFound'
            $problem[0].TargetObject | Should -Be '/nowhere'
            $problem[0].Exception | Should -BeOfType System.Management.Automation.RemoteException
            $problem[0].Exception.SerializedRemoteException.PSTypeNames | Should -Contain 'Deserialized.System.Management.Automation.ItemNotFoundException'
            $problem[0].OriginInfo.PSComputerName | Should -Be 'web'
        }
        It 'that end the script are errors too, and the status is 1' {
            Invoke-Cage web { 'before'; throw [ArgumentException]::new('wrong') ; 'after' } -ErrorVariable problem -ErrorAction SilentlyContinue | Should -Be 'before'
            $problem[0].Exception.Message | Should -Be 'wrong'
            $problem[0].CategoryInfo.Reason | Should -Be 'ArgumentException'
            $problem[0].ScriptStackTrace | Should -BeLike 'at <ScriptBlock>*line 1'
            $LASTEXITCODE | Should -Be 1
        }
        It 'can be caught with -ErrorAction Stop' {
            { Invoke-Cage web { Write-Error stopped; Start-Sleep 60 } -ErrorAction Stop } | Should -Throw stopped
        }
        It 'of one cage leave the others alone' {
            $names = Invoke-Cage web, idle, bare, pivot { hostname } -ErrorVariable problem -ErrorAction SilentlyContinue
            $names.Count | Should -Be 2
            $problem.FullyQualifiedErrorId | Sort-Object | Should -Be 'CageNotRunning,Cage.PowerShell.Commands.InvokeCageCommand', 'CagePowerShellMissing,Cage.PowerShell.Commands.InvokeCageCommand'
        }
        It 'say that there is no pwsh in a cage, and what to do about it' {
            Invoke-Cage bare { 1 } -ErrorVariable problem -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
            $problem[0].FullyQualifiedErrorId | Should -Be 'CagePowerShellMissing,Cage.PowerShell.Commands.InvokeCageCommand'
            $problem[0].CategoryInfo.Category | Should -Be 'NotInstalled'
            $problem[0].TargetObject.Name | Should -Be 'bare'
            $problem[0].ErrorDetails.RecommendedAction | Should -Match 'Install it in the cage'
            $LASTEXITCODE | Should -Be 127
        }
        It 'say what a pwsh that ends at once has said' {
            Invoke-Cage web -- sh -c 'printf "#!/bin/sh\necho out of luck >&2\nexit 3\n" >/usr/local/sbin/pwsh; chmod 755 /usr/local/sbin/pwsh'
            try {
                Invoke-Cage web { 1 } -ErrorVariable problem -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
                $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageCommandFailed,*'
                "$($problem[0])" | Should -BeLike '*exit status 3*out of luck*'
            }
            finally { Invoke-Cage web rm /usr/local/sbin/pwsh }
        }
        It 'say that pwsh has been killed' {
            Invoke-Cage web { sh -c "kill -KILL $PID"; Start-Sleep 60 } -ErrorVariable problem -ErrorAction SilentlyContinue
            "$($problem[0])" | Should -BeLike '*has ended (exit status 137)*'
        }
        It 'refuse questions: nobody in a cage asks whoever sits at the host' {
            Invoke-Cage web { Read-Host name } -ErrorVariable problem -ErrorAction SilentlyContinue
            "$($problem[0])" | Should -BeLike '*cannot ask*'
        }
    }

    Context 'exit status' {
        It 'is <Status> after <Script>' -ForEach @(
            @{ Script = { exit 7 }; Status = 7 }
            @{ Script = { sh -c 'exit 3' }; Status = 3 }
            @{ Script = { sh -c 'exit 3'; true }; Status = 0 }
            @{ Script = { 1 }; Status = 0 }
            @{ Script = { Write-Error e -ErrorAction SilentlyContinue }; Status = 0 }
        ) {
            $null = Invoke-Cage web $Script
            $LASTEXITCODE | Should -Be $Status
        }
        It 'is the first that is not 0 of several' {
            Invoke-Cage web, pivot, chroot { if ((hostname) -eq 'web') { exit 4 } }
            $LASTEXITCODE | Should -Be 4
        }
        It 'of exit does not end the caller' {
            Get-ShownText 'Invoke-Cage web { exit 7 }; "still here $LASTEXITCODE"' | Should -BeLike '*still here 7*'
        }
    }

    Context 'many cages' {
        It 'run at once, as many as -ThrottleLimit lets' {
            $spans = Invoke-Cage web, pivot, chroot { [pscustomobject] @{ From = [datetime]::UtcNow; To = (Start-Sleep 1), [datetime]::UtcNow | Select-Object -Last 1 } }
            ($spans.From | Measure-Object -Maximum).Maximum | Should -BeLessThan ($spans.To | Measure-Object -Minimum).Minimum
            $spans = Invoke-Cage web, pivot, chroot -ThrottleLimit 1 { [pscustomobject] @{ From = [datetime]::UtcNow; To = (Start-Sleep -Milliseconds 50), [datetime]::UtcNow | Select-Object -Last 1 } }
            $sorted = @($spans | Sort-Object From)
            $sorted[0].To | Should -BeLessOrEqual $sorted[1].From
            $sorted[1].To | Should -BeLessOrEqual $sorted[2].From
        }
    }

    Context 'the end' {
        It 'comes with a stop of the pipeline (Ctrl+C): <_>' -ForEach 'web', 'pivot', 'chroot' {
            Stop-RunningScript "Invoke-Cage $_ { 'begun'; sleep 71 }" | Should -BeLessThan 5
        }
        It 'comes with Ctrl+C on a terminal, and the shell goes on' -Skip:(-not $hasTmux) {
            $terminal = Open-Terminal
            try {
                Send-Line $terminal 'Invoke-Cage web, pivot { Write-Host (''beg'' + ''un''); sleep 77 }'
                Wait-Screen $terminal '(?s)begun.*begun' | Should -BeTrue
                Send-Key $terminal C-c
                Send-Line $terminal '"on {0}" -f 9'
                Wait-Screen $terminal '(?m)^on 9' | Should -BeTrue
                Get-Left | Should -BeNullOrEmpty
            }
            finally { Close-Terminal $terminal }
        }
        It 'comes while pwsh is still coming up' {
            Stop-RunningScript 'Invoke-Cage web { 1; Start-Sleep 60 }' -Until { Get-Left web } | Should -BeLessThan 6
        }
        It 'comes by force where the script does not stop' {
            Stop-RunningScript 'Invoke-Cage web { ''begun''; [Threading.Thread]::Sleep(600000) }' | Should -BeLessThan 9
        }
        It 'comes when nobody wants more' {
            Invoke-Cage web, pivot { while ($true) { 'x' } } | Select-Object -First 3 | Should -Be 'x', 'x', 'x'
        }
        It 'comes when the cage is stopped' {
            $null = New-Cage brief -Base host | Start-Cage
            $stopper = Start-ThreadJob { param($Module) Import-Module $Module; Start-Sleep 2; Stop-Cage brief -Force -Confirm:$false } -ArgumentList (Get-CageModulePath)
            Invoke-Cage brief { Start-Sleep 60 } -ErrorVariable problem -ErrorAction SilentlyContinue
            "$($problem[0])" | Should -BeLike '*has ended*'
            $null = $stopper | Receive-Job -Wait -AutoRemoveJob
        }
        It 'leaves no thread and no descriptor in the caller' {
            $null = Invoke-Cage web { 1 }
            $before = (Get-ChildItem /proc/$PID/task).Count, (Get-ChildItem /proc/$PID/fd).Count
            foreach ($i in 1..6) { $null = Invoke-Cage web { 1 } }
            # The runtime's own pool may have grown by a few.
            Wait-Until { (Get-ChildItem /proc/$PID/task).Count -lt $before[0] + 6 } | Should -BeTrue
            (Get-ChildItem /proc/$PID/fd).Count | Should -BeLessThan ($before[1] + 6)
        }
        It 'leaves a daemon that the script began' {
            Invoke-Cage web { Start-Process setsid -ArgumentList sleep, 73 }
            Wait-Until { (Get-Left web) -contains 'sleep 73' } | Should -BeTrue
            Get-CageProcess web | Where-Object CommandLine -EQ 'sleep 73' | Stop-Process
        }
    }

    Context '-AsJob' {
        It 'writes a job with a child for each cage, whose results Receive-Job has' {
            $job = Invoke-Cage web, pivot { hostname; Write-Warning w; Write-Error e } -AsJob
            $job.PSJobTypeName | Should -Be 'CageJob'
            $job.ChildJobs.Location | Should -Be 'web', 'pivot'
            Get-Job -Id $job.Id | Should -Be $job
            $null = Wait-Job $job -Timeout 30
            $job.State | Should -Be 'Completed'
            $said = Receive-Job $job -WarningVariable warned -WarningAction SilentlyContinue -ErrorVariable problem -ErrorAction SilentlyContinue
            $said.Count | Should -Be 2
            $said[0].PSComputerName | Should -Be 'web'
            $warned.Count | Should -Be 2
            $problem.Count | Should -Be 2
            Remove-Job $job
        }
        It 'returns at once, takes input and goes on' {
            $time = Measure-Command { $script:job = 1..3 | Invoke-Cage web { Start-Sleep 3; ($input | Measure-Object -Sum).Sum } -AsJob }
            $time.TotalSeconds | Should -BeLessThan 2.5
            $job | Receive-Job -Wait -AutoRemoveJob | Should -Be 6
        }
        It 'keeps the exit status with the child, and says Failed for what was ended by an error' {
            $job = Invoke-Cage web { exit 5 } -AsJob
            $null = Wait-Job $job -Timeout 30
            $job.ChildJobs[0].ExitCode | Should -Be 5
            $job | Remove-Job
            $job = Invoke-Cage web { throw 'x' } -AsJob
            $null = Wait-Job $job -Timeout 30
            $job.State | Should -Be 'Failed'
            $job | Receive-Job -ErrorVariable problem -ErrorAction SilentlyContinue
            "$problem" | Should -Be 'x'
            $job | Remove-Job
        }
        It 'is stopped by Stop-Job, and by Remove-Job -Force, and leaves nothing' {
            $job = Invoke-Cage web, pivot { Start-Sleep 74 } -AsJob
            $null = Wait-Until { @(Get-Left).Count -eq 2 }
            (Measure-Command { Stop-Job $job }).TotalSeconds | Should -BeLessThan 6
            $job.State | Should -Be 'Stopped'
            Get-Left | Should -BeNullOrEmpty
            Remove-Job $job
            $job = Invoke-Cage web -ThrottleLimit 1 { Start-Sleep 75 } -AsJob
            Remove-Job $job -Force
            Get-Left | Should -BeNullOrEmpty
        }
        It 'is refused for a command' {
            Invoke-Cage web true -AsJob -ErrorVariable problem -ErrorAction SilentlyContinue
            $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageArgumentInvalid,*'
        }
    }
}
