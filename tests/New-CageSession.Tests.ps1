BeforeDiscovery {
    Import-Module "$PSScriptRoot/CageTest.psm1" -Force
    $isRoot = Test-Root
    $hasTmux = [bool] (Get-Command tmux -CommandType Application -ErrorAction Ignore)
}

Describe 'New-CageSession' -Skip:(-not $isRoot) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        $null = New-Cage host -ReadOnly -Source /
        $null = New-Cage web -Base host | Start-Cage
        $null = New-Cage bare -Base base | Start-Cage
        $null = New-Cage idle -Base host
        function Get-Left { @(Get-CageProcess | Where-Object { -not $_.IsInit } | ForEach-Object CommandLine) }
    }
    AfterEach {
        Get-PSSession | Remove-PSSession
        Wait-Until { -not (Get-Left) } | Should -BeTrue -Because 'nothing may go on'
    }
    AfterAll { Remove-TestStore $store }

    It 'writes a session that Invoke-Command takes, and that remembers' {
        $session = Get-Cage web | New-CageSession
        $session | Should -BeOfType System.Management.Automation.Runspaces.PSSession
        $session.State | Should -Be 'Opened'
        $session.Name, $session.ComputerName, $session.Transport | Should -Be 'web', 'web', 'Cage'
        Invoke-Command -Session $session { $x = 5; hostname } | Should -Be 'web'
        Invoke-Command -Session $session { $x } | Should -Be 5
        Remove-PSSession $session
    }
    It 'takes user, directory and environment' {
        $session = New-CageSession web -User 5:6 -Directory /etc -Environment @{ A = 'x' }
        Invoke-Command -Session $session { (id -u), $PWD.Path, $env:A } | Should -Be '5', '/etc', 'x'
        Remove-PSSession $session
    }
    It 'begins nothing with -WhatIf' {
        New-CageSession web -WhatIf | Should -BeNullOrEmpty
        Get-Left | Should -BeNullOrEmpty
    }
    It 'lets Copy-Item carry files in and out' {
        $session = New-CageSession web
        "line ä" | Set-Content "$($store.Folder)/out"
        Copy-Item "$($store.Folder)/out" -ToSession $session -Destination /root/in
        Copy-Item /root/in -FromSession $session -Destination "$($store.Folder)/back"
        Get-Content "$($store.Folder)/back" | Should -Be 'line ä'
        Remove-PSSession $session
    }
    It 'ends with its pwsh when that is killed, and then says so' {
        $session = New-CageSession web
        Invoke-Command -Session $session { sh -c "kill -KILL $PID"; Start-Sleep 60 } -ErrorVariable problem -ErrorAction SilentlyContinue
        "$($problem[0])" | Should -BeLike '*has ended (exit status 137)*'
        # PowerShell sees to its own state a moment later.
        Wait-Until { $session.State -eq 'Broken' } | Should -BeTrue
        Remove-PSSession $session
    }
    It 'says <Id> for "<Cage>"' -ForEach @(
        @{ Cage = 'bare'; Id = 'CagePowerShellMissing'; Category = 'NotInstalled' }
        @{ Cage = 'idle'; Id = 'CageNotRunning'; Category = 'InvalidOperation' }
        @{ Cage = 'nobody'; Id = 'CageNotFound'; Category = 'ObjectNotFound' }
    ) {
        New-CageSession $Cage -ErrorVariable problem -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $problem[0].FullyQualifiedErrorId | Should -Be "$Id,Cage.PowerShell.Commands.NewCageSessionCommand"
        $problem[0].CategoryInfo.Category | Should -Be $Category
    }
    It 'can be entered' -Skip:(-not $hasTmux) {
        $terminal = Open-Terminal
        try {
            Send-Line $terminal 'Enter-PSSession (New-CageSession web)'
            Wait-Screen $terminal '\[web\]: PS /root>' | Should -BeTrue
            Send-Line $terminal 'hostname; 20 + 3'
            Wait-Screen $terminal '(?m)^web\s+^23' | Should -BeTrue
            Send-Line $terminal 'Start-Sleep 76'
            Wait-Until { @(Get-CageProcess web).Count -gt 1 } | Should -BeTrue
            Send-Key $terminal C-c
            Send-Line $terminal 'exit'
            Send-Line $terminal '"out {0}" -f 5; Get-PSSession | Remove-PSSession'
            Wait-Screen $terminal '(?m)^out 5' | Should -BeTrue
        }
        finally { Close-Terminal $terminal }
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store New-CageSession | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store New-CageSession | Should -BeNullOrEmpty }
}
