using System.Management.Automation;
using Cage.Engine;

namespace Cage.PowerShell;

/// <summary>
/// What stands behind Invoke-Cage: the cages, unless they are named otherwise, then a command with its arguments, or a script block with
/// its. (Which it is shows with a value's type, for which parameter sets are no help: all of it is bound by position.)
/// </summary>
internal sealed class InvokedLine
{
    private readonly string[] _words;

    /// <param name="values">What was bound by position.</param>
    /// <param name="arguments">What more was given as arguments.</param>
    /// <param name="isNamed">Whether the cages are named by a parameter.</param>
    public InvokedLine(object?[] values, object?[] arguments, bool isNamed)
    {
        int at = Array.FindIndex(values, value => Values.Unwrap(value) is ScriptBlock);
        if (at == 0 || (at == 1 && !isNamed))
        {
            Script = (ScriptBlock)Values.Unwrap(values[at])!;
            Names = [.. Values.Words(values[..at].Select(Named))];
            Arguments = [.. values[(at + 1)..], .. arguments];
            _words = [];
        }
        else
        {
            _words = [.. Values.Words([.. isNamed ? values : values.Take(1).Select(Named), .. isNamed ? [] : values.Skip(1), .. arguments])];
            Names = isNamed ? [] : [.. _words.Take(1)];
            Arguments = [];
        }
    }

    /// <summary>What stands for a cage by its id is that, since others may have its name.</summary>
    private static object? Named(object? value) => Values.CageId(value)?.ToString("D") ?? value;

    /// <summary>The script block; null for a command.</summary>
    public ScriptBlock? Script { get; }

    /// <summary>Its arguments.</summary>
    public object?[] Arguments { get; }

    /// <summary>What stands where the cages' names do. In a command's line it is its first word, which is the command's own where the cages
    /// come from the pipeline.</summary>
    public string[] Names { get; }

    /// <summary>Whether it can be meant without the names of cages, which the pipeline brings then.</summary>
    public bool MayLackNames => Script is null || Names.Length == 0;

    /// <summary>Whether there is nothing in it.</summary>
    public bool IsEmpty => Script is null && _words.Length == 0;

    /// <summary>The error for a line that cannot be understood.</summary>
    public static CageException Wrong(string what, string advice) => new(CageError.CageArgumentInvalid, what, advice);

    /// <summary>The command and its arguments.</summary>
    /// <param name="hasName">Whether the first word is a cage's name.</param>
    public string[] Words(bool hasName) => hasName ? [.. _words.Skip(1)] : _words;
}
