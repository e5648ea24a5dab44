BeforeDiscovery {
    Import-Module "$PSScriptRoot/CageTest.psm1" -Force
    $isRoot = Test-Root
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

        # Types lines into a pwsh on a terminal of its own (script(1)), and returns what its screen had.
        function Use-Terminal([string] $Command, [string[]] $Keys) {
            $file = "$($store.Folder)/session.ps1"
            "`$PSStyle.OutputRendering = 'PlainText'", "Import-Module '$(Get-CageModulePath)'", $Command, '"code $LASTEXITCODE"' | Set-Content $file
            $script = $Keys.ForEach({ "sleep 0.4; printf '%s\n' '$_'" }) -join '; '
            sh -c "(sleep 1; $script; sleep 0.5) 2>/dev/null | timeout 20 script -qec `"stty rows 33 cols 101; exec pwsh -NoProfile -File $file`" /dev/null" | Out-String
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
        Use-Terminal 'Enter-Cage idle -ErrorVariable problem -ErrorAction SilentlyContinue; $problem[0].FullyQualifiedErrorId' '' | Should -Match 'CageNotRunning,'
    }
}
