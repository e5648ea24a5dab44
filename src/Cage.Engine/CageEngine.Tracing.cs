using Cage.Engine.Roots;
using Cage.Engine.Runtime;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine;

/// <content>Tracing in cages, and ways into them from the host.</content>
public sealed partial class CageEngine
{
    /// <summary>Runs a command in a running cage under strace(1), to its end, and tells what it looked for, opened, executed and connected to.</summary>
    /// <param name="cage">The cage.</param>
    /// <param name="command">The command and its arguments.</param>
    /// <param name="user">As whom; null for root.</param>
    /// <param name="descriptors">Its standard input, output and error.</param>
    /// <param name="cancellation">Ends the command, and all that it has started.</param>
    /// <exception cref="CageException">CageNotRunning; CageCommandNotFound: there is no strace on the host; CageCommandFailed: the command was not started (there is no such user…).</exception>
    public (IReadOnlyList<CageTrace> Traces, int Status) Trace(CageInfo cage, IReadOnlyList<string> command, string? user, IReadOnlyList<Descriptor> descriptors, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(cage);
        StartCheck.RequireRoot("tracing in a cage");
        using (CommandStarter.OpenRoot(cage)) return new CommandTracer(cage, _stage.Path, Settings.File).Run(command, user, descriptors, cancellation);
    }

    /// <summary>Traces a command and puts into the cage what it missed, again and again until it misses nothing that the host has.</summary>
    /// <param name="cage">The cage.</param>
    /// <param name="command">The command and its arguments.</param>
    /// <param name="user">As whom; null for root.</param>
    /// <param name="descriptors">Its standard input, output and error.</param>
    /// <param name="added">Is told of each path that was put in.</param>
    /// <param name="warn">Is told what the user should know though it went on.</param>
    /// <param name="cancellation">Ends the command, and all that it has started.</param>
    /// <returns>The status that the command ended with the last time.</returns>
    /// <exception cref="CageException">As for <see cref="Trace"/> and <see cref="Add"/>; CageCommandFailed: it still missed something after fifty rounds.</exception>
    public int Fix(
        CageInfo cage, IReadOnlyList<string> command, string? user, IReadOnlyList<Descriptor> descriptors, Action<CageTrace> added, Action<string>? warn = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(cage);
        ArgumentNullException.ThrowIfNull(added);
        const int RoundLimit = 50;
        HashSet<string> alone = [], kept = [];
        using RootView host = new("/");
        RootContents chosen = RootContents.Read(cage.Record);
        for (int round = 0; round < RoundLimit; round++)
        {
            var (traces, status) = Trace(cage, command, user, descriptors, cancellation);
            // A folder that was missing comes without what is in it, until it is listed: what the command then does not find it does not look for either.
            CageTrace[] missing = [.. traces.Where(trace => trace.Missing || (trace.Lists && alone.Remove(trace.Path))).DistinctBy(trace => trace.Path)];
            // What is traced says itself what it wants: it is not to choose among what the host keeps from its users.
            foreach (string path in missing.Select(trace => trace.Path).Where(path => !IsOpenToAll(host, path, chosen) && kept.Add(path)))
                warn?.Invoke($"{path} is missing, but on the host not everybody may read it: it is not put in. {Face.Call($"cage add {cage.Name} --file {path}", $"Add-CageFile {cage.Name} {path}")} does that.");
            missing = [.. missing.Where(trace => !kept.Contains(trace.Path))];
            if (missing.Length == 0) return status;
            ILookup<bool, string> paths = missing.ToLookup(trace => trace.Missing && Files.StatusFollowed(trace.Path) is { IsDirectory: true }, trace => trace.Path);
            Add(cage.Record, new RootRequest { Files = [.. paths[false]], Folders = [.. paths[true]], ChoosesPacks = false }, warn, cancellation: cancellation);
            alone.UnionWith(paths[true]);
            foreach (CageTrace trace in missing) added(trace);
        }
        throw new CageException(CageError.CageCommandFailed, $"{command[0]} still misses files in \"{cage.Name}\" after {RoundLimit} rounds.", $"Trace it without {Face.Call("--fix", "-Fix")} to see which.", command[0]);
    }

    /// <summary>Whether any user of the host may read what is there, by its permissions and those of the folders above it; but for those folders of which something
    /// was put into the cage before.</summary>
    private static bool IsOpenToAll(RootView host, string path, RootContents chosen)
    {
        const uint ReadByOthers = 4, SearchByOthers = 1;
        Place place = host.Find(path);
        if (place.Status is not FileStatus status || (status.Mode & ReadByOthers) == 0) return false;
        IEnumerable<string> folders = place.Links.Select(link => link.Path).Append(place.Path).SelectMany(Above);
        return folders.All(folder => chosen.Entries.ContainsKey(folder) || (host.Find(folder).Status is FileStatus above && (above.Mode & SearchByOthers) != 0));

        static IEnumerable<string> Above(string path)
        {
            for (int slash = path.LastIndexOf('/'); slash > 0; slash = path.LastIndexOf('/', slash - 1)) yield return path[..slash];
        }
    }

    /// <summary>The wrappers and links on the host that lead into a cage.</summary>
    public IReadOnlyList<CageShim> GetShims(CageRecord record) => new ShimMaker(Store, record).List();

    /// <summary>Puts a wrapper on the host for each command that runs it in the cage, and a link for each path that leads there. [003]</summary>
    /// <param name="record">The cage.</param>
    /// <param name="commands">Commands in the cage, by name or path.</param>
    /// <param name="links">Paths that are to lead to the same paths in the cage.</param>
    /// <param name="folder">Where the wrappers are put.</param>
    /// <param name="force">Whether they take the place of something else.</param>
    /// <param name="warn">Is told of each link that leads to nothing as yet.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="CageException">CageCommandNotFound: it is not in the cage. CageAlreadyExists: something else has that path.</exception>
    public IReadOnlyList<CageShim> AddShims(
        CageRecord record, IReadOnlyList<string> commands, IReadOnlyList<string> links, string folder, bool force = false, Action<string>? warn = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        StartCheck.RequireRoot("making a way into a cage");
        if (record.Kind == CageKind.ReadOnly && commands.Count > 0) throw new CageException(CageError.CageArgumentInvalid, $"\"{record.Name}\" is read-only: nothing runs in it.", target: record.Name);
        using CageLock held = CageLock.Take(record.Path, cancellation);
        record = CageStore.Refresh(record);
        using Descriptor root = RootTarget.OpenToRead(Store, record);
        using RootView inside = new(root.ProcPath);
        string[] paths = [.. commands.Select(command => DependencyResolver.LocateFile(new CommandPath(inside), command))];
        ShimMaker maker = new(Store, record);
        CageShim[] made = [.. paths.Select(path => maker.Wrap(_stage.Path, path, folder, force)), .. links.Select(path => maker.Link(path, force))];
        foreach (string path in links)
            if (maker.DeadEnd(root, path) is string why) warn?.Invoke($"The link {path} leads to nothing as yet: {why}.");
        return made;
    }

    /// <summary>Takes wrappers and links away again; what is no longer ours stays.</summary>
    public void RemoveShims(CageRecord record, Func<CageShim, bool> unwanted, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        StartCheck.RequireRoot("removing a way into a cage");
        using CageLock held = CageLock.Take(record.Path, cancellation);
        new ShimMaker(Store, record).Remove(unwanted);
    }
}
