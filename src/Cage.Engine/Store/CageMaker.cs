using System.Globalization;
using Cage.Interop;

namespace Cage.Engine.Store;

/// <summary>Makes cages, whole or not at all: everything under a hidden name first, then one rename.</summary>
internal static class CageMaker
{
    private const uint PrivateMode = 0x1c0, FolderMode = 0x1ed, OpenMode = 0x3ff;

    public static CageRecord Make(CageStore store, NewCage request)
    {
        Refuse(store, request);
        string path = store.PathOf(request.Id, request.Kind), temporary = $"{store.Settings.Data}/.{Path.GetFileName(path)}.new";
        try
        {
            EnsureStore(store.Settings);
            Sweep(store.Settings.Data);
            Files.MakeDirectory(temporary, FolderMode);
        }
        catch (LinuxException e)
        {
            throw CageException.Store("Making a cage in", store.Settings.Data, e);
        }
        try
        {
            // Whoever sweeps leaves alone what is locked.
            using CageLock held = CageLock.Take(temporary);
            CageRecord record = Describe(request, path);
            Fill(record with { Path = temporary }, request);
            ConfFile file = ConfFile.Empty($"{temporary}/cage.conf");
            record.WriteTo(file);
            AtomicFile.Write(file.Path, file.ToBytes());
            Files.Rename(temporary, path);
            return record;
        }
        catch (Exception e)
        {
            TreeRemoval.Remove(temporary);
            if (e is LinuxException cause) throw CageException.Store("Making", path, cause);
            throw;
        }
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
        Environment = request.Environment,
    };

    private static void Refuse(CageStore store, NewCage request)
    {
        if (CageRecord.NameProblem(request.Name) is string problem)
            throw new CageException(CageError.CageArgumentInvalid, $"\"{request.Name}\" cannot be a cage's name: {problem}.", target: request.Name);
        foreach (string variable in request.Environment)
            if (CageRecord.VariableProblem(variable) is string trouble)
                throw new CageException(CageError.CageArgumentInvalid, $"\"{variable}\" cannot be in the environment: {trouble}.", target: variable);
        foreach (char c in request.Memo)
            if (char.IsControl(c) && c is not ('\n' or '\t'))
                throw new CageException(CageError.CageArgumentInvalid, $"The memo has the control character 0x{(int)c:x2}.", target: request.Name);
        if (store.Get(request.Id) is not null)
            throw new CageException(CageError.CageAlreadyExists, $"There is a cage {request.Id} already.", "Leave the id out for a new one.", request.Id.ToString());
        foreach (Guid id in request.Base) RefuseBase(store, id);
        if (request.Source is null) return;
        if (request.Kind != CageKind.ReadOnly)
            throw new CageException(CageError.CageArgumentInvalid, "A source makes a read-only cage only.", "Add --read-only (-ReadOnly).", request.Source);
        if (Files.StatusFollowed(request.Source) is not { IsDirectory: true })
            throw new CageException(CageError.CageArgumentInvalid, $"{request.Source}: not a directory (ENOTDIR).", target: request.Source);
        if (request.SourceMode != SourceMode.Link && Path.GetFullPath(request.Source) == "/")
            throw new CageException(CageError.CageArgumentInvalid, "The whole host can only be linked.", "Copy or move a directory of its own.", request.Source);
    }

    private static void RefuseBase(CageStore store, Guid id)
    {
        if (store.Get(id, CageKind.ReadOnly) is not null) return;
        throw store.Get(id, CageKind.Writable) is CageRecord writable
            ? new CageException(CageError.CageArgumentInvalid, $"\"{writable.Name}\" ({id}) is writable and cannot be a base.", "A base is a read-only cage.", id.ToString())
            : new CageException(CageError.CageNotFound, $"There is no cage {id} for a base.", target: id.ToString());
    }

    private static void EnsureStore(StoreSettings settings)
    {
        if (Files.StatusFollowed(settings.Data) is not null) return;
        Directory.CreateDirectory(Path.GetDirectoryName(settings.Data)!);
        Files.MakeDirectory(settings.Data, PrivateMode);
    }

    private static void Fill(CageRecord record, NewCage request)
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
        string source = Path.GetFullPath(request.Source);
        switch (request.SourceMode)
        {
            case SourceMode.Link:
                using (Descriptor folder = Files.Open(record.Path, Files.O_RDONLY | Files.O_DIRECTORY))
                    Files.MakeLinkAt(folder, record.Root, source);
                break;
            case SourceMode.Copy:
                Copy(source, record.RootPath);
                break;
            case SourceMode.Move:
                Move(source, record.RootPath);
                break;
        }
    }

    /// <summary>The folders that the seed's own lines mount on, so that they work on a cage made here. [004]</summary>
    private static void MakeMountPoints(string root)
    {
        foreach (string name in (ReadOnlySpan<string>)["proc", "sys", "dev"]) Files.MakeDirectory($"{root}/{name}", FolderMode);
        Files.MakeDirectory($"{root}/tmp", OpenMode);
    }

    /// <summary>By coreutils' cp, which keeps links, holes, attributes and lists, and shares blocks where the file system can.</summary>
    private static void Copy(string source, string target)
    {
        using Descriptor nothing = Files.Open("/dev/null", Files.O_RDWR);
        (Descriptor read, Descriptor write) = Channels.Pipe();
        using (read)
        {
            SpawnedProcess copy;
            using (write)
                copy = Spawn.Start(new SpawnRequest
                {
                    Candidates = ["/usr/bin/cp", "/bin/cp"],
                    Arguments = ["cp", "-a", "--one-file-system", "--reflink=auto", "-T", "--", source, target],
                    Environment = ["PATH=/usr/bin:/bin", "LC_ALL=C"],
                    Descriptors = [nothing, nothing, write],
                });
            using (copy)
            {
                byte[] said = Files.ReadAll(read);
                WaitStatus status = Processes.Wait(copy.Id);
                if (status.ExitStatus == 0) return;
                throw new CageException(
                    CageError.CageStoreFailed,
                    string.Create(CultureInfo.InvariantCulture, $"Copying {source}: cp ended with {status.ExitStatus}: {System.Text.Encoding.UTF8.GetString(said).Trim()}."),
                    target: source);
            }
        }
    }

    private static void Move(string source, string target)
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
    }

    /// <summary>Clears what makers and removers that were killed have left; those at work hold their lock.</summary>
    private static void Sweep(string data)
    {
        foreach (string path in Directory.EnumerateDirectories(data, ".*.?.*"))
        {
            if (!path.EndsWith(".new", StringComparison.Ordinal) && !path.EndsWith(".gone", StringComparison.Ordinal)) continue;
            using Descriptor? folder = Files.TryOpen(path, Files.O_RDONLY | Files.O_DIRECTORY | Files.O_NOFOLLOW);
            if (folder is not null && Files.Lock(folder, wait: false)) TreeRemoval.Remove(path);
        }
    }
}
