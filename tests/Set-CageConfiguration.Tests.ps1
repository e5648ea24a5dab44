Describe 'Set-CageConfiguration' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        $conf = Get-Content $env:CAGE_CONF
    }
    AfterEach { $conf | Set-Content $env:CAGE_CONF; Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'changes what is given, keeps comments and unknown keys, and is silent without -PassThru' {
        '# mine', 'colour=blue' | Add-Content $env:CAGE_CONF
        Set-CageConfiguration -Tool /srv/tool | Should -BeNullOrEmpty
        Get-Content $env:CAGE_CONF | Should -Be ($conf + '# mine', 'colour=blue', 'tool=/srv/tool')
        (Set-CageConfiguration -Tool /opt/other -PassThru).Tool | Should -Be '/opt/other'
    }
    It 'takes another configuration from the pipeline, and relative paths as they are meant' {
        Push-Location $store.Folder
        try { ([pscustomobject]@{ Tool = 'here' } | Set-CageConfiguration -PassThru).Tool | Should -Be "$($store.Folder)/here" }
        finally { Pop-Location }
    }
    It 'does not lose sight of a running cage' {
        $null = New-Cage web -Base base | Start-Cage
        Set-CageConfiguration -Run /run/other -ErrorVariable problem -ErrorAction SilentlyContinue
        Set-CageConfiguration -Data /srv/other -ErrorVariable +problem -ErrorAction SilentlyContinue
        $problem.FullyQualifiedErrorId -replace ',.*' | Should -Be 'CageAlreadyRunning', 'CageAlreadyRunning'
        Set-CageConfiguration -Tool /srv/tool -ErrorAction Stop
        Get-Content $env:CAGE_CONF | Should -Be ($conf + 'tool=/srv/tool')
    }
    It 'refuses what could not be read again, and writes nothing' {
        Set-CageConfiguration -Tool "/a#b/../c`nd" -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem.Count | Should -Be 1
        Get-Content $env:CAGE_CONF | Should -Be $conf
    }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Set-CageConfiguration | Should -BeNullOrEmpty }
}
