# Rules of PSScriptAnalyzer that Pester files cannot keep, and why. All else keeps every rule (Analysis.Tests.ps1).
@{
    Severity     = @('Error', 'Warning')
    ExcludeRules = @(
        # Blocks of Pester share scopes in a way that it does not see: what BeforeAll sets, It uses.
        'PSUseDeclaredVarsMoreThanAssignments'
        'PSReviewUnusedParameter'
        # Helpers of tests make and remove what nobody wants to be asked about.
        'PSUseShouldProcessForStateChangingFunctions'
        # These are tested: $using:global:, lines as they are typed, what a host shows, variables of the other side.
        'PSAvoidGlobalVars'
        'PSAvoidUsingInvokeExpression'
        'PSAvoidUsingWriteHost'
        'PSUseUsingScopeModifierInNewRunspaces'
        # PowerShell 7 reads UTF-8 without a mark, and nothing older can load the module.
        'PSUseBOMForUnicodeEncodedFile'
    )
}
