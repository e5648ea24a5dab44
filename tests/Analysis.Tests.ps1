BeforeDiscovery {
    Import-Module "$PSScriptRoot/CageTest.psm1" -Force
    # Where there is none, each file below is counted as skipped: Install-PSResource PSScriptAnalyzer.
    $hasAnalyzer = [bool] (Get-Module PSScriptAnalyzer -ListAvailable)
    $folder = Split-Path $PSScriptRoot
    $shipped = @(Get-Item "$folder/build.ps1", "$folder/module/Cage.Pester/*", "$PSScriptRoot/bench/*.ps1", (Get-CageModulePath))
    $tests = @(Get-Item "$PSScriptRoot/*.ps1", "$PSScriptRoot/*.psm1", "$folder/docs/examples/*/*.ps1", "$folder/docs/examples/*.ps1")
}

Describe 'PSScriptAnalyzer' -Skip:(-not $hasAnalyzer) {
    BeforeAll {
        Import-Module PSScriptAnalyzer
        function Get-Finding($Settings) {
            $input | ForEach-Object { Invoke-ScriptAnalyzer $_ -Settings $Settings } | ForEach-Object { "$($_.RuleName) $($_.ScriptName):$($_.Line) $($_.Message)" }
        }
    }

    It 'has nothing against <_.Name>' -ForEach $shipped {
        $_.FullName | Get-Finding @{ Severity = 'Error', 'Warning' } | Should -BeNullOrEmpty
    }
    It 'has nothing against <_.Name>, but for what tests must do' -ForEach $tests {
        $_.FullName | Get-Finding "$PSScriptRoot/PSScriptAnalyzerSettings.psd1" | Should -BeNullOrEmpty
    }
}
