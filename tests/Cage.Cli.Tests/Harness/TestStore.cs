namespace Cage.Cli.Tests;

/// <summary>
/// A store of its own for one test, below a temporary folder. When the test is over every cage in it is stopped and removed by the
/// command itself; whatever is left then (a mount, a process, a control group, a file) fails the test, and is cleared away.
/// </summary>
public sealed class TestStore : IDisposable
{
    private const string NilId = "00000000-0000-0000-0000-000000000000";

    private readonly string _token;
    private readonly HashSet<string> _ids = [];
    private readonly List<Child> _children = [];
    private string? _host;

    /// <summary>Makes it.</summary>
    /// <param name="folder">The name of the folder below the temporary one that it all lies in.</param>
    public TestStore(string folder = "s")
    {
        Top = System.IO.Directory.CreateTempSubdirectory("cage-cli-").FullName;
        if (IsOverlay(Top))
        {
            // An upper cannot lie on overlayfs, which is what a container has for its temporary files.
            System.IO.Directory.Delete(Top);
            Top = $"/dev/shm/{Path.GetFileName(Top)}";
        }
        _token = Path.GetFileName(Top);
        Directory = $"{Top}/{folder}";
        System.IO.Directory.CreateDirectory(Files);
        File.WriteAllText(Conf, $"data={Data}\nrun={Run}\n");
        Environment = new()
        {
            ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ["HOME"] = "/root", ["TERM"] = "xterm", ["LANG"] = "C.UTF-8",
            ["CAGE_CONF"] = Conf, ["CAGE"] = CageProgram.RequiredPath, ["STORE"] = Directory,
        };
    }

    /// <summary>The temporary folder.</summary>
    public string Top { get; }

    /// <summary>The folder that everything of it lies in.</summary>
    public string Directory { get; }

    public string Conf => $"{Directory}/cage.conf";

    public string Data => $"{Directory}/data";

    public string Run => $"{Directory}/run";

    /// <summary>A folder for the test's own files.</summary>
    public string Files => $"{Directory}/files";

    /// <summary>The environment of what is started; CAGE is the command, STORE the folder.</summary>
    public Dictionary<string, string> Environment { get; }

    /// <summary>Runs <c>cage</c> to its end.</summary>
    public Outcome Cage(params string[] arguments) => CageWith([], arguments);

    /// <summary>Runs <c>cage</c> with something on its standard input.</summary>
    public Outcome CageWith(byte[] input, params string[] arguments) => End(Start(CageProgram.RequiredPath, arguments), input);

    /// <summary>Starts <c>cage</c>; killed when the test is over.</summary>
    public Child StartCage(params string[] arguments) => Start(CageProgram.RequiredPath, arguments);

    /// <summary>Runs a script with sh -e on the host; $CAGE and $STORE are set.</summary>
    public Outcome Shell(string script) => End(StartShell(script), []);

    /// <summary>Runs a script with bash on the host, for what only bash has.</summary>
    public Outcome Bash(string script) => End(Start("/bin/bash", ["-c", script]), []);

    /// <summary>Starts a script with sh -e on the host.</summary>
    public Child StartShell(string script) => Start("/bin/sh", ["-ec", script]);

    /// <summary>Runs a script with sh -e in a mount namespace of its own, for what no other process is to see mounted.</summary>
    public Outcome PrivateShell(string script) => End(StartPrivateShell(script), []);

    /// <summary>Starts such a script.</summary>
    public Child StartPrivateShell(string script) => Start("unshare", ["-m", "--propagation", "private", "sh", "-ec", script]);

    public Child Start(string program, params string[] arguments)
    {
        Child child = Child.Start(program, arguments, Environment);
        _children.Add(child);
        return child;
    }

    /// <summary>Makes a cage and returns its id.</summary>
    public string New(params string[] arguments)
    {
        Outcome outcome = Cage(["new", .. arguments]).Ended(0);
        string id = outcome.Output.TrimEnd('\n');
        Assert.True(Guid.TryParseExact(id, "D", out _) && outcome.Output == id + "\n", $"{outcome.CommandLine}\nprinted more or other than an id: {outcome.Output}");
        _ids.Add(id);
        return id;
    }

    /// <summary>The id of a read-only cage "host" of the live host, made when it is first asked for.</summary>
    public string Host() => _host ??= New("host", "--read-only", "--source", "/");

    /// <summary>The host under the nil UUID, made by hand as the seed does. [004]</summary>
    public void MakeNil() => _host = WriteCage($"{NilId}.r", $"uuid={NilId}\nname=host\nmemo=the host\nroot=root\n", rootLink: "/");

    /// <summary>A new cage over the live host, not started; returns its id.</summary>
    public string Stopped(string isolation, string name = "web")
    {
        Host();
        return New(name, "--base", "host", "--isolation", isolation);
    }

    /// <summary>A new cage over the live host, started; returns its id.</summary>
    public string Running(string isolation, string name = "web")
    {
        string id = Stopped(isolation, name);
        Cage("start", id).Silently();
        return id;
    }

    /// <summary>Writes a cage by hand; <paramref name="conf"/> may be anything. Returns the id that its folder says.</summary>
    public string WriteCage(string folder, string conf, string? rootLink = null)
    {
        string path = $"{Data}/{folder}";
        System.IO.Directory.CreateDirectory(path);
        File.WriteAllText($"{path}/cage.conf", conf);
        if (rootLink is not null) File.CreateSymbolicLink($"{path}/root", rootLink);
        else System.IO.Directory.CreateDirectory($"{path}/root");
        _ids.Add(folder[..^2]);
        return folder[..^2];
    }

    /// <summary>The state of a cage, as show has it.</summary>
    public string State(string selector) => Cage("show", selector, "--json").Objects()[0].Text("state")!;

    /// <summary>Where the host sees the files of a cage.</summary>
    public string RootPath(string selector) => Cage("show", selector, "--json").Objects()[0].Text("rootPath")!;

    /// <summary>The number of a cage's init.</summary>
    public int InitOf(string selector) => Cage("show", selector, "--json").Objects()[0].GetProperty("processId").GetInt32();

    /// <summary>The mount point of a writable cage.</summary>
    public string MountPoint(string id) => $"{Data}/{id}.w/mnt";

    /// <summary>The processes in a cage, each with its number and command line.</summary>
    public IReadOnlyList<string> ProcessesOf(string id) => HostView.ProcessesOf([id], _token);

    /// <summary>No mount, hint or control group of these cages is there (and so no process: a control group with one cannot be removed).</summary>
    public void NothingRuns(params string[] ids)
    {
        List<string> left = [.. HostView.Mounts(_token)];
        foreach (string id in ids)
        {
            if (File.Exists($"{Run}/{id}")) left.Add($"{Run}/{id}");
            left.AddRange(HostView.GroupsOf(id));
        }
        if (HostView.ControlGroups is null) left.AddRange(HostView.ProcessesOf(ids, _token));
        Assert.True(left.Count == 0, $"left:\n{string.Join('\n', left)}");
    }

    /// <summary>As <see cref="NothingRuns"/>, and no process in the cages, and none whose mount table still has a mount of theirs.</summary>
    public void NothingIsLeftOf(params string[] ids)
    {
        NothingRuns(ids);
        string[] left = [.. HostView.ProcessesOf(ids, _token)];
        // An init of somebody else's that starts this moment has a copy of all the host's mounts, for a moment.
        Wait.For(() => HostView.OtherTablesWith(_token).Count == 0, TimeSpan.FromSeconds(1));
        left = [.. left, .. HostView.OtherTablesWith(_token)];
        Assert.True(left.Length == 0, $"left:\n{string.Join('\n', left)}");
    }

    public void Dispose()
    {
        foreach (Child child in _children) child.Dispose();
        // Until it is known better.
        string[] left = [Top];
        try
        {
            NoteIds();
            if (System.Environment.IsPrivilegedProcess) RemoveCages();
            // What was killed may take a moment to be gone.
            Wait.For(() => (left = [.. Leftovers()]).Length == 0, TimeSpan.FromSeconds(2));
        }
        finally
        {
            if (left.Length == 0) System.IO.Directory.Delete(Top, recursive: true);
            else Clear();
        }
        Assert.True(left.Length == 0, $"The test left:\n{string.Join('\n', left)}");
    }

    private Outcome End(Child child, byte[] input)
    {
        Outcome outcome = child.End(input);
        _children.Remove(child);
        child.Dispose();
        return outcome;
    }

    private void NoteIds()
    {
        if (!System.IO.Directory.Exists(Data)) return;
        foreach (string path in System.IO.Directory.EnumerateDirectories(Data, "*.?")) _ids.Add(Path.GetFileNameWithoutExtension(path));
    }

    /// <summary>By the command, as a user does: writable ones first, then the layers from the top down.</summary>
    private void RemoveCages()
    {
        if (!System.IO.Directory.Exists(Data)) return;
        string[] writable = Folders("*.w");
        if (writable.Length > 0) Cage(["remove", "--force", .. writable]);
        for (int before = -1; Folders("*.r") is { Length: > 0 } layers && layers.Length != before; before = layers.Length) Cage(["remove", .. layers]);
    }

    private string[] Folders(string pattern) => [.. System.IO.Directory.EnumerateDirectories(Data, pattern).Select(path => Path.GetFileNameWithoutExtension(path)).Order()];

    private IEnumerable<string> Leftovers()
    {
        string[] files =
        [
            .. Entries(Top).Where(path => path != Directory), .. Entries(Directory).Except([Conf, Data, Run, Files]), .. Entries(Data), .. Entries(Run),
        ];
        IEnumerable<string> groups = _ids.SelectMany(HostView.GroupsOf);
        return files.Concat(groups).Concat(HostView.Mounts(_token)).Concat(HostView.ProcessesOf(_ids, _token)).Concat(HostView.OtherTablesWith(_token));
    }

    private static string[] Entries(string folder) => System.IO.Directory.Exists(folder) ? System.IO.Directory.GetFileSystemEntries(folder) : [];

    /// <summary>Also after a failure: kills, unmounts, and removes without ever crossing a mount.</summary>
    private void Clear()
    {
        foreach (string process in HostView.ProcessesOf(_ids, _token)) Child.Signal(int.Parse(process.Split(' ')[0]), Child.SIGKILL);
        string groups = string.Join(' ', _ids.SelectMany(HostView.GroupsOf));
        string script = $$"""
            grep -F '{{_token}}' /proc/self/mountinfo | cut -d' ' -f5 | tac | while IFS= read -r m; do umount -l "$(printf %b "$m")"; done
            rmdir {{groups}}
            rm -rf --one-file-system '{{Top}}'
            """;
        using Child clearing = Child.Start("/bin/sh", ["-c", script], Environment);
        clearing.End();
    }

    private static bool IsOverlay(string path) => new DriveInfo(path).DriveFormat.Contains("overlay", StringComparison.Ordinal);
}
