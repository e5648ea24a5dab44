Describe 'Get-CageLog' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'has what the start and stop scripts printed' {
        $web = New-Cage web -Base base
        "#!/bin/sh`necho up; echo problem >&2" | Set-Content "$($web.Path)/up"
        "#!/bin/sh`necho down" | Set-Content "$($web.Path)/down"
        Set-Cage web -StartScript up -StopScript down
        Get-CageLog web | Should -BeNullOrEmpty
        Start-Cage web; Stop-Cage web
        $lines = Get-CageLog web
        $lines.Log | Should -Be 'up', 'up', 'down'
        $lines.Text | Should -Be 'up', 'problem', 'down'
        "$($lines[0])", $lines[0].Cage, $lines[0].CageId | Should -Be 'up', 'web', $web.Id
        (Get-CageLog web down).Text | Should -Be 'down'
        (Get-CageLog web u* -Tail 1).Text | Should -Be 'problem'
    }
    It 'says CageNotFound, with what there is, for a log that is not' {
        $null = New-Cage web -Base base
        Get-CageLog web nginx -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageNotFound,*'
        $problem[0].ErrorDetails.RecommendedAction | Should -BeLike '*none*'
    }
    It 'follows what is written, and ends with a stop of the pipeline (Ctrl+C)' {
        $null = New-Cage web -Base base | Start-Cage
        Start-CageProcess web -ServiceName clock -- bash -c 'i=0; while :; do echo $((++i)); sleep 0.2; done'
        (Get-CageLog web clock -Follow | Where-Object Text -Match '^\d+$' | Select-Object -First 5).Text | Should -Be '1', '2', '3', '4', '5'
        Stop-RunningScript 'Get-CageLog web clock -Follow' | Should -BeLessThan 5
    }
    It 'completes names of logs' {
        $null = New-Cage web -Base base | Start-Cage
        Start-CageProcess web -ServiceName clock -- true
        (TabExpansion2 'Get-CageLog web cl' 18).CompletionMatches.CompletionText | Should -Be 'clock'
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Get-CageLog | Should -BeNullOrEmpty }
}
