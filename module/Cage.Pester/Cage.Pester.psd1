@{
    RootModule           = 'Cage.Pester.psm1'
    # build.sh writes the version of Directory.Build.props here, and the project's address where there is one.
    ModuleVersion        = '0.1.0'
    GUID                 = '6a6c2c53-6f0e-4b34-9d6c-0a4f0c6b8a11'
    Author               = 'The Cage founders'
    CompanyName          = 'The Cage founders'
    Copyright            = 'The Cage founders. MIT licence.'
    Description          = 'Operators of Pester for cages: Should -BeRunningCage, Should -HaveCageFile, Should -HaveCageProcess. Provision with tests.'
    PowerShellVersion    = '7.4'
    CompatiblePSEditions = @('Core')
    RequiredModules      = @('Pester', 'Cage')
    FunctionsToExport    = @()
    CmdletsToExport      = @()
    AliasesToExport      = @()
    VariablesToExport    = @()
    PrivateData          = @{
        PSData = @{
            Tags         = @('Linux', 'PSEdition_Core', 'Pester', 'test', 'container', 'provisioning')
            LicenseUri   = 'https://opensource.org/license/mit'
            ReleaseNotes = 'CHANGELOG.md, which the module brings along.'
        }
    }
}
