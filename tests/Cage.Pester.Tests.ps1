BeforeDiscovery {
    Import-Module "$PSScriptRoot/CageTest.psm1" -Force
    $isRoot = Test-Root
    $hasNginx = [bool] (Get-Command nginx -ErrorAction Ignore)
}

Describe 'Cage.Pester' -Skip:(-not $isRoot) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
        $built = Split-Path (Split-Path (Split-Path (Get-CageModulePath)))
        $paths = $env:PSModulePath
        $env:PSModulePath = "$built$([IO.Path]::PathSeparator)$paths"
        Import-Module Cage.Pester
        $web = New-Cage web -Base base | Start-Cage -PassThru
        $idle = New-Cage idle -Base base
        function Get-Failure([scriptblock] $Test) { try { & $Test; 'it held' } catch { "$_" } }
    }
    AfterAll {
        $env:PSModulePath = $paths
        Remove-TestStore $store
    }

    It 'knows whether a cage runs, by object or name, now' {
        $web | Should -BeRunningCage
        'web' | Should -BeRunningCage
        $idle | Should -Not -BeRunningCage
        Get-Failure { 'idle' | Should -BeRunningCage -Because 'it serves' } | Should -Be "Expected the cage 'idle' to run, because it serves, but it is Stopped."
        Get-Failure { 'web' | Should -Not -BeRunningCage } | Should -Be "Expected not the cage 'web' to run, but it is Running."
        Stop-Cage idle
    }
    It 'finds files, as the inside sees them, and their content' {
        $web | Should -HaveCageFile /etc/base
        $web | Should -HaveCageFile /etc/base -WithContent '^small'
        $web | Should -HaveCageFile /etc
        'base' | Should -HaveCageFile /etc/base
        $web | Should -Not -HaveCageFile /etc/nothing
        $web | Should -Not -HaveCageFile /etc/base -WithContent 'large'
        Get-Failure { $web | Should -HaveCageFile /etc/nothing } | Should -BeLike "Expected the cage 'web' to have /etc/nothing, but it is not there."
        Get-Failure { $web | Should -HaveCageFile /etc/base -WithContent large } | Should -BeLike '*to match*small*'
        Get-Failure { $idle | Should -HaveCageFile /etc/base } | Should -BeLike '*does not run*'
    }
    It 'follows no link of the cage to the host' {
        ln -s /proc/version "$($web.Path)/root/etc/link"
        ln -s "$($store.Folder)/cage.conf" "$($web.Path)/root/etc/out"
        $web | Should -HaveCageFile /etc/link
        $web | Should -Not -HaveCageFile /etc/out
    }
    It 'finds processes by name' {
        Start-CageProcess web -ServiceName worker -- sleep 1000
        $web | Should -HaveCageProcess sl*
        $web | Should -Not -HaveCageProcess nginx
        Get-Failure { $web | Should -HaveCageProcess nginx } | Should -BeLike "*it has *sleep*"
    }
    It 'says it plainly where the name means no cage' {
        Get-Failure { 'nobody' | Should -BeRunningCage } | Should -BeLike '*nobody*'
    }
    It 'is a module with a valid manifest, and works in a session that has not loaded Cage' {
        (Test-ModuleManifest "$built/Cage.Pester/*/Cage.Pester.psd1").Name | Should -Be 'Cage.Pester'
    }
}

Describe 'The example' -Skip:(-not ($isRoot -and $hasNginx)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        # Not on the file system of /, which is the lowest layer here: what is published lies in it otherwise, and overlayfs takes no layer within another.
        $folder, $env:TMPDIR = $env:TMPDIR, '/dev/shm'
        try { $store = New-TestStore } finally { $env:TMPDIR = $folder }
        $built = Split-Path (Split-Path (Split-Path (Get-CageModulePath)))
        $null = New-Cage live -ReadOnly -Source /
        $null = New-Cage host -ReadOnly -Source /
        $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $listener.Start(); $port = $listener.LocalEndpoint.Port; $listener.Stop()
        function Invoke-Example([string] $Edit) {
            $script = "$($store.Folder)/web.Tests.ps1"
            (Get-Content -Raw "$PSScriptRoot/../docs/examples/web.Tests.ps1") -replace 'hello from a cage(?=''\s*\|\s*Invoke)', $Edit | Set-Content $script
            $line = "`$env:PSModulePath = '$built' + [IO.Path]::PathSeparator + `$env:PSModulePath; `$c = New-PesterContainer -Path '$script' -Data @{ Base = 'live'; Port = $port }; " +
                "`$r = Invoke-Pester -Container `$c -PassThru -Output None; `"`$(`$r.PassedCount) `$(`$r.FailedCount)`"; `$r.Failed.ErrorRecord; `$r.FailedBlocks.ErrorRecord"
            pwsh -NoProfile -Command $line 2>&1 | ForEach-Object { "$_" }
        }
    }
    AfterAll { Remove-TestStore $store }

    It 'publishes a layer when all is green' {
        Invoke-Example 'hello from a cage' | Should -Be '4 0'
        (Get-Cage nginx).Kind | Should -Be 'ReadOnly'
        Remove-Cage nginx -Force
    }
    It 'is run as the cookbook has it' {
        $recipe = Get-DocumentedExample 'Provisioning by tests'
        pwsh -NoProfile -WorkingDirectory "$PSScriptRoot/.." -Command "`$env:PSModulePath = '$built' + [IO.Path]::PathSeparator + `$env:PSModulePath; $($recipe.Code)" | Out-String | Should -Match 'Passed: 4'
        (Get-Cage shop).State | Should -Be 'Running'
        Remove-Cage shop -Force
        Remove-Cage nginx -Force
    }
    It 'publishes nothing otherwise, and leaves nothing' {
        (Invoke-Example 'something else')[0] | Should -Be '3 1'
        @(Get-Cage nginx*).Count | Should -Be 0
    }
}
