Describe 'The session of README.md' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        # The session begins with none.
        Remove-Cage base -Confirm:$false
        # Ids and process numbers are others each time, and columns as wide as they need.
        function ConvertTo-Plain([string] $Text) { ($Text -replace '\b[0-9a-f]{8}\b', 'ID' -replace '\d+', 'N' -replace '-{2,}', '-' -replace '[^\S\n]+', ' ' -replace '(?m)^ | $').Trim() }
    }
    AfterAll { Remove-TestStore $store }

    It 'goes as it is written' {
        (Get-Content -Raw "$PSScriptRoot/../README.md") -match '(?s)<!-- session -->\n```text\n(?<Session>.*?)\n```' | Should -BeTrue
        $steps = $Matches.Session -split '(?m)^PS> ' | Where-Object { $_ }
        $steps.Count | Should -BeGreaterThan 8
        $style = $PSStyle.OutputRendering
        try {
            $PSStyle.OutputRendering = 'PlainText'
            foreach ($step in $steps) {
                $line, $expected = $step -split '\n', 2
                # What only looks may look again: a program that has just been executed has no command line yet.
                $end = (Get-Date).AddSeconds(30)
                do { $shown = ConvertTo-Plain (. ([scriptblock]::Create($line)) | Out-String -Width 120) }
                until ($shown -ceq (ConvertTo-Plain "$expected") -or $line -notlike 'Get-* | Format-*' -or (Get-Date) -gt $end)
                $shown | Should -BeExactly (ConvertTo-Plain "$expected") -Because $line
            }
        }
        finally { $PSStyle.OutputRendering = $style }
    }
}
