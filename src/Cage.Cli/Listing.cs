using System.Text.Json;
using Cage.Engine;
using Cage.Engine.State;

namespace Cage.Cli;

/// <summary>A list of what was found: a table for people or, with <c>--json</c>, objects for scripts.</summary>
internal static class Listing
{
    /// <summary>Writes it to standard output.</summary>
    /// <param name="arguments">Which of the two.</param>
    /// <param name="items">What was found.</param>
    /// <param name="heads">The heads of the table's columns.</param>
    /// <param name="cells">What stands in them for one.</param>
    /// <param name="writeMembers">Writes the members of one's object.</param>
    public static void Write<T>(Arguments arguments, IEnumerable<T> items, string[] heads, Func<T, string[]> cells, Action<Utf8JsonWriter, T> writeMembers)
        where T : class
    {
        if (arguments.Has("--json")) Json.WriteArray(items, writeMembers);
        else Table.Write(heads, items.Select(cells));
    }

    /// <summary>The cages of those names, all where none is given. What is broken is told, and does not hide the rest.</summary>
    /// <param name="engine">Which store.</param>
    /// <param name="names">Names or ids.</param>
    /// <param name="status">The exit status that says so.</param>
    public static CageInfo[] Cages(CageEngine engine, IReadOnlyList<string> names, out int status)
    {
        bool broken = false;
        CageInfo[] cages = names.Count > 0 ? [.. names.Select(engine.Find)] : [.. engine.List(e =>
        {
            broken = true;
            Messages.Error(e.Message);
        })];
        status = broken ? ExitStatus.Failed : 0;
        return cages;
    }
}
