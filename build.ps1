#!/usr/bin/env pwsh
<#
.SYNOPSIS
Builds and tests Cage from PowerShell.
.DESCRIPTION
What is work for a shell is written once, in build.sh, because it must also run where there is no pwsh. Here is what only PowerShell can do:
the Pester tests (which build.sh test runs through the task Pester), and the check that a package's module can be loaded.
#>
[CmdletBinding()]
param(
    [ValidateSet('Build', 'Test', 'Pester', 'Package', 'Bench', 'Clean')]
    [string] $Task = 'Build',

    # With Package: for arm64 too, by a cross compiler.
    [switch] $Arm64
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

function Invoke-BuildShell([string[]] $Words) {
    & "$PSScriptRoot/build.sh" @Words
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}

function Get-BuiltManifest {
    [xml] $properties = Get-Content -Raw "$PSScriptRoot/Directory.Build.props"
    "$PSScriptRoot/out/Cage/$($properties.SelectSingleNode('//Version').InnerText)/Cage.psd1"
}

function Build { Invoke-BuildShell build }

function Test { Invoke-BuildShell test }

function Bench { Invoke-BuildShell bench }

function Clean { Invoke-BuildShell clean }

function Package([switch] $Arm64) {
    Invoke-BuildShell (@('package') + @($Arm64 ? '--arm64' : @()))
    $null = Test-ModuleManifest (Get-BuiltManifest)
}

# The Pester tests alone, over what is built. The counts go to a file, so that build.sh need not read what scrolls by.
function Pester {
    if (-not $env:CAGE_MODULE) { $env:CAGE_MODULE = Get-BuiltManifest }
    if (-not $env:CAGE_COMMAND) { $env:CAGE_COMMAND = "$PSScriptRoot/out/bin/cage" }

    Import-Module Pester -MinimumVersion 5.0
    $result = Invoke-Pester -Configuration @{
        Run    = @{ Path = (Get-Item "$PSScriptRoot/tests/*.Tests.ps1").FullName; PassThru = $true }
        Output = @{ Verbosity = 'Normal'; RenderMode = 'Plaintext' }
    }

    # A file that fails while it is read has no failed test to its name.
    $failed = $result.FailedCount + $result.FailedContainersCount
    if ($failed -eq 0 -and $result.Result -ne 'Passed') { $failed = 1 }

    $results = New-Item -ItemType Directory -Force "$PSScriptRoot/out/test-results"
    "$($result.PassedCount) $failed $($result.SkippedCount + $result.InconclusiveCount)" | Set-Content "$results/pester.counts"
    if ($failed -gt 0) { exit 1 }
}

$arguments = $Task -eq 'Package' ? @{ Arm64 = $Arm64 } : @{}
& $Task @arguments
