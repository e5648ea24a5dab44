namespace Cage.Engine;

/// <summary>How something that the user can do is called where he does it: an option or command of <c>cage</c>, or a parameter or cmdlet of the module. A process has
/// one face, and the module says that it is one before it asks the engine for anything.</summary>
public static class Face
{
    /// <summary>Whether the user speaks PowerShell.</summary>
    public static bool IsModule { get; set; }

    /// <summary>What he calls it.</summary>
    /// <param name="command">In <c>cage</c>.</param>
    /// <param name="module">In the module.</param>
    public static string Call(string command, string module) => IsModule ? module : command;
}
