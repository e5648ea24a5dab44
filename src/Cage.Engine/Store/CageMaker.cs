using Cage.Engine.Snapshots;
using Cage.Interop;

namespace Cage.Engine.Store;

/// <summary>Makes cages, whole or not at all: everything under a hidden name first, then one rename.</summary>
internal static class CageMaker
{
    private const uint PrivateMode = 0x1c0, FolderMode = 0x1ed, OpenMode = 0x3ff;

    /// <param name="store">Where.</param>
    /// <param name="request">What.</param>
    /// <param name="fill">Puts into its root what else is to be there, before anybody sees it.</param>
    /// <param name="progress">Is told how far the copy of a source is, on the calling thread.</param>
    /// <param name="cancellation">Ends it; nothing is left.</param>
    public static CageRecord Make(CageStore store, NewCage request, Action<CageRecord>? fill = null, Action<CopyProgress>? progress = null, CancellationToken cancellation = default)
    {
        Refuse(store, request);
        CageRecord record = Describe(request, store.PathOf(request.Id, request.Kind));
        MakeWhole(store, record, (hidden, finish) =>
        {
            Fill(hidden, request, progress, cancellation);
            fill?.Invoke(hidden);
            ConfFile file = ConfFile.Empty(hidden.ConfPath);
            record.WriteTo(file);
            AtomicFile.Write(file.Path, file.ToBytes());
            // A source that is moved is nowhere else: that is done last, and undone when it was not the last.
            if (request is { Source: not null, SourceMode: SourceMode.Move }) Move(RealPath(request.Source), hidden.RootPath, finish);
            else finish();
        }, cancellation);
        return record;
    }

    /// <summary>Makes a cage's folder, whole or not at all.</summary>
    /// <param name="store">Where.</param>
    /// <param name="record">The cage that it is to be.</param>
    /// <param name="fill">Is given the cage in its hidden folder, and what lets it appear, to be called last.</param>
    /// <param name="cancellation">Ends the waiting for its turn.</param>
    public static void MakeWhole(CageStore store, CageRecord record, Action<CageRecord, Action> fill, CancellationToken cancellation)
    {
        string data = store.Settings.Data, path = record.Path, temporary = $"{data}/.{Path.GetFileName(path)}.new";
        CageLock held;
        try
        {
            EnsureStore(data);
            // One at a time until it has its own lock: whoever sweeps leaves alone what is locked, and nothing else.
            using Descriptor folder = Files.Open(data, Files.O_RDONLY | Files.O_DIRECTORY);
            LockWait.For(folder, cancellation);
            Sweep(data);
            MakeFolder(folder, temporary, record.Kind);
            held = CageLock.Take(temporary, cancellation);
        }
        catch (LinuxException e)
        {
            throw CageException.Store("Making a cage in", data, e);
        }
        using (held)
        {
            try
            {
                fill(record with { Path = temporary }, () => Files.Rename(temporary, path));
            }
            catch (Exception e)
            {
                TryRemove(temporary);
                if (e is LinuxException cause) throw CageException.Store("Making", path, cause);
                throw;
            }
        }
    }

    /// <summary>A writable cage on btrfs gets a subvolume, to be removed as one. In it root and work are plain directories: between two subvolumes
    /// overlayfs could not rename (EXDEV).</summary>
    private static void MakeFolder(Descriptor data, string path, CageKind kind)
    {
        if (kind != CageKind.Writable || Files.FileSystemType(data.ProcPath) != Subvolumes.BTRFS_SUPER_MAGIC)
        {
            Files.MakeDirectory(path, FolderMode);
            return;
        }
        Subvolumes.Create(data, Path.GetFileName(path));
        using Descriptor folder = Files.Open(path, Files.O_RDONLY | Files.O_DIRECTORY);
        Files.ChangeMode(folder, FolderMode);
    }

    private static CageRecord Describe(NewCage request, string path) => new()
    {
        Path = path,
        Id = request.Id,
        Kind = request.Kind,
        Name = request.Name,
        Memo = request.Memo,
        Base = request.Base,
        Isolation = request.Isolation,
        Device = request.Device,
        Devices = request.Devices,
        Privileges = request.Privileges.Checked(),
        Environment = request.Environment,
        Origin = request.Origin,
        Limits = request.Limits,
        Binds = ResolveSources(request.Binds),
        Tmpfs = request.Tmpfs,
        Network = request.Network,
    };

    private static void Refuse(CageStore store, NewCage request)
    {
        RefuseTexts(request.Name, request.Memo, request.Environment);
        RefuseLimits(request.Limits);
        RefuseNetwork(request.Network, request.Isolation);
        RefuseSettings(request.Name, request.Isolation, request.Device, request.Devices, request.Privileges);
        RefuseBinds(request.Name, request.Binds, request.Privileges);
        if (store.Get(request.Id) is not null)
            throw new CageException(CageError.CageAlreadyExists, $"There is a cage {request.Id} already.", "Leave the id out for a new one.", request.Id.ToString());
        foreach (Guid id in request.Base) RefuseBase(store, id);
        if (request.Source is null) return;
        if (request.Kind != CageKind.ReadOnly)
            throw new CageException(CageError.CageArgumentInvalid, "A source makes a read-only cage only.", $"Add {Face.Call("--read-only", "-ReadOnly")}.", request.Source);
        // A snapshot gets its name last.
        if (request.Origin is null && Files.StatusFollowed(AbsolutePath.Of(request.Source)) is var source and not { IsDirectory: true })
            throw new CageException(
                CageError.CageArgumentInvalid, $"{request.Source}: {(source is null ? "there is none (ENOENT)" : "not a directory (ENOTDIR)")}.", "Name a directory.", request.Source);
        if (request.SourceMode == SourceMode.Move && Files.Status(request.Source.TrimEnd('/')) is { IsLink: true })
            throw new CageException(CageError.CageArgumentInvalid, $"{request.Source} is a symbolic link.", "Name the directory itself to move it.", request.Source);
        if (request.SourceMode != SourceMode.Link && RealPath(request.Source) is string real && (real == "/" || real == store.Settings.Data))
            throw new CageException(CageError.CageArgumentInvalid, $"The whole {(real == "/" ? "host" : "store")} can only be linked.", "Copy or move a directory of its own.", request.Source);
    }

    /// <summary>Refuses what a cage.conf could not say.</summary>
    /// <exception cref="CageException">CageArgumentInvalid.</exception>
    public static void RefuseTexts(string name, string memo, IReadOnlyList<string> environment)
    {
        if (CageRecord.NameProblem(name) is string problem)
            throw new CageException(CageError.CageArgumentInvalid, $"\"{name}\" cannot be a cage's name: {problem}.", target: name);
        foreach (string variable in environment)
            if (CageRecord.VariableProblem(variable) is string trouble)
                throw new CageException(CageError.CageArgumentInvalid, $"\"{variable}\" cannot be in the environment: {trouble}.", target: variable);
        if (CageRecord.MemoProblem(memo) is string flaw) throw new CageException(CageError.CageArgumentInvalid, $"The memo of \"{name}\" cannot be: {flaw}.", target: name);
    }

    /// <summary>Refuses limits that no kernel could keep to.</summary>
    /// <exception cref="CageException">CageArgumentInvalid.</exception>
    public static void RefuseLimits(CageLimits limits)
    {
        if (limits.Problem() is var (key, problem))
            throw new CageException(CageError.CageArgumentInvalid, $"{key} cannot be {limits.Text(key)}: {problem}.", target: key);
    }

    /// <summary>Refuses a network that such a cage cannot have.</summary>
    /// <exception cref="CageException">CageArgumentInvalid.</exception>
    public static void RefuseNetwork(CageNetwork network, CageIsolation isolation)
    {
        if (network.Problem(isolation) is string problem) throw new CageException(CageError.CageArgumentInvalid, $"The network cannot be {network.Mode.Word()}: {problem}.", target: network.Mode.Word());
    }

    /// <summary>Binds with what their sources lead to now, through all symbolic links: a start follows none, so that nobody can lay one in its way.</summary>
    public static CageBind[] ResolveSources(IReadOnlyList<CageBind> binds) => [.. binds.Select(bind => bind with { Source = Resolve(bind.Source) })];

    private static string Resolve(string source)
    {
        try
        {
            using Descriptor? file = Files.TryOpen(source, Files.O_PATH);
            // What is not there yet may be by the start.
            return file is null ? source : Files.ReadLink(file.ProcPath) ?? source;
        }
        catch (LinuxException e)
        {
            throw new CageException(CageError.CageArgumentInvalid, $"{source} cannot be bound: {e.Message}.", target: source, inner: e);
        }
    }

    /// <summary>Refuses settings that would have no effect, or none that could be kept.</summary>
    /// <exception cref="CageException">CageArgumentInvalid.</exception>
    public static void RefuseSettings(string name, CageIsolation isolation, DeviceView view, IReadOnlyList<string> devices, CagePrivileges privileges)
    {
        foreach (string device in devices)
            if (CageRecord.DeviceProblem(device) is string problem)
                throw new CageException(CageError.CageArgumentInvalid, $"\"{device}\" cannot be given as a device: {problem}.", target: device);
        if (devices.Count > 0 && view == DeviceView.Host)
            throw new CageException(CageError.CageArgumentInvalid, $"\"{name}\" has every device of the host, and names others besides.", "Leave host, or the others, out.", name);
        if (isolation != CageIsolation.Jail && !privileges.IsDefault)
            throw new CageException(
                CageError.CageArgumentInvalid, $"In a {isolation.Word()} root is the host's root: capability, seccomp, setuid, sockets and userns would have no effect in \"{name}\".",
                "They belong to the isolation jail.", name);
    }

    /// <summary>Refuses binds whose owners would be mapped to nobody's ids.</summary>
    /// <exception cref="CageException">CageArgumentInvalid.</exception>
    public static void RefuseBinds(string name, IReadOnlyList<CageBind> binds, CagePrivileges privileges)
    {
        if (privileges.UserNamespace is null && binds.FirstOrDefault(bind => bind.MapsOwners) is CageBind mapped)
            throw new CageException(
                CageError.CageArgumentInvalid, $"The bind {mapped} maps owners to the ids of a user namespace, and \"{name}\" has none.", $"Give it one ({Face.Call("--userns", "-UserNamespace")}), or leave idmap out.", mapped.Source);
    }

    private static void RefuseBase(CageStore store, Guid id)
    {
        if (store.Get(id, CageKind.ReadOnly) is not null) return;
        throw store.Get(id, CageKind.Writable) is CageRecord writable
            ? new CageException(CageError.CageArgumentInvalid, $"\"{writable.Name}\" ({id}) is writable and cannot be a base.", "A base is a read-only cage.", id.ToString())
            : new CageException(CageError.CageNotFound, $"There is no cage {id} for a base.", target: id.ToString());
    }

    private static void EnsureStore(string data)
    {
        if (Files.StatusFollowed(data) is not null) return;
        for (int slash = data.IndexOf('/', 1); slash > 0; slash = data.IndexOf('/', slash + 1)) MakeMissing(data[..slash], FolderMode);
        MakeMissing(data, PrivateMode);
    }

    private static void MakeMissing(string path, uint mode)
    {
        if (Files.StatusFollowed(path) is not null) return;
        try
        {
            Files.MakeDirectory(path, mode);
        }
        catch (LinuxException e) when (e.Number == Errno.EEXIST)
        {
            // Another was quicker.
        }
    }

    private static void Fill(CageRecord record, NewCage request, Action<CopyProgress>? progress, CancellationToken cancellation)
    {
        if (record.Kind == CageKind.Writable)
        {
            Files.MakeDirectory(record.WorkPath, FolderMode);
            Files.MakeDirectory(record.MountPath, FolderMode);
        }
        if (request.Source is null)
        {
            Files.MakeDirectory(record.RootPath, FolderMode);
            if (record.Kind == CageKind.Writable) MakeMountPoints(record.RootPath);
            return;
        }
        string source = AbsolutePath.Of(request.Source);
        switch (request.SourceMode)
        {
            case SourceMode.Link:
                using (Descriptor folder = Files.Open(record.Path, Files.O_RDONLY | Files.O_DIRECTORY))
                    Files.MakeLinkAt(folder, record.Root, source);
                break;
            case SourceMode.Copy:
                Copy(RealPath(source), record, progress, cancellation);
                break;
        }
    }

    /// <summary>The folders that are mounted on, by the seed's own lines too, so that those work on a cage made here, and so does a read-only start. [004]</summary>
    private static void MakeMountPoints(string root)
    {
        using Descriptor folder = Files.Open(root, Files.O_RDONLY | Files.O_DIRECTORY);
        foreach (string name in (ReadOnlySpan<string>)["proc", "sys", "dev", "run", "tmp"])
        {
            Files.MakeDirectoryAt(folder, name, name == "tmp" ? OpenMode : FolderMode);
            // What lies below is covered by a mount in any case, and need not be looked for in each layer: half a millisecond a name with 500 of them.
            Attributes.TrySet(folder, name, "trusted.overlay.opaque", "y"u8);
        }
    }

    private static string RealPath(string path)
    {
        using Descriptor folder = Files.Open(path, Files.O_PATH | Files.O_DIRECTORY);
        return Files.ReadLink(folder.ProcPath) ?? path;
    }

    /// <summary>All that belongs to the files comes along; blocks are shared where the file system can. What is mounted below does not, nor does what is in the store.</summary>
    private static void Copy(string source, CageRecord record, Action<CopyProgress>? progress, CancellationToken cancellation)
    {
        FileStatus store = Files.StatusFollowed(Path.GetDirectoryName(record.Path)!)!.Value;
        using Descriptor tree = Mounts.CloneTree(source);
        Descriptor Open() => Files.OpenAt(tree, ".", Files.O_RDONLY | Files.O_DIRECTORY);
        Files.MakeDirectory(record.RootPath, PrivateMode);
        TreeCopy copy = new() { Choose = (_, status) => status.IsSameFile(store) ? FolderChoice.Empty : FolderChoice.Copy };
        if (progress is not null)
        {
            var (files, bytes, _) = copy.Measure(Open(), 1, cancellation);
            copy.All = (files, bytes);
        }
        copy.Run(Open(), Files.Open(record.RootPath, Files.O_RDONLY | Files.O_DIRECTORY), progress, cancellation);
    }

    private static void Move(string source, string target, Action finish)
    {
        try
        {
            Files.Rename(source, target);
        }
        catch (LinuxException e) when (e.Number == Errno.EXDEV)
        {
            throw new CageException(
                CageError.CageArgumentInvalid, $"{source} cannot be moved to another file system (EXDEV).", "Use the source mode copy.", source, e);
        }
        try
        {
            finish();
        }
        catch
        {
            Files.Rename(target, source);
            throw;
        }
    }

    /// <summary>Clears what makers and removers that were killed have left; those at work hold their lock.</summary>
    private static void Sweep(string data)
    {
        foreach (string path in Directory.EnumerateDirectories(data, ".*.?.*"))
        {
            bool made = path.EndsWith(".new", StringComparison.Ordinal);
            if (!made && !path.EndsWith(".gone", StringComparison.Ordinal)) continue;
            using Descriptor? folder = Files.TryOpen(path, Files.O_RDONLY | Files.O_DIRECTORY | Files.O_NOFOLLOW);
            if (folder is null || !Files.Lock(folder, wait: false)) continue;
            if (!made || !TryFinish(data, path)) TryRemove(path);
        }
    }

    /// <summary>A read-only cage whose maker was killed before the last rename has files that may have been moved and be nowhere else: it is finished.</summary>
    private static bool TryFinish(string data, string path)
    {
        if (Files.Status($"{path}/cage.conf") is null || !path.EndsWith(".r.new", StringComparison.Ordinal) || Files.Status($"{path}/root") is not { IsDirectory: true }) return false;
        try
        {
            Files.Rename(path, $"{data}/{Path.GetFileNameWithoutExtension(path)[1..]}");
            return true;
        }
        catch (LinuxException)
        {
            return true;
        }
    }

    /// <summary>What cannot be removed now (something is mounted in it) waits for the next sweep.</summary>
    private static void TryRemove(string path)
    {
        try
        {
            TreeRemoval.Remove(path);
        }
        catch (LinuxException)
        {
        }
    }
}
