using System.Text.RegularExpressions;

namespace Cage.Cli.Tests;

/// <summary>docs/walkthrough.md is true: its commands are run in order in one shell, and print what stands there.</summary>
public sealed partial class WalkthroughTests : CageTest
{
    /// <summary>What the document says, and is another in the test.</summary>
    private const string DocumentedData = "/var/opt/cage", DocumentedPort = "8404";

    [ToolFact("nginx", "curl", "jq", "ps")]
    public void EveryCommandPrintsWhatTheDocumentSays()
    {
        (string Commands, string Output)[] blocks = [.. Blocks(Document())];
        Assert.True(blocks.Length > 10, "the document has lost its commands");
        string script = "set -e -o pipefail\n" + string.Concat(blocks.Select(block => $"{block.Commands}\nprintf '\\f'\n"));
        Directory.CreateDirectory($"{Store.Files}/bin");
        File.CreateSymbolicLink($"{Store.Files}/bin/cage", CageProgram.RequiredPath);
        Store.Environment["PATH"] = $"{Store.Files}/bin:{Store.Environment["PATH"]}";
        string port = $"{NginxTests.FreePort()}";
        script = script.Replace(DocumentedData, Store.Data).Replace(DocumentedPort, port);

        Outcome outcome = Store.Bash($"exec 2>&1\n{script}");
        string[] printed = outcome.Output.Split('\f');
        for (int i = 0; i < blocks.Length; i++)
        {
            Assert.True(i < printed.Length - 1, $"This ended with {outcome.Status}:\n{blocks[i].Commands}\nand printed:\n{printed[^1]}");
            Assert.True(
                Plain(blocks[i].Output) == Plain(AsDocumented(printed[i], port)),
                $"{blocks[i].Commands}\nis to print:\n{blocks[i].Output}\nand printed:\n{printed[i]}");
        }
        outcome.Ended(0);
    }

    private string AsDocumented(string text, string port)
    {
        text = text.Replace(Store.Data, DocumentedData).Replace(port, DocumentedPort);
        return HostView.ControlGroups is string groups ? text.Replace(groups, "/sys/fs/cgroup") : text;
    }

    private static string Document()
    {
        using Stream stream = typeof(WalkthroughTests).Assembly.GetManifestResourceStream("walkthrough.md")!;
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }

    /// <summary>Each block of commands, with the block of output that follows it at once, if one does.</summary>
    private static IEnumerable<(string Commands, string Output)> Blocks(string document) =>
        Block().Matches(document).Select(match => (match.Groups["commands"].Value, match.Groups["output"].Value));

    /// <summary>Without what is another each time: ids, numbers, and the width of columns.</summary>
    private static string Plain(string text) => White().Replace(Number().Replace(Id().Replace(text, "ID"), "N"), " ").Trim();

    [GeneratedRegex(@"^```sh\n(?<commands>.*?)^```\n(```text\n(?<output>.*?)^```\n)?", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")]
    private static partial Regex Id();

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Number();

    [GeneratedRegex(" +(?=\n)| +")]
    private static partial Regex White();
}
