namespace Cage.Cli;

/// <summary>A command line that cannot be understood.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>A command line, taken apart: options anywhere before <c>--</c>, names, and what follows it.</summary>
internal sealed class Arguments
{
    private readonly List<(string Option, string Value)> _options = [];

    public List<string> Names { get; } = [];

    /// <summary>What follows <c>--</c>; null without one.</summary>
    public IReadOnlyList<string>? Rest { get; private set; }

    /// <summary>Whether <c>--help</c> or <c>-h</c> stands among the options.</summary>
    public bool WantsHelp { get; private set; }

    public static Arguments Parse(Command command, ReadOnlySpan<string> args)
    {
        Arguments parsed = new();
        for (int i = 0; i < args.Length; i++)
        {
            string word = args[i];
            if (word == "--")
            {
                parsed.Rest = args[(i + 1)..].ToArray();
                break;
            }
            if (word is "--help" or "-h")
            {
                parsed.WantsHelp = true;
                continue;
            }
            if (word.Length < 2 || word[0] != '-')
            {
                parsed.Names.Add(word);
                continue;
            }
            int equals = word.StartsWith("--", StringComparison.Ordinal) ? word.IndexOf('=') : -1;
            string option = Long(equals < 0 ? word : word[..equals]);
            if (command.Switches.Contains(option))
            {
                if (equals >= 0) throw new UsageException($"{option} takes no value");
                parsed._options.Add((option, ""));
            }
            else if (command.Optionals.Contains(option))
            {
                parsed._options.Add((option, equals < 0 ? "" : word[(equals + 1)..]));
            }
            else if (!command.Values.Contains(option))
            {
                throw new UsageException($"there is no option {word}{(command.RunsCommand && parsed.Names.Count > 0 ? "; the command and its options follow --" : "")}");
            }
            else if (equals >= 0)
            {
                parsed._options.Add((option, word[(equals + 1)..]));
            }
            else
            {
                parsed._options.Add((option, ++i < args.Length ? args[i] : throw new UsageException($"{option} needs a value")));
            }
        }
        return parsed;
    }

    public bool Has(string option) => _options.Exists(entry => entry.Option == option);

    public string? Value(string option)
    {
        string? value = null;
        foreach (var entry in _options)
        {
            if (entry.Option != option) continue;
            if (value is not null) throw new UsageException($"{option} is given twice");
            value = entry.Value;
        }
        return value;
    }

    public IReadOnlyList<string> All(string option) => _options.FindAll(entry => entry.Option == option).ConvertAll(entry => entry.Value);

    /// <summary>Which of the words the option has; <paramref name="fallback"/> without it.</summary>
    public int Word(string option, IReadOnlyList<string> words, int fallback)
    {
        if (Value(option) is not string value) return fallback;
        for (int i = 0; i < words.Count; i++)
            if (words[i] == value) return i;
        throw new UsageException($"{option} is one of {string.Join(", ", words)}, not \"{value}\"");
    }

    /// <summary>The one name there must be.</summary>
    public string OneName()
    {
        RefuseRest();
        return Names.Count == 1 ? Names[0] : throw new UsageException(Names.Count == 0 ? "which cage?" : $"one name is enough, not also \"{Names[1]}\"");
    }

    /// <summary>The names, at least one.</summary>
    public IReadOnlyList<string> SomeNames(string question = "which cage?")
    {
        RefuseRest();
        return Names.Count > 0 ? Names : throw new UsageException(question);
    }

    public void RefuseNames()
    {
        RefuseRest();
        if (Names.Count > 0) throw new UsageException($"what is \"{Names[0]}\"?");
    }

    private void RefuseRest()
    {
        if (Rest is not null) throw new UsageException("nothing may follow --");
    }

    private static string Long(string option) => option switch
    {
        "-u" => "--user",
        "-g" => "--group",
        "-w" => "--directory",
        "-e" => "--environment",
        "-t" => "--terminal",
        "-f" => "--force",
        _ => option,
    };
}
