Describe 'Test-Cage' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    AfterEach { Get-Cage -Kind Writable | Remove-Cage -Force; Get-CageSnapshot | Remove-CageSnapshot -Force; Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'has nothing to say of a Jail as it is by default' {
        $null = New-Cage web
        Test-Cage web | Should -BeNullOrEmpty
    }
    It 'warns of <Setting>' -ForEach @(
        @{ Setting = 'device=host'; Arguments = @{ Device = 'Host' } }
        @{ Setting = 'device=host with isolation=chroot'; Arguments = @{ Device = 'Host'; Isolation = 'Chroot' } }
        @{ Setting = 'capability=+SYS_ADMIN with seccomp=off'; Arguments = @{ CapabilityAdd = 'SYS_ADMIN'; Seccomp = 'Off' } }
        @{ Setting = 'capability=+NET_ADMIN with network=host'; Arguments = @{ CapabilityAdd = 'NET_ADMIN' } }
        @{ Setting = 'seccomp=off with setuid=allow'; Arguments = @{ Seccomp = 'Off'; Setuid = 'Allow' } }
        @{ Setting = 'bind=/:/host'; Arguments = @{ Bind = '/:/host' } }
        @{ Setting = 'bind=/proc:/host:ro'; Arguments = @{ Bind = '/proc:/host:ro' } }
    ) {
        $cage = New-Cage web @Arguments
        $finding = @(Test-Cage web)
        $finding | Should -HaveCount 1
        $finding[0] | Should -BeOfType Cage.Engine.Roots.CageFinding
        $finding[0].Kind, $finding[0].Path, $finding[0].CageId | Should -Be 'Danger', $Setting, $cage.Id
        "$($finding[0])" | Should -BeLike "$([WildcardPattern]::Escape($Setting)): *; *."
    }
    It 'filters by kind, and takes cages from the pipeline' {
        $null = New-Cage web -CapabilityAdd MKNOD
        $null = New-Cage other
        (Get-Cage | Test-Cage -Kind Danger).Cage | Should -Be 'web'
        Test-Cage -Kind Setuid, Password | Where-Object Cage -EQ web | Should -BeNullOrEmpty
    }
    It 'says no more once the setting is gone' {
        $null = New-Cage web -Sockets Host
        (Test-Cage web).Path | Should -Be 'sockets=host with network=host'
        Set-Cage web -Sockets Own
        Test-Cage web | Should -BeNullOrEmpty
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Test-Cage | Should -BeNullOrEmpty }
    It 'tells with Test-Cage that the nil UUID has moved on below a cage' {
        $null = New-CageSnapshot $store.Root -AsHost
        $web = New-Cage web -Base 00000000-0000-0000-0000-000000000000
        Start-Cage web
        Stop-Cage web
        Test-Cage web -Kind BaseMoved | Should -BeNullOrEmpty
        $newer = New-CageSnapshot $store.Root -AsHost
        $finding = @(Test-Cage web -Kind BaseMoved)
        $finding | Should -HaveCount 1
        $finding[0].CageId, $finding[0].Path | Should -Be $web.Id, 'base=00000000-0000-0000-0000-000000000000'
        $finding[0].Message | Should -BeLike "*$($newer.Path)*"
    }
}
