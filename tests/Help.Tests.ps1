BeforeDiscovery {
    Import-Module "$PSScriptRoot/CageTest.psm1" -Force
    $isRoot = Test-Root
    Import-CageModule
    $commands = (Get-Command -Module Cage).Name
    # As docs/cmdlets/README.md says: an example is a block of powershell, with what it shows at once after it, and with a comment before it where it can be run.
    $pattern = '(?sm)^### (?<Title>[^\n]+)\n\n(<!-- run( if (?<Needs>[\w-]+))?(: (?<Setup>[^\n]*?))? -->\n)?```powershell\n(?<Code>.*?)\n```(\n```text\n(?<Output>.*?)\n```)?'
    $examples = foreach ($page in Get-ChildItem "$PSScriptRoot/../docs/cmdlets/*-*.md", "$PSScriptRoot/../docs/cookbook.md") {
        $text = Get-Content -Raw $page
        foreach ($match in [regex]::Matches($text.Substring([math]::Max(0, $text.IndexOf("`n## Examples"))), $pattern)) {
            @{
                Command  = $page.BaseName
                Title    = $match.Groups['Title'].Value
                Runs     = $match.Value -match '(?m)^<!-- run'
                Setup    = $match.Groups['Setup'].Value
                Needs    = $match.Groups['Needs'].Value
                Code     = $match.Groups['Code'].Value
                Expected = $match.Groups['Output'].Success ? $match.Groups['Output'].Value : $null
            }
        }
    }
}

Describe 'Get-Help' {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        Import-CageModule
    }

    It 'has synopsis, description, parameters and three examples for <_>' -ForEach $commands {
        $help = Get-Help $_ -Full
        $help.Synopsis | Should -BeLike '*.'
        $help.Description.Text | Should -Not -BeNullOrEmpty
        $common = [System.Management.Automation.Cmdlet]::CommonParameters
        foreach ($parameter in (Get-Command $_).Parameters.Keys | Where-Object { $_ -notin $common }) {
            @($help.Parameters.Parameter | Where-Object Name -EQ $parameter).Description.Text | Should -Not -BeNullOrEmpty -Because "of -$parameter"
        }
        @($help.Examples.Example).Count | Should -BeGreaterOrEqual 3
    }
    It 'opens a page on the web only where the project has one' {
        $address = (Get-Module Cage).ProjectUri
        (Get-Command Stop-Cage).HelpUri | Should -Be ($address ? "$address/docs/cmdlets/Stop-Cage.md" : '')
        if (-not $address) { { Get-Help Stop-Cage -Online } | Should -Throw '*Internet address (URI) of the Help topic is not specified*' }
    }
    It 'shows examples as they are written' {
        Get-Help Stop-Cage -Examples | Out-String | Should -Match '(?m)^ *(PS .*>)?Get-Cage -State Running \| Stop-Cage -Force -Confirm:\$false'
    }
    It 'finds about_Cage<_>' -ForEach '', '_Isolation', '_Layers', '_Security' {
        $text = Get-Help "about_Cage$_" | Out-String
        $text | Should -Match "about_Cage$_"
        $text | Should -Match 'LONG DESCRIPTION'
    }
}

Describe 'Examples' {
    It '<Command>: "<Title>" can be read' -ForEach $examples {
        $problems = $null
        $null = [System.Management.Automation.Language.Parser]::ParseInput($Code, [ref] $null, [ref] $problems)
        $problems | Should -BeNullOrEmpty
        if ($Command -ne 'cookbook') { $Code | Should -Match $Command }
    }
}

Describe 'Examples that are run' -Skip:(-not $isRoot) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        $root = $store.Root
        $conf = Get-Content $env:CAGE_CONF
        $paths = $env:PSModulePath
        # A job of an example loads the module by its name.
        $env:PSModulePath = "$(Split-Path (Split-Path (Split-Path (Get-CageModulePath))))$([IO.Path]::PathSeparator)$paths"

        # Without what is another each time: ids and their beginnings, numbers, the place of the store, the width of columns, the file system of the host.
        function ConvertTo-Plain([string] $Text) {
            $plain = $Text.Replace($store.Data, '/var/opt/cage').Replace("$($store.Folder)/run", '/run/cage')
            $plain = $plain -replace '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', 'ID' -replace '\b[0-9a-f]{8}\b', 'ID' -replace '\d+', 'N' -replace '(?m)^(/etc/resolv.conf).*', '$1' -replace '-{2,}', '-'
            (($plain -split '\n').ForEach({ $_.Trim() -replace '\s+', ' ' }) | Where-Object { $_ }) -join "`n"
        }
    }
    AfterEach {
        $env:CAGE_CONF = "$($store.Folder)/cage.conf"
        $conf | Set-Content $env:CAGE_CONF
        Get-Job | Remove-Job -Force
        Get-CageSnapshot | Remove-CageSnapshot -Force
        Clear-TestStore $store
    }
    AfterAll {
        $env:PSModulePath = $paths
        Remove-TestStore $store
    }

    It '<Command>: "<Title>"' -ForEach ($examples | Where-Object Runs) {
        if ($Needs -and -not (Get-Command $Needs -CommandType Application -ErrorAction Ignore)) {
            Set-ItResult -Skipped -Because "there is no $Needs here"
            return
        }
        $shown = Invoke-Quietly "`$ErrorActionPreference = 'Stop'; `$PSStyle.OutputRendering = 'PlainText'; `$root = '$root'; $Setup; & { `$ErrorActionPreference = 'Continue'`n$Code`n} | Out-String -Width 120" -WithOutput
        @($shown | Where-Object { $_ -is [System.Management.Automation.ErrorRecord] }) | Should -BeNullOrEmpty
        if ($null -ne $Expected) { ConvertTo-Plain ($shown -join "`n") | Should -BeExactly (ConvertTo-Plain $Expected) }
    }
}
