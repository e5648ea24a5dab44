<#
Provisioning by tests: builds a cage with nginx, asserts on it, and makes it a layer for others only when all is green.
    Invoke-Pester docs/examples/web.Tests.ps1                 # builds, tests and publishes "nginx"
    New-Cage shop -Base nginx | Start-Cage                    # many shops may stand on it
Needs root, Pester, Cage.Pester, and nginx on the host, which is the base here.
-Base names another base: a read-only cage that has nginx. -Name names the layer.
#>
param(
    [string] $Base = 'host',
    [string] $Name = 'nginx',
    [int] $Port = 8404
)

BeforeAll {
    Import-Module Cage.Pester
    $ErrorActionPreference = 'Stop'

    $cage = New-Cage $Name -Base $Base -Memo 'nginx, tested' | Start-Cage -PassThru
    @"
server {
    listen 127.0.0.1:$Port;
    root /var/www/html;
}
"@ | Invoke-Cage -Name $Name -- sh -c 'cat >/etc/nginx/sites-available/default'
    'hello from a cage' | Invoke-Cage -Name $Name -- sh -c 'cat >/var/www/html/index.html'
    Start-CageService $Name nginx
}

Describe 'nginx in a cage' {
    It 'runs' {
        $cage | Should -BeRunningCage
        $cage | Should -HaveCageProcess nginx
    }
    It 'has its configuration and its page' {
        $cage | Should -HaveCageFile /etc/nginx/sites-available/default -WithContent "127\.0\.0\.1:$Port"
        $cage | Should -HaveCageFile /var/www/html/index.html
    }
    It 'serves the page' {
        (Invoke-WebRequest "http://127.0.0.1:$Port/").Content.Trim() | Should -Be 'hello from a cage'
    }
    It 'has left the host as it is' {
        '/etc/nginx/sites-available/default' | Should -Not -FileContentMatch "127\.0\.0\.1:$Port"
    }
}

AfterAll {
    # Published only when nothing has failed so far; removed otherwise, so that a next try begins anew.
    Stop-Cage -Id $cage.Id
    $failed = $____Pester.CurrentBlock.Root.Blocks.Tests | Where-Object { -not $_.Passed }
    if ($failed) { Remove-Cage -Id $cage.Id -Force }
    else { Publish-Cage -Id $cage.Id }
}
