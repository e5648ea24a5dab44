namespace Cage.Cli;

/// <summary>One command: its name, its options, and what it does.</summary>
internal sealed record Command(string Name, string Usage, string Summary, Func<Arguments, int> Run)
{
    /// <summary>How many words its name has.</summary>
    public int Words { get; } = Name.Contains(' ') ? 2 : 1;

    /// <summary>Options that stand alone.</summary>
    public IReadOnlyList<string> Switches { get; init; } = [];

    /// <summary>Options that take a value.</summary>
    public IReadOnlyList<string> Values { get; init; } = [];

    /// <summary>Options whose value, where they have one, follows an equals sign.</summary>
    public IReadOnlyList<string> Optionals { get; init; } = [];

    /// <summary>What <c>cage help NAME</c> says besides.</summary>
    public string More { get; init; } = "";

    /// <summary>Whether it ends with the status of a command run in a cage.</summary>
    public bool RunsCommand { get; init; }
}
