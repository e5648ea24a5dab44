@{
    RootModule           = 'bin/Cage.PowerShell.dll'
    # build.sh writes the version of Directory.Build.props here, and the project's address where there is one.
    ModuleVersion        = '0.1.0'
    GUID                 = 'edd97d76-65f3-48e5-8ea8-99540bf26f36'
    Author               = 'The Cage founders'
    CompanyName          = 'The Cage founders'
    Copyright            = 'The Cage founders. MIT licence.'
    Description          = 'Ultra-light virtual environments for Linux: directory trees with roots of their own, stacked with overlayfs, entered by chroot or in namespaces of their own.'
    PowerShellVersion    = '7.4'
    CompatiblePSEditions = @('Core')
    TypesToProcess       = @('Cage.types.ps1xml', 'Cage.services.types.ps1xml', 'Cage.roots.types.ps1xml')
    FormatsToProcess     = @('Cage.format.ps1xml', 'Cage.services.format.ps1xml', 'Cage.roots.format.ps1xml')
    FunctionsToExport    = @()
    AliasesToExport      = @()
    VariablesToExport    = @()
    CmdletsToExport      = @(
        'Add-CageCommand'
        'Add-CageFile'
        'Clear-Cage'
        'Copy-Cage'
        'Copy-CageAccount'
        'Enter-Cage'
        'Get-Cage'
        'Get-CageCommand'
        'Get-CageConfiguration'
        'Get-CageDependency'
        'Get-CageExposure'
        'Get-CageLog'
        'Get-CageMount'
        'Get-CagePack'
        'Get-CagePlan'
        'Get-CageProcess'
        'Get-CageService'
        'Get-CageShim'
        'Get-CageSnapshot'
        'Invoke-Cage'
        'Measure-Cage'
        'New-Cage'
        'New-CageSession'
        'New-CageShim'
        'New-CageSnapshot'
        'Publish-Cage'
        'Register-Cage'
        'Remove-Cage'
        'Remove-CageCommand'
        'Remove-CageShim'
        'Remove-CageSnapshot'
        'Rename-Cage'
        'Restart-Cage'
        'Resume-Cage'
        'Set-Cage'
        'Set-CageConfiguration'
        'Start-Cage'
        'Start-CageProcess'
        'Start-CageService'
        'Stop-Cage'
        'Stop-CageService'
        'Suspend-Cage'
        'Test-Cage'
        'Trace-CageCommand'
        'Unregister-Cage'
        'Update-Cage'
        'Wait-Cage'
    )
    PrivateData          = @{
        PSData = @{
            Tags         = @('Linux', 'PSEdition_Core', 'overlayfs', 'chroot', 'namespaces', 'container')
            LicenseUri   = 'https://opensource.org/license/mit'
            ReleaseNotes = 'CHANGELOG.md, which the module brings along.'
        }
    }
}
