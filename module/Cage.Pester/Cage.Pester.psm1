<#
Operators of Pester 5 for cages. What is tested is a cage, or the name of one:
    'web' | Should -BeRunningCage
    Get-Cage web | Should -HaveCageFile /etc/nginx/nginx.conf -WithContent 'worker_processes 1;'
    'web' | Should -HaveCageProcess nginx
All take -Not and -Because.
#>
Set-StrictMode -Version Latest

# The cage that a test is about, as it is now; its state may have changed since it was got.
function Resolve-Cage($Actual) {
    if ($Actual -is [Cage.Engine.State.CageInfo]) { return Get-Cage -Id $Actual.Id -ErrorAction Stop }
    $found = @(Get-Cage "$Actual" -ErrorAction Stop)
    if ($found.Count -ne 1) { throw "'$Actual' means $($found.Count) cages, and a test is about one." }
    $found[0]
}

function ConvertTo-Verdict([bool] $Holds, [bool] $Negate, [string] $Because, [string] $Wanted, [string] $Found) {
    $succeeded = $Holds -ne $Negate
    $reason = if ($Because) { " because $Because," } else { '' }
    [pscustomobject]@{
        Succeeded      = $succeeded
        FailureMessage = if ($succeeded) { '' } else { "Expected $($Negate ? 'not ' : '')$Wanted,$reason but $Found." }
    }
}

function Test-RunningCage($ActualValue, [switch] $Negate, [string] $Because) {
    $cage = Resolve-Cage $ActualValue
    ConvertTo-Verdict ($cage.State -eq 'Running') $Negate $Because "the cage '$cage' to run" "it is $($cage.State)"
}

function Test-CageFile($ActualValue, [string] $Path, [string] $WithContent, [switch] $Negate, [string] $Because) {
    $cage = Resolve-Cage $ActualValue
    if (-not $cage.RootPath) { throw "The cage '$cage' does not run: its files cannot be seen." }
    $content = [Cage.PowerShell.CageView]::ReadFile($cage, $Path)
    if ($WithContent) {
        $found = $null -eq $content ? 'it is not there' : "it is: $content"
        ConvertTo-Verdict ($null -ne $content -and $content -match $WithContent) $Negate $Because "$Path in the cage '$cage' to match '$WithContent'" $found
    }
    else { ConvertTo-Verdict ($null -ne $content) $Negate $Because "the cage '$cage' to have $Path" ($null -eq $content ? 'it is not there' : 'it is there') }
}

function Test-CageProcess($ActualValue, [string] $Name, [switch] $Negate, [string] $Because) {
    $cage = Resolve-Cage $ActualValue
    $running = @(Get-CageProcess -Id $cage.Id)
    $found = @($running | Where-Object Name -Like $Name)
    ConvertTo-Verdict ($found.Count -gt 0) $Negate $Because "the cage '$cage' to have a process '$Name'" "it has $($running.Name -join ', ')"
}

$operators = @{ BeRunningCage = 'Test-RunningCage'; HaveCageFile = 'Test-CageFile'; HaveCageProcess = 'Test-CageProcess' }
foreach ($name in $operators.Keys) {
    Add-ShouldOperator -Name $name -InternalName $operators[$name] -Test (Get-Item "function:$($operators[$name])").ScriptBlock
}
