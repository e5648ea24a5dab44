Describe 'Set-Cage' -Skip:((id -u) -ne 0) {
    BeforeAll {
        Import-Module "$PSScriptRoot/CageTest.psm1" -Force
        $store = New-TestStore
    }
    BeforeEach { $web = New-Cage web -Base base -Memo before -Environment @{ A = 1 } }
    AfterEach { Clear-TestStore $store }
    AfterAll { Remove-TestStore $store }

    It 'is silent, and writes the changed cage with -PassThru' {
        Set-Cage web -Memo after | Should -BeNullOrEmpty
        (Set-Cage web -Memo "after`nall" -PassThru).Memo | Should -Be "after`nall"
        (Get-Cage web).Memo | Should -Be "after`nall"
    }
    It 'changes what is given and nothing else' {
        $other = New-Cage other -ReadOnly
        $changed = Set-Cage web -NewName site -Base $other, base -Isolation Pivot -Device Host -Environment @{ B = 2 } -StartScript up.sh -StopScript down.sh -PassThru
        $changed.Id | Should -Be $web.Id
        $changed.Name, $changed.Isolation, $changed.Memo | Should -Be 'site', 'Pivot', 'before'
        $changed.Base | Should -Be $other.Id, (Get-Cage base).Id
        $changed.Device, $changed.StartScript, $changed.StopScript | Should -Be 'Host', 'up.sh', 'down.sh'
        $changed.Environment | Should -Be 'B=2'
    }
    It 'takes away what is given as empty' {
        Set-Cage web -StartScript up.sh
        $changed = Set-Cage web -Memo '' -Base @() -Environment @{} -StartScript '' -PassThru
        $changed.Memo, $changed.StartScript | Should -Be '', ''
        $changed.Base | Should -BeNullOrEmpty
        $changed.Environment | Should -BeNullOrEmpty
    }
    It 'changes limits while it runs, one by one, and takes them away with $null' {
        $null = Start-Cage web
        Set-Cage web -MemoryLimit 64MB -ProcessLimit 10
        Set-Cage web -MemoryLimit '32M'
        "$((Get-Cage web).Limits)" | Should -Be 'memory 32M, processes 10'
        Invoke-Cage web -- bash -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1 & done; wait' 2>&1 | Out-String | Should -BeLike '*fork: retry*'
        "$((Set-Cage web -ProcessLimit $null -PassThru).Limits)" | Should -Be 'memory 32M'
        Invoke-Cage web -- bash -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 0 & n=$i; done; wait; echo $n' | Should -Be 12
    }
    It 'changes binds and tmpfs while it is stopped' {
        Set-Cage web -Bind "$($store.Root):/small:ro" -Tmpfs /scratch
        "$((Get-Cage web).Binds)", "$((Get-Cage web).Tmpfs)" | Should -Be "$($store.Root):/small:ro", '/scratch'
        Start-Cage web
        Set-Cage web -Bind @() -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageAlreadyRunning,*'
        Stop-Cage web
        (Set-Cage web -Bind @() -PassThru).Binds | Should -BeNullOrEmpty
        "$((Get-Cage web).Tmpfs)" | Should -Be '/scratch'
    }
    It 'gives it a user namespace and takes that away' {
        $mapped = Set-Cage web -UserNamespace auto -PassThru
        "$((Set-Cage web -UserNamespace Auto -Memo after -PassThru).UserNamespace)" | Should -Be "$($mapped.UserNamespace)"
        "$((Set-Cage web -Memo later -PassThru).UserNamespace)" | Should -Be "$($mapped.UserNamespace)"
        $null = Start-Cage web
        Set-Cage web -UserNamespace none -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageAlreadyRunning,*'
        Stop-Cage web
        (Set-Cage web -UserNamespace none -PassThru).UserNamespace | Should -BeNullOrEmpty
    }
    It 'changes privileges and devices, and puts them back' {
        $changed = Set-Cage web -CapabilityAdd NET_RAW -CapabilityDrop ALL -Seccomp Off -Device null -PassThru
        $changed.Record.Privileges.CapabilityAdd, $changed.Record.Privileges.CapabilityDrop, $changed.Record.Devices | Should -Be 'NET_RAW', 'ALL', 'null'
        $changed.Record.Privileges.SystemCalls | Should -Be 'Off'
        $changed = Set-Cage web -CapabilityAdd @() -Seccomp Default -Device Private -PassThru
        $changed.Record.Privileges.CapabilityDrop | Should -Be 'ALL'
        $changed.Record.Privileges.CapabilityAdd | Should -BeNullOrEmpty
        $changed.Record.Privileges.SystemCalls, $changed.Record.Device | Should -Be 'Default', 'Private'
        $changed.Record.Devices | Should -BeNullOrEmpty
    }
    It 'keeps comments and unknown keys' {
        '# mine', 'colour=blue' | Add-Content "$($web.Path)/cage.conf"
        Set-Cage web -Memo after
        $conf = Get-Content "$($web.Path)/cage.conf"
        $conf | Should -Contain '# mine'
        $conf | Should -Contain 'colour=blue'
    }
    It 'takes wildcards, ids and the pipeline' {
        $null = New-Cage web2
        Set-Cage web* -Memo one
        (Get-Cage web*).Memo | Should -Be 'one', 'one'
        Set-Cage -Id $web.Id -Memo two
        Get-Cage web2 | Set-Cage -Memo three
        (Get-Cage web*).Memo | Should -Be 'two', 'three'
    }
    It 'says CageAlreadyRunning when the shape of a running one is to change; its memo may' {
        Start-Cage web
        Set-Cage web -Isolation Pivot -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageAlreadyRunning,*'
        $problem[0].CategoryInfo.Category | Should -Be 'InvalidOperation'
        (Set-Cage web -Memo later -PassThru).Memo | Should -Be 'later'
    }
    It 'says CageAmbiguous, with the ids, where a name fits several' {
        $twin = New-Cage web
        Set-Cage web -Memo after -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageAmbiguous,*'
        $problem[0].CategoryInfo.Category | Should -Be 'InvalidArgument'
        "$($problem[0])" | Should -BeLike "*$($web.Id)*"
        "$($problem[0])" | Should -BeLike "*$($twin.Id)*"
    }
    It 'refuses <What>' -ForEach @(
        @{ What = 'a bad name'; Arguments = @{ NewName = 'a#b' } }
        @{ What = 'a bad variable'; Arguments = @{ Environment = @{ 'A=B' = "`0" } } }
        @{ What = 'a limit that cannot be'; Arguments = @{ CpuLimit = 0 } }
        @{ What = 'a script outside of the folder'; Arguments = @{ StartScript = '../../etc/passwd' } }
        @{ What = 'a memo that could not be read again'; Arguments = @{ Memo = "a`0b" } }
    ) {
        $conf = Get-Content "$($web.Path)/cage.conf"
        Set-Cage web @Arguments -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem.Count | Should -Be 1
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageArgumentInvalid,*'
        Get-Content "$($web.Path)/cage.conf" | Should -Be $conf
    }
    It 'has no isolation, device, environment or scripts for a read-only cage' {
        Set-Cage base -ProcessLimit 5 -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageArgumentInvalid,*'
        Set-Cage base -Isolation Jail -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'CageArgumentInvalid,*'
        (Set-Cage base -Memo small -PassThru).Memo | Should -Be 'small'
    }
    It 'takes its cage by name, wildcard, id, object and from the pipeline' { Test-CageForm $store Set-Cage | Should -BeNullOrEmpty }
    It 'changes nothing with -WhatIf' { Test-WhatIf $store Set-Cage | Should -BeNullOrEmpty }
}
