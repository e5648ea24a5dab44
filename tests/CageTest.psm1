<#
What the Pester tests share: the module under test, a store and a base of their own, and the proof that nothing is left behind.
#>
Set-StrictMode -Version Latest

$hierarchies = '/sys/fs/cgroup/unified', '/sys/fs/cgroup', '/sys/fs/cgroup/memory', '/sys/fs/cgroup/cpu', '/sys/fs/cgroup/pids', '/sys/fs/cgroup/blkio', '/sys/fs/cgroup/freezer'

# A small root, copied from this machine: a shell, a few programs and what they link to. No proc, sys, dev, tmp or run.
$makeRoot = @'
set -e
cd "$1"
chmod 755 .
mkdir -p usr/bin usr/lib usr/lib64 etc home/alice root var
ln -s usr/bin bin; ln -s usr/bin sbin; ln -s usr/lib lib; ln -s usr/lib64 lib64
chown 1000:1000 home/alice
for name in bash sh cat env head hostname id ls mkdir mount seq setsid sleep stat stty touch tr true tty; do
    program=$(readlink -f "$(type -P "$name")")
    [ -e "usr/bin/$name" ] || cp "$program" "usr/bin/$name"
    for library in $(ldd "$program" | grep -o '/[^ ]*'); do
        [ -e ".$library" ] || { mkdir -p ".${library%/*}"; cp -L "$library" ".$library"; }
    done
done
printf '%s\n' root:x:0:0:root:/root:/bin/bash alice:x:1000:1000:Alice:/home/alice:/bin/bash >etc/passwd
printf '%s\n' root:x:0: alice:x:1000: >etc/group
echo small >etc/base
'@

function Test-Root {
    (id -u) -eq '0'
}

<#
.SYNOPSIS
Imports the module under test: the one that CAGE_MODULE names, or the built one.
#>
function Import-CageModule {
    Import-Module (Get-CageModulePath) -Global -Force
}

function Get-CageModulePath {
    if ($env:CAGE_MODULE) { return $env:CAGE_MODULE }
    (Get-Item "$PSScriptRoot/../out/Cage/*/Cage.psd1" | Select-Object -Last 1).FullName
}

<#
.SYNOPSIS
Makes a store of its own, with a read-only cage "base" of a small root, and lets CAGE_CONF name it.
#>
function New-TestStore {
    Import-CageModule
    $folder = (mktemp -d --tmpdir cage-pester-XXXXXX)
    # overlayfs cannot write on overlayfs, which is what / is in a container.
    if ((stat -f -c %T $folder) -eq 'overlayfs') {
        Remove-Item $folder
        $folder = (mktemp -d -p /dev/shm cage-pester-XXXXXX)
    }
    "data=$folder/data", "run=$folder/run", "snapshots=$folder/snapshots" | Set-Content "$folder/cage.conf"
    $store = [pscustomobject]@{ Folder = $folder; Data = "$folder/data"; Root = "$folder/small"; Before = $env:CAGE_CONF; Ids = [Collections.Generic.HashSet[guid]]::new() }
    try {
        $env:CAGE_CONF = "$folder/cage.conf"
        $null = New-Item -ItemType Directory $store.Root
        bash -c $makeRoot bash $store.Root
        if ($LASTEXITCODE -ne 0) { throw 'The small root could not be made.' }
        $null = New-Cage base -ReadOnly -Source $store.Root -ErrorAction Stop
        $store
    }
    catch {
        $env:CAGE_CONF = $store.Before
        rm -rf --one-file-system $folder
        throw
    }
}

<#
.SYNOPSIS
Stops and removes all cages but the base, and throws when one left something behind.
#>
function Clear-TestStore {
    param([Parameter(Mandatory)] $Store)

    foreach ($folder in Get-ChildItem $Store.Data -Force -Directory) {
        if ($folder.Name -match '^([0-9a-f-]{36})\.[wr]$') { $null = $Store.Ids.Add($Matches[1]) }
    }
    Get-Cage -Kind Writable -ErrorAction SilentlyContinue | Remove-Cage -Force -WarningAction SilentlyContinue
    Get-Cage -Kind ReadOnly -ErrorAction SilentlyContinue | Where-Object Name -NE base | Sort-Object { $_.Base.Count } -Descending | Remove-Cage -Force
    $left = @(Get-Leftover $Store)
    if ($left) {
        Clear-Leftover $Store
        throw "Left behind: $($left -join '; ')"
    }
}

function Remove-TestStore {
    param([Parameter(Mandatory)] $Store)

    try {
        Clear-TestStore $Store
    }
    finally {
        $env:CAGE_CONF = $Store.Before
        rm -rf --one-file-system $Store.Folder
    }
}

# Mounts beneath the store, processes in it, control groups of its cages, notes of inits, half-made or half-removed cages.
function Get-Leftover {
    param([Parameter(Mandatory)] $Store)

    Get-MountBeneath $Store.Folder | ForEach-Object { "mount $_" }
    foreach ($process in [IO.Directory]::EnumerateDirectories('/proc')) {
        if ($process -notmatch '/\d+$') { continue }
        try { $root = [IO.DirectoryInfo]::new("$process/root").LinkTarget } catch { continue }
        if ($root -and "$root/".StartsWith("$($Store.Folder)/")) { "$process in $root" }
    }
    foreach ($id in $Store.Ids) {
        foreach ($hierarchy in $hierarchies) { if (Test-Path "$hierarchy/cage/$id") { "control group $hierarchy/cage/$id" } }
        if (Test-Path "$($Store.Folder)/run/$id") { "note of the init of $id" }
    }
    Get-ChildItem $Store.Data -Force -Filter '.*' | ForEach-Object { "folder $_" }
}

function Clear-Leftover {
    param([Parameter(Mandatory)] $Store)

    foreach ($id in $Store.Ids) {
        foreach ($hierarchy in $hierarchies) { if (Test-Path "$hierarchy/cage/$id/cgroup.kill") { '1' | Set-Content "$hierarchy/cage/$id/cgroup.kill" } }
    }
    foreach ($mount in @(Get-MountBeneath $Store.Folder)) { umount -l $mount }
}

# The last mounted first.
function Get-MountBeneath {
    param([Parameter(Mandatory)] [string] $Folder)

    $found = @(Get-Content /proc/self/mounts | ForEach-Object { $_.Split(' ')[1] } | Where-Object { "$_/".StartsWith("$Folder/") })
    [array]::Reverse($found)
    $found
}

<#
.SYNOPSIS
Waits, thirty seconds at most, until the condition holds, and says whether it does.
#>
function Wait-Until {
    param([Parameter(Mandatory)] [scriptblock] $Condition)

    $deadline = [datetime]::Now.AddSeconds(30)
    while ([datetime]::Now -lt $deadline) {
        if (& $Condition) { return $true }
        Start-Sleep -Milliseconds 10
    }
    $false
}

<#
.SYNOPSIS
Runs a script in a session of its own whose host shows nothing, as -WhatIf would.
.OUTPUTS
Its errors and, if wanted, its output.
#>
function Invoke-Quietly {
    param([Parameter(Mandatory)] [string] $Script, [switch] $WithOutput)

    $shell = [powershell]::Create()
    try {
        $output = $shell.AddScript("Import-Module '$(Get-CageModulePath)'; $Script").Invoke()
        if ($WithOutput) { $output }
        foreach ($problem in $shell.Streams.Error) { $problem }
    }
    finally {
        $shell.Dispose()
    }
}

<#
.SYNOPSIS
Runs a script in a pwsh of its own and returns all that it shows, as one text.
#>
function Get-ShownText {
    param([Parameter(Mandatory)] [string] $Script)

    pwsh -NoProfile -NonInteractive -Command "`$PSStyle.OutputRendering = 'PlainText'; Import-Module '$(Get-CageModulePath)'; $Script" 2>&1 | Out-String -Width 1000
}

<#
.SYNOPSIS
Runs a script in a pwsh session of its own in this process, and stops it as Ctrl+C does once it has written its first object.
.OUTPUTS
How many seconds the stop took.
#>
function Stop-RunningScript {
    param([Parameter(Mandatory)] [string] $Script, [scriptblock] $Until = { $output.Count -gt 0 })

    $shell = [powershell]::Create()
    try {
        $null = $shell.AddScript("Import-Module '$(Get-CageModulePath)'; $Script")
        $output = [System.Management.Automation.PSDataCollection[psobject]]::new()
        $running = $shell.BeginInvoke([System.Management.Automation.PSDataCollection[psobject]]::new(), $output)
        $null = Wait-Until $Until
        (Measure-Command { $shell.Stop() }).TotalSeconds
        $null = $running
    }
    finally {
        $shell.Dispose()
    }
}

<#
.SYNOPSIS
Opens a terminal (tmux) of its own with a pwsh in it that has the module, and returns what the other functions name it by.
#>
function Open-Terminal {
    param([int] $Width = 120, [int] $Height = 40)

    # A server of its own, so that no configuration and no session of whoever runs the tests is touched.
    $socket = "$([IO.Path]::GetTempPath())cage-tmux-$([guid]::NewGuid().ToString('N'))"
    tmux -S $socket -f /dev/null new-session -d -x $Width -y $Height "pwsh -NoProfile -NoLogo -NoExit -Command `"Set-PSReadLineOption -HistorySaveStyle SaveNothing; Import-Module '$(Get-CageModulePath)'`""
    if ($LASTEXITCODE -ne 0) { throw 'tmux could not be started.' }
    $null = Wait-Screen $socket '(?m)^PS .*>'
    # A key that comes before the line editor has the terminal is not a key to it.
    Start-Sleep -Milliseconds 300
    $socket
}

function Send-Line {
    param([Parameter(Mandatory)] [string] $Terminal, [Parameter(Mandatory)] [string] $Text)

    tmux -S $Terminal send-keys -l -- $Text
    tmux -S $Terminal send-keys Enter
}

function Send-Key {
    param([Parameter(Mandatory)] [string] $Terminal, [Parameter(Mandatory)] [string[]] $Key)

    tmux -S $Terminal send-keys @Key
}

function Get-Screen {
    param([Parameter(Mandatory)] [string] $Terminal)

    (tmux -S $Terminal capture-pane -p -J) -join "`n"
}

<#
.SYNOPSIS
Waits until the screen has what the pattern says, and says whether it came; shows the screen when it did not.
#>
function Wait-Screen {
    param([Parameter(Mandatory)] [string] $Terminal, [Parameter(Mandatory)] [string] $Pattern)

    $there = Wait-Until { (Get-Screen $Terminal) -match $Pattern }
    if (-not $there) { Write-Warning "Not on the screen: $Pattern`n$(Get-Screen $Terminal)" }
    $there
}

function Resize-Terminal {
    param([Parameter(Mandatory)] [string] $Terminal, [Parameter(Mandatory)] [int] $Width, [Parameter(Mandatory)] [int] $Height)

    tmux -S $Terminal resize-window -x $Width -y $Height
}

function Close-Terminal {
    param([Parameter(Mandatory)] [string] $Terminal)

    tmux -S $Terminal kill-server 2>$null
    Remove-Item $Terminal -ErrorAction Ignore
}

Export-ModuleMember -Function Test-Root, Import-CageModule, Get-CageModulePath, New-TestStore, Clear-TestStore, Remove-TestStore, Get-MountBeneath, Wait-Until, Invoke-Quietly, Get-ShownText, Stop-RunningScript,
    Open-Terminal, Send-Line, Send-Key, Get-Screen, Wait-Screen, Resize-Terminal, Close-Terminal
