BeforeDiscovery {
    Import-Module "$PSScriptRoot/CageTest.psm1" -Force
    $isRoot = Test-Root
    Import-CageModule
    $commands = Get-Command -Module Cage
}

Describe 'The module' {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        Import-CageModule
    }

    It 'has a valid manifest' {
        $manifest = Test-ModuleManifest (Get-CageModulePath)
        $manifest.Version | Should -Be '0.1.0'
        $manifest.CompatiblePSEditions | Should -Be 'Core'
    }
    It 'exports what its manifest names and nothing else' {
        $manifest = Import-PowerShellDataFile (Get-CageModulePath)
        (Get-Command -Module Cage).Name | Sort-Object | Should -Be ($manifest.CmdletsToExport | Sort-Object)
        (Get-Module Cage).ExportedAliases.Count | Should -Be 0
    }
    It 'brings only assemblies of its own' {
        (Get-ChildItem "$(Split-Path (Get-CageModulePath))/bin/*.dll").Name | Should -Be 'Cage.Engine.dll', 'Cage.Interop.dll', 'Cage.PowerShell.dll', 'Cage.PowerShell.Transport.dll'
    }
    It '<_> has an approved verb and says what it writes' -ForEach $commands {
        Get-Verb $_.Verb | Should -Not -BeNullOrEmpty
        $_.OutputType | Should -Not -BeNullOrEmpty
    }
    It '<_> uses no name of a common parameter or alias for another thing' -ForEach $commands {
        $taken = 'Verbose', 'Debug', 'ErrorAction', 'vb', 'db', 'ea', 'wi', 'cf'
        $_.Parameters.Values | Where-Object { $_.Attributes.Where({ $_ -is [Parameter] -and $_.DontShow }) } | Should -BeNullOrEmpty
        $own = $_.Parameters.Values | Where-Object { $_.Name -notin [System.Management.Automation.Cmdlet]::CommonParameters -and $_.Name -notin [System.Management.Automation.Cmdlet]::OptionalCommonParameters }
        $own | ForEach-Object { $_.Aliases } | Where-Object { $_ -in $taken } | Should -BeNullOrEmpty
    }
    It 'is loaded by its package''s name alone, and does no work then' {
        $time = pwsh -NoProfile -Command "`$env:CAGE_CONF = '/nowhere'; Import-Module '$(Get-CageModulePath)' -ErrorAction Stop; 'loaded'"
        $time | Should -Be 'loaded'
    }
}

Describe 'Completion' -Skip:(-not $isRoot) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        $web = New-Cage web1 -Base base
        $null = New-Cage 'web two'
        function Complete([string] $Line) { (TabExpansion2 $Line $Line.Length).CompletionMatches | ForEach-Object CompletionText }
    }
    AfterAll { Remove-TestStore $store }

    It 'offers names, quoted where need be' {
        Complete 'Start-Cage w' | Should -Be "'web two'", 'web1'
        Complete 'Get-Cage -Name we' | Should -Be "'web two'", 'web1'
        Complete "Stop-Cage 'web t" | Should -Be "'web two'"
    }
    It 'offers ids' {
        Complete "Stop-Cage -Id $("$($web.Id)".Substring(0, 13))" | Should -Be "$($web.Id)"
    }
    It 'offers read-only cages as bases' {
        Complete 'New-Cage x -Base ' | Should -Be 'base'
    }
    It 'offers names for the first word of Invoke-Cage alone' {
        Complete 'Invoke-Cage web1' | Should -Be 'web1'
        Complete 'Invoke-Cage -User alice web1' | Should -Be 'web1'
        Complete 'Invoke-Cage web1 we' | Should -Not -Contain 'web1'
    }
    It 'offers the users inside a running cage: <_>' -ForEach 'Enter-Cage web1 -User al', 'Invoke-Cage web1 -User al', 'Invoke-Cage -Name web1 -User al', 'New-CageSession web1 -User al' {
        Complete $_ | Should -Not -Contain 'alice'
        $null = Start-Cage web1
        try { Complete $_ | Should -Be 'alice' }
        finally { Stop-Cage web1 -Force -Confirm:$false }
    }
    It 'offers isolations' {
        Complete 'New-Cage x -Isolation P' | Should -Be 'Pivot'
        Complete 'Set-Cage web1 -Isolation ' | Should -Be 'Chroot', 'Jail', 'Pivot'
        Complete 'Get-Cage -Isolation J' | Should -Be 'Jail'
    }
    It 'offers nothing where the store cannot be read' {
        $conf = $env:CAGE_CONF
        try {
            $env:CAGE_CONF = '/nowhere'
            Complete 'Start-Cage web' | Should -Not -Contain 'web1'
        }
        finally { $env:CAGE_CONF = $conf }
    }
}

Describe 'Views' -Skip:(-not $isRoot) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        $null = New-Cage host0 -ReadOnly -Source /
        $web = New-Cage web -Base base -Memo "first`nsecond" | Start-Cage -PassThru
        $PSStyle.OutputRendering = 'PlainText'
    }
    AfterAll {
        $PSStyle.OutputRendering = 'Host'
        Remove-TestStore $store
    }

    It 'shows cages as a table: state, isolation, the short id, the names of the bases, the live host marked' {
        $lines = Get-Cage | Out-String -Stream -Width 80 | Where-Object { $_ }
        $lines[0] | Should -Match '^Name +State +Isolation +Pid Id +Base'
        $lines | Where-Object { $_ -match '^web ' } | Should -Match "^web +Running +Jail +$($web.ProcessId) $("$($web.Id)".Substring(0, 8)) base"
        $lines | Where-Object { $_ -match '^host0 ' } | Should -Match '^host0 +Stopped +\(live host\)'
        $lines | Where-Object { $_ -match '^base ' } | Should -Match '^base +Stopped +\(read-only\)'
        ($lines | Measure-Object Length -Maximum).Maximum | Should -BeLessOrEqual 80
    }
    It 'shows a cage as a list' {
        $text = Get-Cage web | Format-List | Out-String
        $text | Should -Match "(?m)^Id +: $($web.Id)"
        $text | Should -Match '(?m)^Base +: base'
        $text | Should -Match '(?m)^Memo +: first'
        $text | Should -Not -Match '(?m)^(Privileges|Devices|Limits|Network|Binds|Environment|StartScript|Record)'
        $null = New-Cage given -Base base -Device net/tun, log -CapabilityAdd NET_ADMIN -MemoryLimit 64MB -Environment @{ A = 1 } -Network None
        Set-Cage given -StartScript up.sh
        $text = Get-Cage given | Format-List | Out-String
        Remove-Cage given -Force
        $text | Should -Match '(?m)^Devices +: net/tun log'
        $text | Should -Match '(?m)^Privileges +: capability=\+NET_ADMIN'
        $text | Should -Match '(?m)^Limits +: memory 64M'
        $text | Should -Match '(?m)^Environment +: A=1'
        $text | Should -Match '(?m)^StartScript +: up\.sh'
        $text | Should -Match '(?m)^Network +: none'
        Get-Cage host0 | Format-List | Out-String | Should -Match '(?m)^Kind +: ReadOnly \(the live host\)'
    }
    It 'shows a cage''s conf and network by their names where all is asked for' {
        $text = Get-Cage web | Format-List * | Out-String -Width 200
        $text | Should -Match "(?m)^Record +: $($web.Path)/cage.conf"
        $text | Should -Match '(?m)^Network +: host'
    }
    It 'shows what cages use as a table' {
        $lines = Measure-Cage web | Out-String -Stream -Width 80 | Where-Object { $_ }
        $lines[0] | Should -Match '^Cage +State +CPU\(s\) +Memory\(M\) +Processes +Allocated\(M\) +Exclusive\(M\)'
        $lines[2] | Should -Match '^web +Running +\d+\.\d\d +\d+\.\d +1 +\d+\.\d +\d+\.\d'
    }
    It 'shows mounts and processes as tables' {
        Get-CageMount web | Out-String -Width 120 | Should -Match '(?m)^web +/proc +proc +proc +private +rw'
        Get-CageProcess web | Out-String -Width 120 | Should -Match "(?m)^web +$($web.ProcessId) +1 +0 .*cage init"
    }
}

Describe 'Pipelines' -Skip:(-not $isRoot) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'are as long as one likes' {
        'a', 'b' | New-Cage -Base base | Start-Cage -PassThru | Set-Cage -Memo made -PassThru | Restart-Cage -PassThru -Force -Confirm:$false | Get-CageProcess | Get-Cage |
            Stop-Cage -PassThru -Force -Confirm:$false | Rename-Cage -NewName c -PassThru | Select-Object -ExpandProperty Memo | Should -Be 'made', 'made'
        Get-Cage c | Wait-Cage -PassThru | Copy-Cage -NewName d | Remove-Cage -Force
        (Get-Cage -Kind Writable).Name | Should -Be 'c', 'c'
    }
    It 'go on after one bad item among many' {
        $null = New-Cage a -Base base; $null = New-Cage b -Base base
        ('a', 'nobody', 'b' | Start-Cage -PassThru -ErrorVariable problem -ErrorAction SilentlyContinue).Name | Should -Be 'a', 'b'
        $problem.Count | Should -Be 1
    }
    It 'have views that no terminal is too narrow for: <_>' -ForEach 'Get-Cage', 'Get-Cage -Tree', 'Get-CageMount', 'Get-CageProcess', 'Get-CageService', 'Get-CageLog *', 'Get-CagePlan web', 'Get-CageConfiguration' {
        $null = New-Cage ('w' * 60) -Base base
        $null = New-Cage web -Base base | Start-Cage
        Start-CageProcess web -ServiceName worker -- sleep 1000
        $PSStyle.OutputRendering = 'PlainText'
        try {
            foreach ($format in 'Format-Table', 'Format-Wide', 'Out-Default') {
                $lines = & ([scriptblock]::Create($_)) | ForEach-Object { $_ } | & ($format -eq 'Out-Default' ? { $input } : { $input | & $format }) | Out-String -Stream -Width 120
                ($lines | Measure-Object Length -Maximum).Maximum | Should -BeLessOrEqual 120
                $lines | Should -Not -Match "`e"
            }
        }
        finally { $PSStyle.OutputRendering = 'Host' }
    }
    It 'show the state in colour where colour is wanted' {
        $null = New-Cage web -Base base | Start-Cage
        $PSStyle.OutputRendering = 'Ansi'
        try { Get-Cage web | Out-String | Should -Match "`e\[32mRunning`e\[0m" }
        finally { $PSStyle.OutputRendering = 'Host' }
    }
}
