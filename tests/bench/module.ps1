#!/usr/bin/env pwsh
<#
.SYNOPSIS
Measures what the module costs: loading it, Get-Cage with twenty cages, and a start in a session against the engine's own.
.DESCRIPTION
Prints a line for each figure with its limit. Medians; run it on a machine that does nothing else: root, and a built module.
#>
param([int] $Runs = 15)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Import-Module "$PSScriptRoot/../CageTest.psm1" -Force
$module = Get-CageModulePath

function Get-Median([double[]] $Values) { ($Values | Sort-Object)[[int] [math]::Floor($Values.Count / 2)] }

function Show([string] $What, [double] $Value, [string] $Unit, [double] $Limit) {
    '{0,-52} {1,8:0.00} {2}   (at most {3} {2}) {4}' -f $What, $Value, $Unit, $Limit, ($Value -le $Limit ? '' : 'TOO MUCH')
}

# Loading: inside of a fresh pwsh each time, since a second import finds everything in memory.
$import = "`$t = [Diagnostics.Stopwatch]::StartNew(); Import-Module '$module'; `$t.Elapsed.TotalMilliseconds.ToString([cultureinfo]::InvariantCulture)"
$loads = 1..$Runs | ForEach-Object { [double]::Parse((pwsh -NoProfile -Command $import), [cultureinfo]::InvariantCulture) }
Show 'Import-Module over a bare pwsh' (Get-Median $loads) ms 60

$store = New-TestStore
try {
    $null = 1..20 | ForEach-Object { New-Cage "cage$_" -Base base }
    Get-Cage 'cage1', 'cage2', 'cage3' | Start-Cage
    $null = 1..20 | ForEach-Object { Get-Cage }
    $gets = 1..($Runs * 4) | ForEach-Object { (Measure-Command { Get-Cage }).TotalMilliseconds }
    Show 'Get-Cage, warm, of 20 cages' (Get-Median $gets) ms 5

    # The engine, in this very process: what is between is the cmdlet's.
    $settings = [Cage.Engine.Store.StoreSettings]::Load()
    $engine = [Cage.Engine.CageEngine]::new($settings, [Cage.Engine.Runtime.StageBinary]::new("$(Split-Path $module)/bin/linux-$([Runtime.InteropServices.RuntimeInformation]::ProcessArchitecture.ToString().ToLowerInvariant())/cage"))
    $record = $engine.Find('cage20').Record
    $own, $cmdlet = [Collections.Generic.List[double]]::new(), [Collections.Generic.List[double]]::new()
    for ($i = 0; $i -lt $Runs * 2; $i++) {
        $time = Measure-Command { $null = $engine.Start($record, $null, $null, $null, [Threading.CancellationToken]::None) }
        if ($i -ge $Runs) { $own.Add($time.TotalMilliseconds) }
        Stop-Cage cage20 -Force -Confirm:$false
        $time = Measure-Command { Start-Cage cage20 }
        if ($i -ge $Runs) { $cmdlet.Add($time.TotalMilliseconds) }
        Stop-Cage cage20 -Force -Confirm:$false
    }
    'engine {0:0.00} ms, Start-Cage {1:0.00} ms' -f (Get-Median $own), (Get-Median $cmdlet)
    Show 'Start-Cage against the engine' ((Get-Median $cmdlet) / (Get-Median $own)) times 1.5
}
finally {
    Remove-TestStore $store
}
