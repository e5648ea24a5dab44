using System.Text;
using System.Text.Json;

namespace Cage.Cli.Tests;

/// <summary>What a command ended with, and what it wrote.</summary>
public sealed record Outcome(string CommandLine, int Status, byte[] OutputBytes, byte[] ErrorBytes)
{
    public string Output => Encoding.UTF8.GetString(OutputBytes);

    public string Error => Encoding.UTF8.GetString(ErrorBytes);

    /// <summary>The lines of standard output.</summary>
    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Standard output as the array of objects that <c>--json</c> promises.</summary>
    public JsonElement[] Objects()
    {
        Ended(0);
        return Parse();
    }

    /// <summary>As <see cref="Objects"/>, whatever the status.</summary>
    public JsonElement[] Parse()
    {
        using JsonDocument document = JsonDocument.Parse(OutputBytes);
        return [.. document.RootElement.Clone().EnumerateArray()];
    }

    /// <summary>It ended with <paramref name="status"/>.</summary>
    public Outcome Ended(int status)
    {
        Assert.True(Status == status, $"{CommandLine}\nended with {Status}, not {status}.\nstdout: {Output}\nstderr: {Error}");
        return this;
    }

    /// <summary>It succeeded and had nothing to say, on neither stream.</summary>
    public void Silently()
    {
        Ended(0);
        Assert.True(Output.Length == 0 && Error.Length == 0, $"{CommandLine}\nwas to say nothing.\nstdout: {Output}\nstderr: {Error}");
    }

    /// <summary>It failed with <paramref name="status"/>, printed no data, and said why in Cage's manner, with all these words.</summary>
    public Outcome Failed(int status, params string[] words)
    {
        Ended(status);
        Assert.True(Output.Length == 0, $"{CommandLine}\nfailed and yet printed: {Output}");
        return Said(words);
    }

    /// <summary>Its messages begin as Cage's do and have all these words.</summary>
    public Outcome Said(params string[] words)
    {
        Assert.Matches("^cage( [a-z]+){0,2}: ", Error);
        foreach (string word in words) Assert.Contains(word, Error, StringComparison.Ordinal);
        return this;
    }
}
