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
programs=$(type -P bash sh cat env head hostname id ls mkdir mount seq setsid sleep stat stty touch tr true tty)
cp -L -t usr/bin $programs
# The loader itself tells what it would load; ldd(1) is a script that asks it twice.
libraries=$(for program in $programs; do LD_TRACE_LOADED_OBJECTS=1 "$program" | grep -o '/[^ ]*'; done | sort -u)
cp -L --parents -t . $libraries
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
    foreach ($folder in @($hierarchies | ForEach-Object { "$_/cage" }) + "$($Store.Folder)/run") {
        if (-not [IO.Directory]::Exists($folder)) { continue }
        foreach ($entry in [IO.Directory]::EnumerateFileSystemEntries($folder)) {
            $id = [guid]::Empty
            if ([guid]::TryParse([IO.Path]::GetFileName($entry), [ref] $id) -and $Store.Ids.Contains($id)) { "control group or note $entry" }
        }
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

# A root of its own for the shell that it is given to: a folder with this machine's programs, devices and kernel in it, and a folder of the tests by its own name.
$smallHost = @'
set -e
mkdir -p "$1"
mount --bind "$1" "$1"
cd "$1"
mkdir -p usr opt dev proc sys tmp run etc root srv var/cache home
for link in bin sbin lib lib64; do ln -sf "usr/$link" "$link"; done
cp /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.cache etc/
for folder in usr opt dev proc sys; do mount --rbind "/$folder" "$folder"; done
mount -t tmpfs tmpfs tmp; mount -t tmpfs tmpfs run
for folder in "$2" "$3"; do mkdir -p ".$folder"; mount --bind "$folder" ".$folder"; done
# systemctl as where an image is made: it enables and disables by the files alone, for nothing runs that could be told.
if [ -x usr/bin/systemctl ]; then
    cp usr/bin/systemctl run/systemctl
    printf '#!/bin/sh\nSYSTEMD_OFFLINE=1 exec /run/systemctl "$@"\n' >run/offline
    chmod +x run/offline
    mount --bind run/offline usr/bin/systemctl
fi
pivot_root . .
umount -l .
cd /
exec pwsh -NoProfile -NonInteractive -Command "$4"
'@

<#
.SYNOPSIS
Runs a script in a pwsh on a host of its own: its / is an almost empty folder.
.OUTPUTS
What it showed; an error of it is thrown.
#>
function Invoke-OnSmallHost {
    param([Parameter(Mandatory)] $Store, [Parameter(Mandatory)] [string] $Script)

    $modules = Split-Path (Split-Path (Split-Path (Get-CageModulePath)))
    $line = "`$PSStyle.OutputRendering = 'PlainText'; Import-Module '$(Get-CageModulePath)'; $Script; if (`$Error) { `$Error | Out-String; exit 1 }"
    $shown = unshare -m --propagation private sh -c $smallHost sh "$($Store.Folder)/host" $Store.Folder $modules $line 2>&1
    if ($LASTEXITCODE -ne 0) { throw ($shown | Out-String) }
    $shown
}

<#
.SYNOPSIS
The examples of the pages of cmdlets and the recipes of the cookbook, with how the tests are to run each: docs/cmdlets/README.md says how they are written.
#>
function Get-DocumentedExample {
    param([string] $Title = '*')

    $pattern = '(?sm)^### (?<Title>[^\n]+)\n\n(<!-- (?<Mark>run(?: if (?<Needs>[\w, -]+?))?(?: (?<Way>on a terminal|until stopped|on a small host|by [\w.-]+))?)(: (?<Setup>[^\n]*?))? -->\n)?```powershell\n(?<Code>.*?)\n```(\n```text\n(?<Output>.*?)\n```)?'
    foreach ($page in Get-ChildItem "$PSScriptRoot/../docs/cmdlets/*-*.md", "$PSScriptRoot/../docs/cookbook.md") {
        $text = Get-Content -Raw $page
        foreach ($match in [regex]::Matches($text.Substring([math]::Max(0, $text.IndexOf("`n## Examples"))), $pattern)) {
            if ($match.Groups['Title'].Value -notlike $Title) { continue }
            @{
                Command  = $page.BaseName
                Title    = $match.Groups['Title'].Value
                Runs     = $match.Groups['Mark'].Success
                Setup    = $match.Groups['Setup'].Value
                Needs    = @($match.Groups['Needs'].Value -split ', ' -ne '')
                Way      = $match.Groups['Way'].Value
                Code     = $match.Groups['Code'].Value
                Expected = $match.Groups['Output'].Success ? $match.Groups['Output'].Value : $null
            }
        }
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
The cases of CmdletCases.ps1: what makes each cmdlet work, wait, or end.
#>
function Get-CmdletCase {
    $cases = & "$PSScriptRoot/CmdletCases.ps1"
    # Each has every key: the tests run in strict mode when build.ps1 runs them.
    foreach ($case in $cases.Values) { foreach ($key in 'Line', 'Ends', 'Prepare', 'Waits', 'Quick', 'Elsewhere') { $case[$key] = $case[$key] } }
    $cases
}

<#
.SYNOPSIS
A line of a case as a script that anybody can run: $name, $source and $folder have their values.
#>
function Get-CaseScript {
    param([Parameter(Mandatory)] $Store, [Parameter(Mandatory)] [string] $Name, [Parameter(Mandatory)] [AllowEmptyString()] [string] $Line)

    "`$name = '$Name'; `$source = '$($Store.Root)'; `$folder = '$($Store.Folder)/host'; $Line"
}

<#
.SYNOPSIS
Makes what a case works on: the cage $name, and folders of the host's for what leads into it.
#>
function Initialize-Case {
    param([Parameter(Mandatory)] $Store, [Parameter(Mandatory)] [string] $Name, [Parameter(Mandatory)] [hashtable] $Case)

    if (Get-Cage -LiteralName $Name -ErrorAction Ignore) { return }
    $null = New-Item -ItemType Directory -Force "$($Store.Folder)/host"
    $prepare = $Case.Prepare ?? '$null = New-Cage $name -Base base'
    . ([scriptblock]::Create((Get-CaseScript $Store $Name $prepare)))
}

<#
.SYNOPSIS
Has a cmdlet find the cage of its case in every way there is, with -WhatIf where it has that, and finds what is not there in none.
.OUTPUTS
What was not as it should be.
#>
function Test-CageForm {
    param([Parameter(Mandatory)] $Store, [Parameter(Mandatory)] [string] $Name)

    $case = (Get-CmdletCase)[$Name]
    Initialize-Case $Store $Name $case
    $line = $case.Ends ?? $case.Line
    $rest = $line.Substring("$Name `$name".Length) + ((Get-Command $Name).Parameters.ContainsKey('WhatIf') ? ' -WhatIf' : '')
    $id = (Get-Cage -LiteralName $Name).Id
    $none = [guid]::NewGuid()
    $forms = @(
        "$Name '$Name'", "$Name -Name '$Name'", "$Name '$($Name.Substring(0, $Name.Length - 2))??'", "$Name $id", "$Name -LiteralName '$Name'", "$Name -Id $id", "$Name -InputObject (Get-Cage -Id $id)", "$Name (Get-Cage -Id $id)"
        "Get-Cage -Id $id | $Name", "'$Name' | $Name", "[pscustomobject]@{ Name = '$Name' } | $Name", "[pscustomobject]@{ CageId = [guid] '$id' } | $Name"
        # As they come back from where they were exported: a cage itself, or a process or service of it, with a number or a name of its own.
        "Get-Cage -Id $id | ConvertTo-Csv | ConvertFrom-Csv | $Name", "Get-Cage -Id $id | Select-Object Name, Id | ConvertTo-Json | ConvertFrom-Json | $Name", "$Name -InputObject ([pscustomobject]@{ CageId = '$id' })"
        "[pscustomobject]@{ CageId = '$id' } | $Name", "[pscustomobject]@{ Cage = '$Name'; CageId = '$id'; Id = '1'; Name = 'base' } | $Name"
    )
    $lost = "$Name nobody", "$Name -LiteralName '*'", "$Name -Id $none", "'nobody' | $Name", "[pscustomobject]@{ Id = '$none' } | $Name", "[pscustomobject]@{ CageId = '$none'; Name = '$Name' } | $Name"
    $shell = [powershell]::Create()
    try {
        $null = $shell.AddScript("Import-Module '$(Get-CageModulePath)'").Invoke()
        # One bad item among many, between two good ones.
        $mixed = "'$Name', 'nobody', '$Name' | $Name"
        foreach ($form in @($forms) + $lost + $mixed + "$Name 'nobod*'") {
            $shell.Commands.Clear()
            $shell.Streams.ClearStreams()
            $written = $shell.AddScript((Get-CaseScript $Store $Name "$form$rest")).Invoke()
            $problems = @($shell.Streams.Error)
            if ($form -in $lost -or $form -eq $mixed) {
                $problem = "$($problems[0].FullyQualifiedErrorId) $($problems[0].CategoryInfo.Category) $($problems.Count)"
                if ($problem -notlike 'CageNotFound,Cage.PowerShell.Commands.* ObjectNotFound 1') { "${form}: $problem" }
                elseif ($null -eq $problems[0].TargetObject -or "$($problems[0])" -like '*@{*' -or $problems[0].ErrorDetails.RecommendedAction -notmatch '\.$') { "${form}: no target, or no advice: $($problems[0])" }
            }
            elseif ($problems) { "${form}: $($problems[0])" }
            if (($form -in $forms -or $form -eq $mixed) -and $rest -notmatch '-WhatIf' -and (Get-Command $Name).OutputType.Name -ne 'System.Void' -and $Name -notmatch '^Wait' -and -not $written) { "${form}: nothing" }
        }
    }
    finally {
        $shell.Dispose()
    }
}

<#
.SYNOPSIS
Tries a cmdlet with -WhatIf, and looks whether anything is another then.
.OUTPUTS
What was not as it should be.
#>
function Test-WhatIf {
    param([Parameter(Mandatory)] $Store, [Parameter(Mandatory)] [string] $Name)

    $case = (Get-CmdletCase)[$Name]
    Initialize-Case $Store $Name $case
    $before = Get-Everything $Store
    Invoke-Quietly (Get-CaseScript $Store $Name "$($case.Line) -WhatIf")
    Compare-Object $before (Get-Everything $Store) | ForEach-Object { "$($_.SideIndicator) $($_.InputObject)" }
}

<#
.SYNOPSIS
All that a cmdlet could change: files with their owners, modes and times, that of any change among them; mounts, those in the cages too; processes; control groups; links and units of the host.
#>
function Get-Everything {
    param([Parameter(Mandatory)] $Store)

    find $Store.Folder -xdev -printf '%p %l %y %m %U %G %s %T@ %C@\n' | Sort-Object
    Get-MountBeneath $Store.Folder
    foreach ($cage in Get-Cage) {
        if ($cage.ProcessId) { Get-Content "/proc/$($cage.ProcessId)/mountinfo" }
        Get-CageProcess $cage.Id | ForEach-Object { "$($_.Id) $($_.CommandLine)" }
        Get-CageService $cage.Id | ForEach-Object { "$($_.Name) $($_.SupervisorId) $($_.ProcessId)" }
        Get-Item "/sys/fs/cgroup/cage/$($cage.Id)", "/sys/fs/cgroup/*/cage/$($cage.Id)" -ErrorAction Ignore | ForEach-Object FullName
    }
    Get-ChildItem /etc/systemd/system -Filter 'cage-*' -ErrorAction Ignore | ForEach-Object FullName
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

<#
.SYNOPSIS
Types a line at the next prompt of pwsh, once that takes keys: those that come before its line editor has the terminal are lost.
#>
function Send-PromptLine {
    param([Parameter(Mandatory)] [string] $Terminal, [Parameter(Mandatory)] [string] $Text)

    $null = Wait-Screen $Terminal 'PS [^>\n]*>\s*\z'
    $null = Wait-Until {
        tmux -S $Terminal send-keys C-u
        tmux -S $Terminal send-keys -l -- $Text
        Start-Sleep -Milliseconds 100
        (Get-Screen $Terminal).Contains("> $Text")
    }
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

Export-ModuleMember -Function Test-Root, Import-CageModule, Get-CageModulePath, Get-CmdletCase, Get-CaseScript, Initialize-Case, Test-CageForm, Test-WhatIf, Get-Everything, New-TestStore, Clear-TestStore, Remove-TestStore, Get-MountBeneath, Wait-Until, Invoke-Quietly, Invoke-OnSmallHost, Get-DocumentedExample, Get-ShownText, Stop-RunningScript,
    Open-Terminal, Send-Line, Send-PromptLine, Send-Key, Get-Screen, Wait-Screen, Resize-Terminal, Close-Terminal
