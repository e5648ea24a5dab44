<#
For each cmdlet: what makes it do its work on a cage of its own, which is called $name.
Prepare makes that cage; without it, a stopped one over base.
Waits says what it can be made to wait for: the Lock of its cage, the lock of the Store or of the Snapshots, or for Itself, since its work lasts that long.
Quick says why it waits for nothing; Elsewhere, where it is tried because it cannot be here.
#>
$running = '$null = New-Cage $name -Base base | Start-Cage'
$full = '$null = New-Cage $name -Command true -NoPack'
$service = "$running; Start-CageProcess `$name -ServiceName worker -- sh -c 'trap """" TERM; sleep 1000'"
@{
    'Add-CageCommand'       = @{ Line = 'Add-CageCommand $name -Command true -NoPack'; Waits = 'Lock' }
    'Add-CageFile'          = @{ Line = 'Add-CageFile $name -Path /etc/hostname -NoPack'; Waits = 'Lock' }
    'Clear-Cage'            = @{ Line = 'Clear-Cage $name'; Waits = 'Lock'; Prepare = "$full; Add-CageCommand `$name cat -NoPack -Temporary" }
    'Copy-Cage'             = @{ Line = 'Copy-Cage $name -NewName "$name-copy"'; Waits = 'Lock' }
    'Copy-CageAccount'      = @{ Line = 'Copy-CageAccount $name -User root'; Waits = 'Lock' }
    'Enter-Cage'            = @{ Elsewhere = 'Enter-Cage.Tests.ps1: it wants a terminal' }
    'Get-Cage'              = @{ Line = 'Get-Cage $name'; Quick = 'a look at the kernel for each cage, written one by one' }
    'Get-CageCommand'       = @{ Line = 'Get-CageCommand $name'; Prepare = $full; Quick = 'one file' }
    'Get-CageConfiguration' = @{ Line = 'Get-CageConfiguration'; Quick = 'one file' }
    'Get-CageDependency'    = @{ Line = 'Get-CageDependency sh -NoPack' }
    'Get-CageExposure'      = @{ Line = 'Get-CageExposure $name'; Prepare = $running }
    'Get-CageLog'           = @{ Line = 'Get-CageLog $name -Log worker'; Prepare = "$running; Start-CageProcess `$name -ServiceName worker -- sh -c 'echo said; sleep 1000'; `$null = Wait-Until { Get-CageLog `$name worker }"; Quick = 'it writes line by line' }
    'Get-CageMount'         = @{ Line = 'Get-CageMount $name'; Prepare = $running; Quick = 'a table of the kernel''s' }
    'Get-CagePack'          = @{ Line = 'Get-CagePack'; Quick = 'a few files' }
    'Get-CagePlan'          = @{ Line = 'Get-CagePlan $name'; Quick = 'a look at the kernel' }
    'Get-CageProcess'       = @{ Line = 'Get-CageProcess $name'; Prepare = $running; Quick = 'a table of the kernel''s' }
    'Get-CageService'       = @{ Line = 'Get-CageService $name'; Prepare = "$running; Start-CageProcess `$name -ServiceName worker -- sleep 1000"; Quick = 'a look at the kernel for each' }
    'Get-CageShim'          = @{ Line = 'Get-CageShim $name'; Prepare = "$full; `$null = New-CageShim `$name true -Folder `$folder"; Quick = 'one file' }
    'Get-CageSnapshot'      = @{ Line = 'Get-CageSnapshot'; Prepare = '$null = New-CageSnapshot $source -Provider Copy -Note $name'; Quick = 'a list of a folder' }
    'Invoke-Cage'           = @{ Line = 'Invoke-Cage $name -- sh -c "echo begun; sleep 1000"'; Ends = 'Invoke-Cage $name -- cat /etc/base'; Prepare = $running; Quick = 'it shows what the command shows' }
    'Measure-Cage'          = @{ Line = 'Measure-Cage $name'; Prepare = $running }
    'New-Cage'              = @{ Line = 'New-Cage "$name-new" -ReadOnly -Source $source -SourceMode Copy'; Waits = 'Store' }
    'New-CageSession'       = @{ Line = 'New-CageSession $name'; Prepare = $running; Elsewhere = 'New-CageSession.Tests.ps1: it wants a pwsh inside' }
    'New-CageShim'          = @{ Line = 'New-CageShim $name -Command true -Folder $folder -Force'; Prepare = $full; Waits = 'Lock' }
    'New-CageSnapshot'      = @{ Line = 'New-CageSnapshot $source -Provider Copy -Note $name'; Waits = 'Snapshots' }
    'Publish-Cage'          = @{ Line = 'Publish-Cage $name'; Waits = 'Lock' }
    'Register-Cage'         = @{ Line = 'Register-Cage $name'; Elsewhere = 'Register-Cage.Tests.ps1: it wants systemd' }
    'Remove-Cage'           = @{ Line = 'Remove-Cage $name -Force'; Prepare = $running; Waits = 'Lock' }
    'Remove-CageCommand'    = @{ Line = 'Remove-CageCommand $name -Command * -Confirm:$false'; Prepare = $full; Waits = 'Lock' }
    'Remove-CageShim'       = @{ Line = 'Remove-CageShim $name'; Prepare = "$full; `$null = New-CageShim `$name true -Folder `$folder -Force"; Waits = 'Lock' }
    'Remove-CageSnapshot'   = @{ Line = 'Get-CageSnapshot | Where-Object Note -EQ $name | Remove-CageSnapshot -Force'; Prepare = '$null = New-Cage $name -Base (New-CageSnapshot $source -Provider Copy -Note $name)'; Waits = 'Lock' }
    'Rename-Cage'           = @{ Line = 'Rename-Cage $name -NewName "$name-renamed"'; Waits = 'Lock' }
    'Restart-Cage'          = @{ Line = 'Restart-Cage $name'; Prepare = $running; Waits = 'Lock' }
    'Resume-Cage'           = @{ Line = 'Resume-Cage $name'; Prepare = "$running; Suspend-Cage `$name"; Waits = 'Lock' }
    'Set-Cage'              = @{ Line = 'Set-Cage $name -Memo changed'; Waits = 'Lock' }
    'Set-CageConfiguration' = @{ Line = 'Set-CageConfiguration -Tool /opt/other'; Quick = 'one file' }
    'Start-Cage'            = @{ Line = 'Start-Cage $name'; Waits = 'Lock' }
    'Start-CageProcess'     = @{ Line = 'Start-CageProcess $name -ServiceName other -ArgumentList sleep, 1000'; Prepare = $running; Waits = 'Lock' }
    'Start-CageService'     = @{ Line = 'Start-CageService $name -Unit shop'; Prepare = "$running; '[Service]', 'ExecStart=/bin/sleep 1000' | Invoke-Cage `$name -- sh -c 'mkdir -p /etc/systemd/system; cat >/etc/systemd/system/shop.service'"; Waits = 'Lock' }
    'Stop-Cage'             = @{ Line = 'Stop-Cage $name'; Prepare = $running; Waits = 'Lock' }
    'Stop-CageService'      = @{ Line = 'Stop-CageService $name -ServiceName worker -TimeoutSeconds 30'; Ends = 'Stop-CageService $name -ServiceName worker -TimeoutSeconds 0.1'; Prepare = $service; Waits = 'Itself' }
    'Suspend-Cage'          = @{ Line = 'Suspend-Cage $name'; Prepare = $running; Waits = 'Lock' }
    'Test-Cage'             = @{ Line = 'Test-Cage $name'; Prepare = '$null = New-Cage $name -Base base -Isolation Jail -CapabilityAdd ALL' }
    'Trace-CageCommand'     = @{ Line = 'Trace-CageCommand $name -Command sleep, 1000'; Ends = 'Trace-CageCommand $name -Command cat, /nowhere'; Prepare = $running; Waits = 'Itself' }
    'Unregister-Cage'       = @{ Line = 'Unregister-Cage $name'; Elsewhere = 'Unregister-Cage.Tests.ps1: it wants systemd' }
    'Update-Cage'           = @{ Line = 'Update-Cage $name'; Prepare = "'one' | Set-Content `$folder/`$name; `$null = New-Cage `$name -File `$folder/`$name -NoPack; 'another' | Set-Content `$folder/`$name"; Waits = 'Lock' }
    'Wait-Cage'             = @{ Line = 'Wait-Cage $name -TimeoutSeconds 30'; Ends = 'Wait-Cage $name -State Running'; Prepare = $running; Waits = 'Itself' }
}
