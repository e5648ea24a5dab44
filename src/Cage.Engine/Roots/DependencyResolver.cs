using Cage.Engine.Roots.Elf;

namespace Cage.Engine.Roots;

/// <summary>Finds all that commands and files need, without running any of them: ldd(1) does, and so runs what it does not know.</summary>
internal sealed class DependencyResolver : IDisposable
{
    /// <summary>How often an interpreter may be a script itself (Linux, fs/exec.c, exec_binprm).</summary>
    private const int ScriptLimit = 5;

    private readonly RootView _root;
    private readonly ElfLibrary _library;
    private readonly ProgramLoader _loader;
    private readonly CommandPath _commands;
    private readonly HashSet<string> _done = [], _walked = [];

    /// <summary>Looks in the root directory <paramref name="root"/>.</summary>
    /// <param name="root">The directory: <c>/</c> for the host.</param>
    /// <param name="packs">The packs there are.</param>
    /// <param name="choosesPacks">Whether programs choose any.</param>
    /// <param name="broken">Is told of each file that is not what it should be.</param>
    public DependencyResolver(string root, PackCatalog packs, bool choosesPacks, Action<CageException> broken)
    {
        _root = new RootView(root);
        _commands = new CommandPath(_root);
        Graph = new DependencyGraph(_root);
        _library = new ElfLibrary(_root, choosesPacks ? packs.Imports : null)
        {
            Broken = (path, problem, advice) => broken(new CageException(CageError.CageFileInvalid, $"{path} {problem}.", advice, path)),
        };
        _loader = new ProgramLoader(_library, Graph);
        Packs = new PackResolver(this, packs, _library, _loader) { ChoosesPacks = choosesPacks };
    }

    public DependencyGraph Graph { get; }

    /// <summary>Who chooses packs and resolves them.</summary>
    public PackResolver Packs { get; }

    public RootView Root => _root;

    public CommandPath Commands => _commands;

    /// <summary>The path of a command.</summary>
    /// <exception cref="CageException">CageCommandNotFound.</exception>
    public string Locate(string command) => Locate(_commands, command);

    /// <summary>As <see cref="Locate(string)"/>.</summary>
    public static string Locate(CommandPath commands, string command) => commands.Find(command) ?? throw new CageException(
        CageError.CageCommandNotFound,
        command.Length == 0 ? "An empty name is no command (ENOENT)." : command.Contains('/') ? $"{command}: not there (ENOENT)." : $"{command}: no such command in {string.Join(':', commands.Folders)} (ENOENT).",
        command.Contains('/') ? "Is the path right?" : "Install it, or give its whole path.",
        command);

    /// <summary>As <see cref="Locate(string)"/>, of what can only be a file.</summary>
    /// <exception cref="CageException">CageCommandNotFound; CageArgumentInvalid: it is a folder, or no regular file.</exception>
    public static string LocateFile(CommandPath commands, string command)
    {
        string path = Locate(commands, command);
        Place place = commands.Root.Find(path);
        return place.IsFile ? path : throw (place.IsFolder
            ? new CageException(CageError.CageArgumentInvalid, $"{path} is a folder (EISDIR), and no command.", $"{Face.Call("--file", "Add-CageFile")} puts folders into a cage.", path)
            : new CageException(CageError.CageArgumentInvalid, $"{path} is no regular file (EACCES), and no command.", "Name a program, a library or a script.", path));
    }

    /// <summary>Adds a file that was asked for, without what it needs.</summary>
    public Place Request(string path) => Graph.Add(path, DependencyReason.Requested);

    /// <summary>Adds what the file at a place, if it is a program, library or script, needs.</summary>
    public void Follow(string name, Place place, int depth = 0)
    {
        if (!place.IsFile || !_done.Add(place.Path)) return;
        if (_library.Image(place) is ElfImage image) _loader.Load(new LoadedObject(name, place, image, null));
        else if (_library.Interpreter(place) is string line) FollowScript(name, line, depth);
        Packs.Look(name, place);
    }

    /// <summary>Adds a file, or a folder with all in it, and what the programs and libraries among them need; what runs scripts in a folder is not looked for.
    /// Links are kept as links, and what they lead to comes along; fifos, sockets and devices do not.</summary>
    public void AddTree(string path, DependencyReason reason, string? requiredBy = null, string? through = null, IReadOnlyList<string>? skips = null)
    {
        if (!_walked.Add(path)) return;
        Place place = Graph.Add(path, reason, requiredBy, through);
        if (place.IsFile && IsObject(place)) Follow(path, place);
        foreach (string name in _root.List(place))
        {
            string below = RootView.Join(place.Path, name);
            if (PathPattern.IsSkipped(skips, below)) continue;
            Place child = _root.Find(below);
            if (child.Path != below) Graph.Add(below, reason, requiredBy, through);
            else if (child.IsFolder || child.IsFile) AddTree(below, reason, requiredBy, through, skips);
        }
    }

    private bool IsObject(Place place) =>
        ((place.Status!.Value.Mode & 0x49) != 0 || place.Path.Contains(".so", StringComparison.Ordinal)) && _library.Image(place) is not null;

    /// <inheritdoc/>
    public void Dispose() => _root.Dispose();

    private void FollowScript(string script, string line, int depth)
    {
        var (interpreter, argument) = ScriptLine.Split(line);
        Run(interpreter, script, $"#!{line}", depth);
        if (System.IO.Path.GetFileName(interpreter) == "env" && ScriptLine.CommandOfEnv(argument) is string command) Run(command, script, $"#!{line}", depth);
    }

    private void Run(string command, string script, string through, int depth)
    {
        if (_commands.Find(command) is not string path)
        {
            Graph.AddMissing(command, DependencyReason.Script, script, through);
            return;
        }
        Place place = Graph.Add(path, DependencyReason.Script, script, through);
        if (depth < ScriptLimit) Follow(path, place, depth + 1);
    }
}
