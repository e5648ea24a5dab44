BeforeDiscovery {
    Import-Module "$PSScriptRoot/CageTest.psm1" -Force
    $isRoot = Test-Root
    $cases = Get-CmdletCase
    $canTrace = [bool] (Get-Command strace -ErrorAction Ignore)
    Import-CageModule
    $commands = @(Get-Command -Module Cage)
    $tried = $commands | Where-Object { $cases[$_.Name].Line -and -not $cases[$_.Name].Elsewhere -and ($canTrace -or $_.Name -ne 'Trace-CageCommand') }
}

Describe 'Manners' -Skip:(-not $isRoot) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        $conf = Get-Content $env:CAGE_CONF
    }
    AfterEach {
        $conf | Set-Content $env:CAGE_CONF
        Get-Cage -Kind Writable | Remove-Cage -Force -WarningAction SilentlyContinue
        Get-CageSnapshot | Remove-CageSnapshot -Force
        Clear-TestStore $store
    }
    AfterAll { Remove-TestStore $store }

    It 'has a case for each cmdlet' -TestCases @{ Names = $commands.Name } {
        $Names | Where-Object { -not (Get-CmdletCase)[$_] } | Should -BeNullOrEmpty
        (Get-CmdletCase).Keys | Where-Object { $_ -notin $Names } | Should -BeNullOrEmpty
    }
    It '<_> writes what it says' -ForEach $tried {
        $case = (Get-CmdletCase)[$_.Name]
        Initialize-Case $store $_.Name $case
        $changes = $_.Parameters.ContainsKey('WhatIf')
        $line = ($case.Ends ?? $case.Line) + ($_.Parameters.ContainsKey('PassThru') ? ' -PassThru' : '') + ($changes ? ' -Verbose' : '')
        $told, $written = @(. ([scriptblock]::Create((Get-CaseScript $store $_.Name $line))) 4>&1).Where({ $_ -is [System.Management.Automation.VerboseRecord] }, 'Split')
        if ($changes) { @($told) -notlike 'Performing the operation*' -match '\S\.$' | Should -Not -BeNullOrEmpty -Because 'with -Verbose it says what it has done' }
        $said = @($_.OutputType.Name)
        foreach ($object in $written) { $object.PSObject.TypeNames | Where-Object { $_ -in $said } | Should -Not -BeNullOrEmpty -Because "it wrote $($object.GetType())" }
        if ($said -eq 'System.Void') {
            $written | Should -BeNullOrEmpty
            return
        }
        $written | Should -Not -BeNullOrEmpty
        $PSStyle.OutputRendering = 'PlainText'
        try {
            foreach ($format in 'Out-Default', 'Format-Table', 'Format-List', 'Format-Wide') {
                $lines = @($written | & ($format -eq 'Out-Default' ? { $input } : { $input | & $format }) | Out-String -Stream -Width 120)
                ($lines | Measure-Object Length -Maximum).Maximum | Should -BeLessOrEqual 120 -Because $format
                $lines | Should -Not -MatchExactly "`e|System\.|Cage\.[A-Z]|<>" -Because "$format is for people"
            }
        }
        finally { $PSStyle.OutputRendering = 'Host' }
    }
    It 'advises with every error: <_>' -ForEach @(
        'Get-Cage nobody', 'Start-Cage base', 'Stop-CageService web nobody', 'Remove-CageSnapshot nobody -Force', 'New-Cage "a`nb"', 'New-Cage x -Base nobody'
        'Invoke-Cage web nonsense', 'Invoke-Cage idle true', 'Start-Cage web', 'Set-Cage base -Isolation Jail', 'Get-CageDependency nonsense', 'Start-CageService web nobody'
    ) {
        $null = New-Cage idle -Base base
        $null = New-Cage web -Base base | Start-Cage
        $errors = $null
        & ([scriptblock]::Create("$_ -ErrorAction SilentlyContinue -ErrorVariable errors")) *>$null
        $problem = @(Invoke-Quietly "`$null = $_")[0]
        $problem.FullyQualifiedErrorId | Should -Match '^Cage[A-Z][A-Za-z]+,Cage\.PowerShell\.Commands\.'
        $problem.CategoryInfo.Category | Should -Not -Be 'NotSpecified'
        $problem.ErrorDetails.RecommendedAction | Should -Match '\.$'
    }
    It 'takes a name as it is by -LiteralName' {
        $names = 'a*', 'ab', '[x]'
        $names | New-Cage | Out-Null
        (Get-Cage -LiteralName 'a*').Name | Should -BeExactly 'a*'
        (Get-Cage -LiteralName '[x]', 'ab').Name | Should -BeExactly '[x]', 'ab'
        Get-Cage -LiteralName 'x*' -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageNotFound,*'
        Set-Cage ab -Base base
        $null = Start-Cage -LiteralName ab
        Invoke-Cage -LiteralName ab cat /etc/base | Should -Be 'small'
        (TabExpansion2 'Stop-Cage -LiteralName a').CompletionMatches.CompletionText | Should -Be "'a*'", 'ab'
    }
    It 'writes and reads the same in every culture: <_>' -ForEach 'tr-TR', 'de-DE', 'ar-SA' {
        # But for times, which people want to read as they do elsewhere.
        $script = {
            param($Culture, $Module)
            [cultureinfo]::CurrentCulture = [cultureinfo]::CurrentUICulture = $Culture
            Import-Module $Module
            $cage = New-Cage IDLE -Base base -Isolation Pivot -CpuLimit 1.5 -MemoryLimit 512MB -CpuWeight 1000 -Memo 'ıİ 1.5' -Environment @{ SIZE = 1.5 }
            Set-Cage IDLE -CpuLimit 0.25 -Isolation Jail
            $null = Start-Cage IDLE
            (Invoke-Cage IDLE -- sh -c 'echo $SIZE')
            1.5 | Invoke-Cage IDLE cat
            (Get-Cage IDLE | Format-List | Out-String).Replace("$($cage.Id)", '') -replace '\b\d+\b', 'N' -replace '(?m)^StartTime.*', ''
            (Get-Content "$($cage.Path)/cage.conf") -notmatch '^uuid='
            (Get-Cage -State running).Name
            Stop-Cage IDLE
            Remove-Cage IDLE -Force
        }
        $results = foreach ($culture in '', $_) {
            $shell = [powershell]::Create()
            try {
                ($shell.AddScript($script).AddArgument($culture).AddArgument((Get-CageModulePath)).Invoke() | ForEach-Object { "$_" }) -join "`n"
                $shell.Streams.Error | Should -BeNullOrEmpty
            }
            finally { $shell.Dispose() }
        }
        $results[0] | Should -Match '(?m)^1\.5\n1\.5$'
        $results[1] | Should -BeExactly $results[0]
    }
}
