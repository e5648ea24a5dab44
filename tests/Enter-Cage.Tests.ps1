BeforeDiscovery {
    Import-Module "$PSScriptRoot/CageTest.psm1" -Force
    $isRoot = Test-Root
    $hasTmux = [bool] (Get-Command tmux -CommandType Application -ErrorAction Ignore)
    $hasTerminal = [bool] (Get-Command script -CommandType Application -ErrorAction Ignore)
}

Describe 'Enter-Cage' -Skip:(-not $isRoot) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        $null = New-Cage web -Base base | Start-Cage
        $null = New-Cage pivot -Base base -Isolation Pivot | Start-Cage
        $null = New-Cage chroot -Base base -Isolation Chroot | Start-Cage
        $null = New-Cage idle -Base base

        # Types lines into a pwsh on a terminal of its own (script(1)), each when the shell has shown that it waits for one, and returns what its screen had.
        function Use-Terminal([string] $Command, [string[]] $Keys) {
            $file = "$($store.Folder)/session.ps1"
            "`$PSStyle.OutputRendering = 'PlainText'", "Import-Module '$(Get-CageModulePath)'", $Command, '"code $LASTEXITCODE"' | Set-Content $file
            $start = [System.Diagnostics.ProcessStartInfo]::new('timeout', [string[]] ('30', 'script', '-qfec', "stty rows 33 cols 101; exec pwsh -NoProfile -File $file", '/dev/null'))
            $start.RedirectStandardInput = $start.RedirectStandardOutput = $true
            $start.UseShellExecute = $false
            $session = [System.Diagnostics.Process]::Start($start)
            $screen = [System.Text.StringBuilder]::new()
            function Read-Screen([string] $Until) {
                $buffer = [char[]]::new(4096)
                while ($screen.ToString() -notmatch $Until -and ($read = $session.StandardOutput.Read($buffer, 0, $buffer.Length)) -gt 0) { $null = $screen.Append($buffer, 0, $read) }
            }
            try {
                $from = 0
                foreach ($key in $Keys) {
                    # A prompt is the last, and has come after what was typed before.
                    Read-Screen "(?s)^.{$from}.*[#$] $"
                    $from = $screen.Length + 1
                    $session.StandardInput.Write("$key`n")
                    $session.StandardInput.Flush()
                }
                Read-Screen '(?!)'
                $screen.ToString()
            }
            finally {
                if (-not $session.HasExited) { $session.Kill() }
                $session.Dispose()
            }
        }
    }
    AfterAll { Remove-TestStore $store }

    It 'opens a shell on a terminal of its own in <_>, and keeps its status' -ForEach 'web', 'pivot', 'chroot' -Skip:(-not $hasTerminal) {
        $screen = Use-Terminal "Enter-Cage $_" 'cat /etc/base; tty; stty size; echo $0', 'exit 7'
        $screen | Should -Match '(?m)^small'
        $screen | Should -Match '(?m)^/dev/pts/\d'
        $screen | Should -Match '(?m)^33 101'
        $screen | Should -Match '(?m)^code 7'
    }
    It 'is a terminal to work at in <_>: job control, a new size, completion, the status' -ForEach 'web', 'pivot', 'chroot' -Skip:(-not $hasTmux) {
        $terminal = Open-Terminal
        try {
            # Completed by the module: the cage's name.
            Send-Key $terminal -Key 'Enter-Cage', 'Space', $_.Substring(0, 3), 'Tab', 'Enter'
            Wait-Screen $terminal '(?m)[#$] *$' | Should -BeTrue
            Send-Line $terminal 'sleep 78'
            Wait-Until { @(Get-CageProcess $_).CommandLine -contains 'sleep 78' } | Should -BeTrue
            Send-Key $terminal C-z
            Wait-Screen $terminal '\[1\]\+ +Stopped +sleep 78' | Should -BeTrue
            Send-Line $terminal 'bg; jobs'
            Wait-Screen $terminal '\[1\]\+ +Running +sleep 78' | Should -BeTrue
            Send-Line $terminal 'fg'
            Send-Key $terminal C-c
            Send-Line $terminal 'jobs; echo fg-$?'
            Wait-Screen $terminal '(?m)^fg-0' | Should -BeTrue
            Resize-Terminal $terminal -Width 91 -Height 27
            Send-Line $terminal 'stty size'
            Wait-Screen $terminal '(?m)^27 91' | Should -BeTrue
            # Completed by the shell inside: a file of the cage's.
            Send-Key $terminal -Key 'cat', 'Space', '/etc/bas', 'Tab', 'Enter'
            Wait-Screen $terminal '(?m)^small' | Should -BeTrue
            Send-Line $terminal 'exit 7'
            Send-PromptLine $terminal '"status {0}" -f $LASTEXITCODE'
            Wait-Screen $terminal '(?m)^status 7' | Should -BeTrue
        }
        finally { Close-Terminal $terminal }
    }
    It 'takes user, directory and environment, and a cage from the pipeline' -Skip:(-not $hasTerminal) {
        $screen = Use-Terminal 'Get-Cage web | Enter-Cage -User alice -Directory /etc -Environment @{ A = 1 }' 'id -u; pwd; echo A=$A', 'exit'
        $screen | Should -Match '(?m)^1000'
        $screen | Should -Match '(?m)^/etc'
        $screen | Should -Match '(?m)^A=1'
        $screen | Should -Match '(?m)^code 0'
    }
    It 'says CageArgumentInvalid without a terminal' {
        Get-ShownText 'Enter-Cage web -ErrorVariable problem -ErrorAction SilentlyContinue; $problem[0].FullyQualifiedErrorId' | Should -BeLike 'CageArgumentInvalid,*'
    }
    It 'says CageNotFound for none, and CageAmbiguous for several' {
        Enter-Cage nobody -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -Be 'CageNotFound,Cage.PowerShell.Commands.EnterCageCommand'
        Enter-Cage * -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageAmbiguous,*'
    }
    It 'says CageNotRunning for one that is stopped' -Skip:(-not $hasTerminal) {
        Use-Terminal 'Enter-Cage idle -ErrorVariable problem -ErrorAction SilentlyContinue; $problem[0].FullyQualifiedErrorId' | Should -Match 'CageNotRunning,'
    }
}
