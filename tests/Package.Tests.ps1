BeforeDiscovery {
    Import-Module "$PSScriptRoot/CageTest.psm1" -Force
    $isRoot = Test-Root
    # Where there is none, what needs it is counted as skipped: it comes with pwsh's own packages, or by Install-Module Microsoft.PowerShell.PSResourceGet.
    $hasGallery = [bool] (Get-Module Microsoft.PowerShell.PSResourceGet -ListAvailable)
}

Describe 'The package' -Skip:(-not $isRoot) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        $module = Split-Path (Get-CageModulePath)
        $version = (Import-PowerShellDataFile (Get-CageModulePath)).ModuleVersion
        $packager = (Resolve-Path "$PSScriptRoot/../out/artifacts/bin/Cage.Packager/release/Cage.Packager.dll").Path
        $work = "$($store.Folder)/package"

        # In a pwsh with a home of its own, so that no repository and no module of whoever runs the tests is touched.
        function Use-Home([string] $Script) {
            $null = New-Item -ItemType Directory -Force "$work/home", "$work/feed"
            $module = $null -ne (Get-Module Microsoft.PowerShell.PSResourceGet -ListAvailable) ? "Import-Module '$((Get-Module Microsoft.PowerShell.PSResourceGet -ListAvailable)[0].Path)'; " : ''
            env -u XDG_DATA_HOME -u XDG_CONFIG_HOME -u XDG_CACHE_HOME "HOME=$work/home" pwsh -NoProfile -NonInteractive -Command "`$ErrorActionPreference = 'Stop'; `$PSStyle.OutputRendering = 'PlainText'; $module$Script"
            if ($LASTEXITCODE -ne 0) { throw "The script ended with $LASTEXITCODE." }
        }
        $try = '$null = New-Cage web -Base base | Start-Cage; Invoke-Cage web cat /etc/base; (Start-CageProcess web -ServiceName worker -PassThru -- sleep 1000).State; Stop-Cage web; (Get-Help Stop-Cage).Synopsis'
        $works = 'small', 'Running', 'Stops cages; one that is stopped is fine.'
    }
    AfterEach {
        if (Test-Path $work) { Remove-Item -Recurse -Force $work }
        Clear-TestStore $store
    }
    AfterAll { Remove-TestStore $store }

    It 'works where the tools of a repository have dropped the modes of its files' {
        $null = New-Item -ItemType Directory $work
        Copy-Item -Recurse $module "$work/Cage"
        chmod -R a-x,u+X "$work/Cage"
        (Get-Item "$work/Cage/bin/linux-*/cage")[0].UnixMode | Should -Be '-rw-r--r--'
        Use-Home "Import-Module '$work/Cage/Cage.psd1'; $try" | Should -Be $works
    }
    It 'says so where it has no part for this machine' {
        $null = New-Item -ItemType Directory $work
        Copy-Item -Recurse $module "$work/Cage"
        Remove-Item -Recurse "$work/Cage/bin/linux-*"
        Use-Home "Import-Module '$work/Cage/Cage.psd1'; try { Get-Cage } catch { `"`$(`$_.FullyQualifiedErrorId) `$(`$_.Exception.Message)`" }" |
            Should -BeLike 'CageHostUnsupported,* The module has no part for this machine: */cage is not there (ENOENT).*'
    }
    It 'is published, found, installed and imported by PowerShell''s own tools, from its <_>' -ForEach 'folder', 'nupkg' -Skip:(-not $hasGallery) {
        $source = "-Path '$module'"
        if ($_ -eq 'nupkg') {
            $null = New-Item -ItemType Directory -Force $work
            dotnet $packager pack $module "$work/Cage.$version.nupkg"
            $LASTEXITCODE | Should -Be 0
            $source = "-NupkgPath '$work/Cage.$version.nupkg'"
        }
        Use-Home "Register-PSResourceRepository local '$work/feed' -Trusted; Publish-PSResource $source -Repository local" | Should -BeNullOrEmpty
        Use-Home 'Find-PSResource Cage -Repository local | ForEach-Object { "$($_.Name) $($_.Version) $($_.Type)"; $_.Includes.Cmdlet -contains ''Start-Cage'' }' | Should -Be "Cage $version Module", 'True'
        Use-Home 'Install-PSResource Cage -Repository local; (Get-InstalledPSResource Cage).Name' | Should -Be 'Cage'
        Use-Home "Import-Module Cage; (Get-Module Cage).ModuleBase; $try" | Should -Be (@("$work/home/.local/share/powershell/Modules/Cage/$version") + $works)
    }
}
