using Cage.Engine.Snapshots;
using Cage.Interop;

namespace Cage.Engine.Roots;

/// <summary>Puts files into a root. Every folder is opened with the root as its root, and what is in it by that descriptor: no symbolic link that
/// is in there leads a write out. What the user has put there himself is left as it is.</summary>
/// <param name="root">The root.</param>
/// <param name="contents">What is there already; gets what is added.</param>
internal sealed class RootWriter(Descriptor root, RootContents contents) : IDisposable
{
    private const uint SetIds = 0xc00, FolderMode = 0x1ed, FileMode = 0x1a4;

    private readonly Dictionary<string, Descriptor> _folders = [];
    private readonly Dictionary<(ulong Device, ulong Inode), (Descriptor Folder, byte[] Name)> _links = [];
    private readonly List<(string Path, Descriptor Folder, FileStatus Host)> _made = [];
    private readonly List<string> _created = [];
    private readonly byte[] _temporary = Name($".cage-{Host.ProcessId}.new");

    /// <summary>Whether setuid and setgid bits of files are kept.</summary>
    public bool KeepsSetuid { get; init; }

    /// <summary>Whether what the user has put there is replaced.</summary>
    public bool Force { get; init; }

    /// <summary>Is told what the user should know though it went on.</summary>
    public Action<string> Warn { get; init; } = _ => { };

    /// <summary>Is told of each part of a file's content that is there, in bytes.</summary>
    public Action<long>? Copied { get; init; }

    /// <summary>Ends it, in the midst of a file too, of which nothing is left.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>Puts a file, link or folder of the host's where it is on the host.</summary>
    /// <exception cref="CageException">CageStoreFailed, with the path and the errno's name.</exception>
    public void Put(CageDependency dependency)
    {
        string path = dependency.Location!;
        try
        {
            if (dependency.Target is not null) PutLink(path, dependency.Target, dependency);
            else if (Files.Status(path) is { IsDirectory: true }) Folder(path);
            else PutFile(path, dependency);
        }
        catch (LinuxException e)
        {
            throw CageException.Store("Adding", path, e);
        }
    }

    /// <summary>Makes a folder with that mode, or as the host has it; one that is there stays as it is.</summary>
    public void PutFolder(PackFolder folder)
    {
        try
        {
            using Descriptor? there = Files.TryOpenInRoot(root, folder.Path, Files.O_PATH);
            if (there is not null) return;
            Descriptor made = Folder(folder.Path);
            if (folder.Mode is uint mode) Files.ChangeMode(made, mode);
        }
        catch (LinuxException e)
        {
            throw CageException.Store("Adding", folder.Path, e);
        }
    }

    /// <summary>Makes a symbolic link; whatever has that name already stays.</summary>
    public void PutLink(PackLink link)
    {
        if ((link.Target ?? Files.ReadLink(link.Path)) is not string target) return;
        Descriptor folder = Folder(Above(link.Path));
        byte[] name = Name(link.Path);
        if (Files.StatusAt(folder, name) is not null) return;
        Entries.MakeLink(folder, name, target);
        Note(new RootEntry(link.Path, RootEntryKind.Link, target, 0, default, "pack", ""));
    }

    /// <summary>Writes a file that is made for this root, in place of what is there.</summary>
    /// <param name="path">Where.</param>
    /// <param name="content">What.</param>
    /// <param name="reason">Why.</param>
    public void PutMade(string path, ReadOnlySpan<byte> content, string reason = "pack")
    {
        try
        {
            Descriptor folder = Folder(Above(path));
            byte[] name = Name(path);
            FileStatus? before = Files.StatusAt(folder, name);
            using Descriptor file = Create(folder);
            Files.Write(file, content);
            if (before is { IsRegular: true } old) Files.ChangeOwner(file, old.Uid, old.Gid);
            Files.ChangeMode(file, before is { IsRegular: true, Mode: uint mode } ? mode & 0xfff : FileMode);
            Entries.Rename(folder, _temporary, name);
            using Descriptor again = Files.OpenInRoot(root, path, Files.O_RDONLY);
            // Of what was there before, we have changed a part: it is not ours to remove.
            if (before is null || contents.Entries.ContainsKey(path)) Note(new RootEntry(path, RootEntryKind.Made, ContentHash.Of(again), content.Length, default, reason, ""));
        }
        catch (LinuxException e)
        {
            throw CageException.Store("Making", path, e);
        }
    }

    /// <summary>Gives the folders that were made the times that they have on the host, now that nothing is put into them any more.</summary>
    public void Finish()
    {
        for (int i = _made.Count - 1; i >= 0; i--) Entries.ChangeTimes(_made[i].Folder, _made[i].Host.Accessed, _made[i].Host.Modified);
    }

    /// <summary>Takes away what was put there so far, the last first.</summary>
    public void Undo()
    {
        RootEraser eraser = new(root);
        for (int i = _created.Count - 1; i >= 0; i--) eraser.TryErase(_created[i], isFolder: contents.Entries.TryGetValue(_created[i], out RootEntry? entry) && entry.Kind == RootEntryKind.Folder);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Descriptor folder in _folders.Values) folder.Dispose();
    }

    private void PutFile(string path, CageDependency dependency)
    {
        Descriptor folder = Folder(Above(path));
        byte[] name = Name(path);
        using Descriptor? from = Files.TryOpen(path, Files.O_RDONLY | Files.O_NONBLOCK | Files.O_NOFOLLOW);
        if (from is null)
        {
            Warn($"{path} went away from the host meanwhile (ENOENT).");
            return;
        }
        FileStatus host = Files.Status(from);
        if (!host.IsRegular) return;
        if (Files.StatusAt(folder, name) is FileStatus there && !Replaces(path, there, host, from)) return;
        Copy(folder, name, from, host, path);
        Note(new RootEntry(path, RootEntryKind.File, ContentHash.Of(from, Cancellation), host.Size, host.Modified, dependency.Reason.Word(), dependency.RequiredBy ?? ""));
    }

    /// <summary>Whether a file takes the place of what is there.</summary>
    private bool Replaces(string path, FileStatus there, FileStatus host, Descriptor from)
    {
        if (contents.Entries.TryGetValue(path, out RootEntry? ours) && ours.Kind is RootEntryKind.File)
        {
            if (ours.Mark.Length > 0 && !Force && RootCheck.IsChanged(root, ours, Cancellation))
            {
                if (ours.Size != host.Size || ours.Modified != host.Modified) Warn($"{path} was changed in the cage, and on the host since: it stays as it is. {Face.Call("--force", "-Force")} replaces it.");
                return false;
            }
            return Force || ours.Mark.Length == 0 || ours.Size != host.Size || ours.Modified != host.Modified || there.Size != host.Size;
        }
        if (there.IsRegular && there.Size == host.Size && (there.Modified == host.Modified || IsSame(path, from))) return false;
        if (Force && !there.IsDirectory) return true;
        Warn($"{path} is there already, and is not the host's: it stays as it is. {Face.Call("--force", "-Force")} replaces it.");
        return false;
    }

    private bool IsSame(string path, Descriptor from)
    {
        using Descriptor? there = Files.TryOpenInRoot(root, path, Files.O_RDONLY | Files.O_NONBLOCK);
        return there is not null && ContentHash.Of(there, Cancellation) == ContentHash.Of(from, Cancellation);
    }

    private void Copy(Descriptor folder, byte[] name, Descriptor from, FileStatus host, string path)
    {
        if (host.Links > 1 && _links.TryGetValue((host.Device, host.Inode), out var first))
        {
            Directories.TryRemove(folder, _temporary, isDirectory: false);
            Entries.Link(first.Folder, first.Name, folder, _temporary);
            Entries.Rename(folder, _temporary, name);
            // Where both are one file already the rename does nothing (rename(2)).
            Directories.TryRemove(folder, _temporary, isDirectory: false);
            return;
        }
        uint mode = host.Mode;
        if ((mode & SetIds) != 0 && !KeepsSetuid)
        {
            mode &= ~SetIds;
            Warn($"{path} is there without its setuid or setgid bit; {Face.Call("--keep-setuid", "-KeepSetuid")} keeps it.");
        }
        try
        {
            using Descriptor to = Create(folder);
            if (host.Size > 0 && !FileData.TryClone(from, to)) FileData.Copy(from, to, host, Copied, Cancellation);
            TreeCopy.Dress(from, to, host with { Mode = mode });
            Entries.Rename(folder, _temporary, name);
        }
        catch
        {
            Directories.TryRemove(folder, _temporary, isDirectory: false);
            throw;
        }
        if (host.Links > 1) _links[(host.Device, host.Inode)] = (folder, name);
    }

    private Descriptor Create(Descriptor folder)
    {
        try
        {
            return Entries.Create(folder, _temporary);
        }
        catch (LinuxException e) when (e.Number == Errno.EEXIST)
        {
            // Left by one that was killed and had our number.
            Directories.TryRemove(folder, _temporary, isDirectory: false);
            return Entries.Create(folder, _temporary);
        }
    }

    private void PutLink(string path, string target, CageDependency dependency)
    {
        Descriptor folder = Folder(Above(path));
        byte[] name = Name(path);
        if (Files.StatusAt(folder, name) is FileStatus there)
        {
            if (there.IsLink && Files.ReadLinkAt(folder, Path.GetFileName(path)) == target) return;
            RootEntry? ours = contents.Entries.TryGetValue(path, out RootEntry? entry) && entry.Kind == RootEntryKind.Link ? entry : null;
            if (there.IsDirectory || !(Force || (ours is not null && !RootCheck.IsChanged(root, ours, Cancellation))))
            {
                if (ours is null || ours.Mark != target)
                    Warn($"{path} {(ours is null ? "is there already, and" : "was changed in the cage, and")} is not the host's link to {target}: it stays as it is.{(there.IsDirectory ? "" : $" {Face.Call("--force", "-Force")} replaces it.")}");
                return;
            }
            Directories.TryRemove(folder, name, isDirectory: false);
        }
        Entries.MakeLink(folder, name, target);
        if (Files.Status(path) is { IsLink: true } host)
        {
            Entries.ChangeOwner(folder, name, host.Uid, host.Gid);
            Entries.ChangeTimes(folder, name, host.Accessed, host.Modified);
        }
        Note(new RootEntry(path, RootEntryKind.Link, target, 0, default, dependency.Reason.Word(), dependency.RequiredBy ?? ""));
    }

    /// <summary>The folder, made with those above it where it is not there, as the host has them.</summary>
    private Descriptor Folder(string path)
    {
        if (_folders.TryGetValue(path, out Descriptor? known)) return known;
        if (Files.TryOpenInRoot(root, path, Files.O_RDONLY | Files.O_DIRECTORY) is Descriptor there) return _folders[path] = there;
        Descriptor above = Folder(Above(path));
        byte[] name = Name(path);
        if (Files.StatusAt(above, name) is not null) throw new LinuxException(Errno.ENOTDIR, "open", path, "in the cage it is no folder, and leads to none");
        Entries.MakeDirectory(above, name);
        Descriptor made = _folders[path] = Directories.Open(above, name);
        using Descriptor? host = Files.TryOpen(path, Files.O_RDONLY | Files.O_DIRECTORY | Files.O_NOFOLLOW);
        if (host is null)
        {
            Files.ChangeMode(made, FolderMode);
        }
        else
        {
            FileStatus status = Files.Status(host);
            TreeCopy.Dress(host, made, status);
            _made.Add((path, made, status));
        }
        Note(new RootEntry(path, RootEntryKind.Folder, "", 0, default, "folder", ""));
        return made;
    }

    private void Note(RootEntry entry)
    {
        if (contents.Entries.TryAdd(entry.Path, entry)) _created.Add(entry.Path);
        else contents.Entries[entry.Path] = entry;
    }

    private static string Above(string path) => path.LastIndexOf('/') is var slash and > 0 ? path[..slash] : "/";

    private static byte[] Name(string path) => [.. PathText.Encode(Path.GetFileName(path)), 0];
}
