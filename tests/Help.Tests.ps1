BeforeDiscovery {
    Import-Module "$PSScriptRoot/CageTest.psm1" -Force
    $isRoot = Test-Root
    Import-CageModule
    $commands = (Get-Command -Module Cage).Name
    $examples = Get-DocumentedExample
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
    It 'leads from <_> to its page: on the web where the project has one there, in the module in any case' -ForEach $commands {
        $module = Get-Module Cage
        "$($module.ModuleBase)/docs/cmdlets/$_.md" | Should -FileContentMatch "^# $_$"
        $address = $module.ProjectUri ? "$($module.ProjectUri)/" : 'module:'
        (Get-Help $_).relatedLinks.navigationLink[0].uri | Should -Be "${address}docs/cmdlets/$_.md"
        if (-not $module.ProjectUri) { { Get-Help $_ -Online } | Should -Throw "*module:docs/cmdlets/$_.md*" }
    }
    It 'has guides in the module whose links lead somewhere' {
        $docs = "$((Get-Module Cage).ModuleBase)/docs"
        foreach ($page in Get-ChildItem $docs -Recurse -Filter *.md) {
            foreach ($link in [regex]::Matches((Get-Content -Raw $page), '\]\((?!https?:|#)([^)#\s]+)')) { Join-Path $page.DirectoryName $link.Groups[1].Value | Should -Exist }
        }
        Show-Markdown "$docs/cmdlets/Stop-Cage.md" | Out-String | Should -Match 'Get-Cage -State Running \| Stop-Cage -Force'
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
    It '<Command>: "<Title>" is run' -ForEach $examples {
        $Runs | Should -BeTrue -Because 'each has a comment that says how: docs/cmdlets/README.md'
        if ($Way -match '^by (.+)') { Get-Content -Raw "$PSScriptRoot/$($Matches[1])" | Should -Match "Get-DocumentedExample '$Title'" }
    }
}

Describe 'Examples that are run' -Skip:(-not $isRoot) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        $root = $store.Root
        "tool=$($store.Folder)/tool" | Add-Content $env:CAGE_CONF
        $conf = Get-Content $env:CAGE_CONF
        $paths, $place = $env:PSModulePath, $PWD
        # A job of an example loads the module by its name.
        $env:PSModulePath = "$(Split-Path (Split-Path (Split-Path (Get-CageModulePath))))$([IO.Path]::PathSeparator)$paths"

        # Without what is another each time: ids and their beginnings, numbers, the place of the store, the width of columns, the file system of the host.
        function ConvertTo-Plain([string] $Text) {
            $plain = $Text.Replace($store.Data, '/var/opt/cage').Replace("$($store.Folder)/run", '/run/cage').Replace("$($store.Folder)/tool", '/opt/cage')
            $plain = $plain -replace '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', 'ID' -replace '\b[0-9a-f]{8}\b', 'ID' -replace '\d+', 'N' -replace '(?m)^(/etc/resolv.conf).*', '$1' -replace '-{2,}', '-'
            (($plain -split '\n').ForEach({ $_.Trim() -replace '\s+', ' ' }) | Where-Object { $_ }) -join "`n"
        }

        # Types it into a pwsh, sees that it leads into a cage, and leaves again.
        function Test-AtTerminal([string] $Code) {
            $terminal = Open-Terminal
            try {
                foreach ($line in $Code -split "`n") { Send-PromptLine $terminal $line }
                Wait-Screen $terminal '(\S[#$]|\[web\]: PS .*>)\s*\z' | Should -BeTrue
                Send-Line $terminal 'hostname'
                Wait-Screen $terminal '(?m)^web$' | Should -BeTrue
                Send-Line $terminal 'exit'
                Wait-Screen $terminal '(?m)^PS [^\n]*>\s*\z' | Should -BeTrue
            }
            finally { Close-Terminal $terminal }
        }
    }
    AfterEach {
        Set-Location $place
        Get-PSSession | Remove-PSSession
        Remove-Item -Recurse -Force -ErrorAction Ignore "$($store.Folder)/tool", "$($store.Folder)/site", "$($store.Folder)/host"
        $env:CAGE_CONF = "$($store.Folder)/cage.conf"
        $conf | Set-Content $env:CAGE_CONF
        Get-Job | Remove-Job -Force
        Get-Cage -Kind Writable | Remove-Cage -Force -WarningAction SilentlyContinue
        Get-CageSnapshot | Remove-CageSnapshot -Force
        Clear-TestStore $store
    }
    AfterAll {
        $env:PSModulePath = $paths
        Remove-TestStore $store
    }

    It '<Command>: "<Title>"' -ForEach ($examples | Where-Object Way -NotLike 'by *') {
        $lacking = $Needs | Where-Object { -not (Get-Command $_ -CommandType Application -ErrorAction Ignore) }
        if ($lacking) {
            Set-ItResult -Skipped -Because "there is no $($lacking -join ', ') here"
            return
        }
        $begin = "`$ErrorActionPreference = 'Stop'; `$PSStyle.OutputRendering = 'PlainText'; `$root = '$root'; $Setup"
        $script = "$begin; & { `$ErrorActionPreference = 'Continue'`n$Code`n} | Out-String -Width 120"
        $shown = switch ($Way) {
            'on a terminal' {
                if (-not (Get-Command tmux -CommandType Application -ErrorAction Ignore)) {
                    Set-ItResult -Skipped -Because 'there is no tmux here'
                    return
                }
                Invoke-Quietly $begin -WithOutput
                Test-AtTerminal $Code
            }
            'until stopped' { Stop-RunningScript "$begin`n$Code" | Should -BeLessThan 10 }
            'on a small host' { Invoke-OnSmallHost $store $script }
            default { Invoke-Quietly $script -WithOutput }
        }
        @($shown | Where-Object { $_ -is [System.Management.Automation.ErrorRecord] }) | Should -BeNullOrEmpty
        if ($null -ne $Expected) { ConvertTo-Plain ($shown -join "`n") | Should -BeExactly (ConvertTo-Plain $Expected) }
    }
}
