BeforeDiscovery {
    Import-Module "$PSScriptRoot/CageTest.psm1" -Force
    $isRoot = Test-Root
    $hasTracer = [bool] (Get-Command strace -ErrorAction Ignore)
    # What makes each cmdlet write. idle is stopped, web runs with a service, full has commands of the host, held is suspended. Null where nothing can be tried here.
    $lines = @{
        'Add-CageCommand'       = 'Add-CageCommand idle true -NoPack -PassThru'
        'Add-CageFile'          = 'Add-CageFile idle /etc/hostname -NoPack -PassThru'
        'Clear-Cage'            = 'Clear-Cage full -PassThru'
        'Copy-Cage'             = 'Copy-Cage idle fresh'
        'Copy-CageAccount'      = 'Copy-CageAccount idle -User root'
        'Enter-Cage'            = $null # wants a terminal: Enter-Cage.Tests.ps1
        'Get-Cage'              = 'Get-Cage; Get-Cage -Tree'
        'Get-CageCommand'       = 'Get-CageCommand full'
        'Get-CageConfiguration' = 'Get-CageConfiguration'
        'Get-CageDependency'    = 'Get-CageDependency sh -NoPack'
        'Get-CageExposure'      = 'Get-CageExposure web'
        'Get-CageLog'           = 'Get-CageLog web worker'
        'Get-CageMount'         = 'Get-CageMount web'
        'Get-CagePack'          = 'Get-CagePack'
        'Get-CagePlan'          = 'Get-CagePlan idle'
        'Get-CageProcess'       = 'Get-CageProcess web'
        'Get-CageService'       = 'Get-CageService web'
        'Get-CageShim'          = 'Get-CageShim full'
        'Get-CageSnapshot'      = 'Get-CageSnapshot'
        'Invoke-Cage'           = 'Invoke-Cage web cat /etc/base'
        'Measure-Cage'          = 'Measure-Cage web'
        'New-Cage'              = 'New-Cage fresh'
        'New-CageSession'       = $null # wants pwsh inside: New-CageSession.Tests.ps1
        'New-CageShim'          = 'New-CageShim full true -Folder $shims'
        'New-CageSnapshot'      = 'New-CageSnapshot $small -Provider Copy'
        'Publish-Cage'          = 'Publish-Cage idle -PassThru'
        'Register-Cage'         = $null # wants systemd: Register-Cage.Tests.ps1
        'Remove-Cage'           = 'Remove-Cage idle -Force'
        'Remove-CageCommand'    = 'Remove-CageCommand full * -Confirm:$false'
        'Remove-CageShim'       = 'Remove-CageShim full'
        'Remove-CageSnapshot'   = 'Remove-CageSnapshot * -Force'
        'Rename-Cage'           = 'Rename-Cage idle fresh -PassThru'
        'Restart-Cage'          = 'Restart-Cage web -PassThru'
        'Resume-Cage'           = 'Resume-Cage held -PassThru'
        'Set-Cage'              = 'Set-Cage idle -Memo changed -PassThru'
        'Set-CageConfiguration' = 'Set-CageConfiguration -Tool /opt/other -PassThru'
        'Start-Cage'            = 'Start-Cage idle -PassThru'
        'Start-CageProcess'     = 'Start-CageProcess web -ServiceName other -PassThru -- sleep 1000'
        'Start-CageService'     = 'Start-CageService web shop -PassThru'
        'Stop-Cage'             = 'Stop-Cage web -PassThru'
        'Stop-CageService'      = 'Stop-CageService web worker -PassThru'
        'Suspend-Cage'          = 'Suspend-Cage web -PassThru'
        'Test-Cage'             = 'Invoke-Cage web true; Test-Cage drifted'
        'Trace-CageCommand'     = $hasTracer ? 'Trace-CageCommand web -- cat /nowhere' : $null
        'Unregister-Cage'       = $null # wants systemd
        'Update-Cage'           = 'Update-Cage drifted -PassThru'
        'Wait-Cage'             = 'Wait-Cage web -State Running -PassThru'
    }
    Import-CageModule
    $commands = @(Get-Command -Module Cage)
    $tried = $commands | Where-Object { $lines[$_.Name] } | ForEach-Object { @{ Command = $_; Line = $lines[$_.Name] } }
}

Describe 'Manners' -Skip:(-not $isRoot) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        $small = $store.Root
        $conf = Get-Content $env:CAGE_CONF
    }
    BeforeEach { $shims = (New-Item -ItemType Directory "$($store.Folder)/shims").FullName }
    AfterEach {
        $conf | Set-Content $env:CAGE_CONF
        Get-CageSnapshot | Remove-CageSnapshot -Force
        Clear-TestStore $store
        Remove-Item -Recurse -Force $shims
    }
    AfterAll { Remove-TestStore $store }

    It 'has each cmdlet in the list of this file' -TestCases @{ Names = $commands.Name; Listed = @($lines.Keys) } {
        $Names | Where-Object { $_ -notin $Listed } | Should -BeNullOrEmpty
    }
    It '<Command> writes what it says: <Line>' -ForEach $tried {
        $null = New-Cage idle -Base base
        foreach ($name in 'web', 'held') { $null = New-Cage $name -Base base | Start-Cage }
        Start-CageProcess web -ServiceName worker -- sleep 1000
        '[Service]', 'ExecStart=/bin/sleep 1000' | Invoke-Cage web -- sh -c 'mkdir -p /etc/systemd/system; cat >/etc/systemd/system/shop.service'
        Suspend-Cage held
        if ($Line -match 'full') { $null = New-Cage full -Command true -NoPack | New-CageShim -Command true -Folder $shims }
        if ($Line -match 'drifted') {
            'one' | Set-Content "$($store.Folder)/file"
            $null = New-Cage drifted -File "$($store.Folder)/file" -NoPack
            'another' | Set-Content "$($store.Folder)/file"
        }
        if ($Line -match 'Snapshot') { $null = New-CageSnapshot $small -Provider Copy }

        $written = @(& ([scriptblock]::Create($Line)))
        $said = @($Command.OutputType.Name)
        foreach ($object in $written) { $object.PSObject.TypeNames | Where-Object { $_ -in $said } | Should -Not -BeNullOrEmpty -Because "it wrote $($object.GetType())" }
        if ($said -eq 'System.Void') { $written | Should -BeNullOrEmpty } else { $written | Should -Not -BeNullOrEmpty }
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
