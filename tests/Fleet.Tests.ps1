BeforeDiscovery {
    Import-Module "$PSScriptRoot/CageTest.psm1" -Force
    $isRoot = Test-Root
    # Without them all of this is counted as skipped: apt-get install openssh-server.
    $hasSsh = -not ('/usr/sbin/sshd', '/usr/bin/ssh', '/usr/bin/ssh-keygen' | Where-Object { -not (Test-Path $_) })
}

Describe 'A fleet of hosts, by Invoke-Command -HostName' -Skip:(-not ($isRoot -and $hasSsh)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        $folder = New-Item -ItemType Directory "$($store.Folder)/ssh"
        $hosts = '127.0.0.1', '127.0.0.2'
        $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $listener.Start(); $port = $listener.LocalEndpoint.Port; $listener.Stop()

        # An sshd of its own: on loopback, with keys, a configuration and a subsystem that nobody else has.
        ssh-keygen -q -t ed25519 -N '' -f "$folder/host"
        ssh-keygen -q -t ed25519 -N '' -f "$folder/user"
        Copy-Item "$folder/user.pub" "$folder/authorized"
        $modules = Split-Path (Split-Path (Split-Path (Get-CageModulePath)))
        @(
            $hosts | ForEach-Object { "ListenAddress ${_}:$port" }
            "HostKey $folder/host", "AuthorizedKeysFile $folder/authorized", 'PidFile none', 'StrictModes no', 'UsePAM no', 'PermitRootLogin prohibit-password', 'PasswordAuthentication no'
            "Subsystem powershell $((Get-Command pwsh).Source) -sshs -NoLogo -NoProfile"
            "SetEnv CAGE_CONF=$env:CAGE_CONF PSModulePath=$modules"
        ) | Set-Content "$folder/sshd_config"
        # sshd wants this folder, which Debian's service makes.
        $madeFolder = if (-not (Test-Path /run/sshd)) { New-Item -ItemType Directory /run/sshd }
        $sshd = Start-Process /usr/sbin/sshd '-D', '-e', '-f', "$folder/sshd_config" -PassThru -RedirectStandardError "$folder/said" -RedirectStandardOutput "$folder/output"
        $answers = Wait-Until {
            $client = [Net.Sockets.TcpClient]::new()
            try { $client.Connect('127.0.0.2', $port); $true } catch { $sshd.HasExited } finally { $client.Dispose() }
        }
        if (-not $answers -or $sshd.HasExited) { throw "sshd does not answer: $(Get-Content -Raw "$folder/said")" }
        $way = @{ HostName = $hosts; Port = $port; UserName = 'root'; KeyFilePath = "$folder/user"; Options = @{ StrictHostKeyChecking = 'no'; UserKnownHostsFile = '/dev/null'; LogLevel = 'ERROR' } }
    }
    AfterEach { Clear-TestStore $store }
    AfterAll {
        $sshd.Kill()
        $sshd.WaitForExit()
        if ($madeFolder) { Remove-Item $madeFolder }
        Remove-TestStore $store
    }

    It 'asks every host what runs there' {
        $null = New-Cage web -Base base | Start-Cage
        $null = New-Cage idle -Base base
        $found = Invoke-Command @way { Get-Cage -State Running | Select-Object Name, State }
        $found.PSComputerName | Sort-Object | Should -Be $hosts
        $found.Name | Should -Be 'web', 'web'
        "$($found[0].State.Value)" | Should -Be 'Running'
    }
    It 'does what the cookbook says, on hosts by name' {
        $null = New-Cage web -Base base | Start-Cage
        $PSDefaultParameterValues = @{}
        foreach ($name in 'Port', 'UserName', 'KeyFilePath') { $PSDefaultParameterValues["Invoke-Command:$name"] = $way[$name] }
        # Whatever a host is called, ssh finds it here.
        $PSDefaultParameterValues['Invoke-Command:Options'] = $way.Options + @{ HostName = '127.0.0.1' }
        $recipe = Get-DocumentedExample 'The same on many hosts'
        $found = & ([scriptblock]::Create($recipe.Code))
        $found | Should -HaveCount 4
        $found.Name | Should -Be (@('web') * 4)
        @($found.PSComputerName | Sort-Object -Unique) | Should -Be 'node1', 'node2'
    }
    It 'makes, starts and uses cages there, with errors by host' {
        $way.HostName = $hosts[0]
        Invoke-Command @way { $cage = New-Cage web -Base base | Start-Cage -PassThru; $cage | Invoke-Cage -- cat /etc/base } | Should -Be 'small'
        # A lone pipeline is sent as commands, not as text: PowerShell has no word for -- then.
        Invoke-Command @way { Invoke-Cage web cat /etc/base } | Should -Be 'small'
        $before = (Get-Cage web).ProcessId
        (Invoke-Command @way { Get-Cage web* | Restart-Cage -PassThru | Select-Object Name, ProcessId }).ProcessId | Should -Not -Be $before
        Invoke-Command @way { Start-Cage nobody } -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageNotFound,Cage.PowerShell.Commands.StartCageCommand'
        $problem[0].OriginInfo.PSComputerName | Should -Be $hosts[0]
    }
}
