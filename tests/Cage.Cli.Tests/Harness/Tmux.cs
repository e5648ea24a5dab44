using System.Globalization;

namespace Cage.Cli.Tests;

/// <summary>A real terminal with a shell of the host in it: a tmux server of its own, with nobody's configuration.</summary>
public sealed class Tmux : IDisposable
{
    private readonly TestStore _store;
    private readonly string _socket;
    private int _marks;

    public Tmux(TestStore store)
    {
        _store = store;
        _socket = $"{store.Files}/tmux";
        Run("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", "env PS1='host> ' bash --norc --noprofile");
        WaitFor("host>");
    }

    /// <summary>What stands on the screen, lines that were wrapped joined.</summary>
    public string Screen => Run("capture-pane", "-p", "-J").Output;

    /// <summary>Types a line and Enter.</summary>
    public void Type(string line)
    {
        Run("send-keys", "-l", line);
        Key("Enter");
    }

    /// <summary>Presses a key, such as C-c.</summary>
    public void Key(string name) => Run("send-keys", name);

    public void WaitFor(string text) => Wait.Until(() => Screen.Contains(text, StringComparison.Ordinal), () => $"\"{text}\" did not come up. The screen:\n{Screen}");

    /// <summary>Types a command into the shell that is there, and returns what it printed, by marks that what is typed does not hold itself.</summary>
    public string Ask(string command)
    {
        string number = (++_marks).ToString(CultureInfo.InvariantCulture), end = $"<<{number}/";
        Type($"clear; echo \"<<\"{number}; {command}; echo \"<<\"{number}/");
        WaitFor(end);
        string screen = Screen;
        int start = screen.LastIndexOf($"<<{number}\n", StringComparison.Ordinal);
        Assert.True(start >= 0, $"no answer to {command}. The screen:\n{screen}");
        return screen[(start + number.Length + 3)..screen.LastIndexOf(end, StringComparison.Ordinal)].TrimEnd('\n');
    }

    public void Resize(int columns, int rows) =>
        Run("resize-window", "-x", columns.ToString(CultureInfo.InvariantCulture), "-y", rows.ToString(CultureInfo.InvariantCulture));

    /// <summary>Takes the terminal away, as when its window is closed.</summary>
    public void Close() => Run("kill-server");

    public void Dispose()
    {
        if (!File.Exists(_socket)) return;
        using Child child = Child.Start("tmux", ["-S", _socket, "kill-server"], _store.Environment);
        child.End();
    }

    private Outcome Run(params string[] arguments)
    {
        using Child child = Child.Start("tmux", ["-S", _socket, .. arguments], _store.Environment);
        return child.End().Ended(0);
    }
}
