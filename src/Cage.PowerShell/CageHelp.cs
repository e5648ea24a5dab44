namespace Cage.PowerShell;

/// <summary>Where the pages are that Get-Help -Online opens.</summary>
internal static class CageHelp
{
    /// <summary>The folder of docs/cmdlets as the web has it. The project has no address yet: .example is nobody's (RFC 2606), and to be replaced here.</summary>
    public const string Pages = "https://cage.example/docs/cmdlets/";
}
