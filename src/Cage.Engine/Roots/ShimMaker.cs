using System.Text;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Roots;

/// <summary>Wrappers and links on the host that lead into a cage, noted in the file <c>shims</c> beside it, one path a line. [003]</summary>
/// <param name="store">Where the cage is.</param>
/// <param name="record">The cage. The caller has its lock.</param>
internal sealed class ShimMaker(CageStore store, CageRecord record)
{
    private const string FileName = "shims", Mark = "# A way into the cage ";
    private const uint ProgramMode = 0x1ed;
    private const int SizeLimit = 1 << 20;

    private string NotePath => $"{record.Path}/{FileName}";

    /// <summary>Those that are still on the host and still ours.</summary>
    public IReadOnlyList<CageShim> List() => [.. Noted().Select(Look).OfType<CageShim>()];

    /// <summary>Puts a wrapper into a folder that runs a command in the cage.</summary>
    /// <param name="program">The <c>cage</c> program.</param>
    /// <param name="command">The command's path in the cage.</param>
    /// <param name="folder">The folder on the host.</param>
    /// <param name="force">Whether it takes the place of something else.</param>
    public CageShim Wrap(string program, string command, string folder, bool force)
    {
        string path = RootView.Join(folder, Path.GetFileName(command));
        RefuseOthers(path, force);
        string conf = store.Settings.File is string file ? $"CAGE_CONF={Quote(file)} " : "";
        string script = $"#!/bin/sh\n{Mark}{record.Id:D} ({record.Name}): cage shim, New-CageShim.\n{conf}exec {Quote(program)} exec {record.Id:D} -- {Quote(command)} \"$@\"\n";
        Note(path);
        AtomicFile.Write(path, Encoding.UTF8.GetBytes(script), ProgramMode);
        return Look(path)!;
    }

    /// <summary>Makes a symbolic link at a path of the host's to the same path in the cage.</summary>
    public CageShim Link(string path, bool force)
    {
        string target = TargetOf(path);
        RefuseOthers(path, force);
        Note(path);
        try
        {
            using Descriptor folder = Files.Open(Path.GetDirectoryName(path)!, Files.O_RDONLY | Files.O_DIRECTORY);
            byte[] name = [.. PathText.Encode(Path.GetFileName(path)), 0], temporary = [.. Encoding.ASCII.GetBytes($".cage-{Host.ProcessId}.new"), 0];
            Entries.MakeLink(folder, temporary, target);
            Entries.Rename(folder, temporary, name);
        }
        catch (LinuxException e)
        {
            throw CageException.Store("Linking", path, e);
        }
        return Look(path)!;
    }

    /// <summary>Why a link of that path leads to nothing; null where it leads somewhere, or will once the cage runs.</summary>
    /// <param name="inside">The cage's root, as its inside sees it.</param>
    /// <param name="path">The path.</param>
    public string? DeadEnd(Descriptor inside, string path)
    {
        using Descriptor? there = Files.TryOpenInRoot(inside, path, Files.O_PATH);
        if (there is null) return $"\"{record.Name}\" has no such path (ENOENT)";
        bool isMounted = record.Kind == CageKind.Writable && record.Isolation == CageIsolation.Chroot;
        return isMounted || Files.Status(TargetOf(path)) is not null ? null : $"in \"{record.Name}\" it is a base's, and what the host sees of one that is no Chroot is its own files alone";
    }

    /// <summary>Takes away those that fit, if they are still ours.</summary>
    public void Remove(Func<CageShim, bool> unwanted)
    {
        List<string> left = [.. Noted()];
        foreach (CageShim shim in List().Where(unwanted))
        {
            Erase(shim);
            left.Remove(shim.Path);
        }
        Write(left);
    }

    /// <summary>Takes one away.</summary>
    public static void Erase(CageShim shim)
    {
        try
        {
            Files.Unlink(shim.Path);
        }
        catch (LinuxException e)
        {
            throw CageException.Store("Removing", shim.Path, e);
        }
    }

    /// <summary>Where the host finds a path of the cage's: in the mount of a Chroot, in the cage's own folder otherwise.</summary>
    private string TargetOf(string path) => (record.Kind == CageKind.Writable && record.Isolation == CageIsolation.Chroot ? record.MountPath : record.RootPath) + path;

    private CageShim? Look(string path)
    {
        if (Files.Status(path) is not FileStatus status) return null;
        if (status.IsLink) return Files.ReadLink(path) == TargetOf(path) ? new CageShim(record.Name, record.Id, path, TargetOf(path), IsLink: true) : null;
        if (!status.IsRegular || status.Size > SizeLimit) return null;
        using Descriptor file = Files.Open(path, Files.O_RDONLY | Files.O_NONBLOCK | Files.O_NOFOLLOW);
        string[] lines = Encoding.UTF8.GetString(Files.ReadAll(file, SizeLimit)).Split('\n');
        if (lines.Length < 3 || !lines[1].StartsWith($"{Mark}{record.Id:D}", StringComparison.Ordinal)) return null;
        string command = lines[2][(lines[2].IndexOf(" -- ", StringComparison.Ordinal) + 4)..];
        return new CageShim(record.Name, record.Id, path, command[..Math.Max(0, command.LastIndexOf(' '))].Trim('\''), IsLink: false);
    }

    private void RefuseOthers(string path, bool force)
    {
        string folder = Path.GetDirectoryName(path)!;
        if (!Directory.Exists(folder)) throw new CageException(CageError.CageArgumentInvalid, $"There is no folder {folder} (ENOENT) for {Path.GetFileName(path)}.", "Make it first, or name another.", path);
        if (Files.Status(path) is not FileStatus there || Look(path) is not null || (force && !there.IsDirectory)) return;
        throw new CageException(CageError.CageAlreadyExists, $"{path} is there already, and leads to something else.", there.IsDirectory ? "Choose another path." : $"Choose another folder, or use {Face.Call("--force", "-Force")}.", path);
    }

    private IEnumerable<string> Noted()
    {
        using Descriptor? file = Files.TryOpen(NotePath, Files.O_RDONLY);
        return file is null ? [] : PathText.Decode(Files.ReadAll(file, SizeLimit)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(path => path.StartsWith('/'));
    }

    /// <summary>Before it is made, so that none is left that nobody knows of.</summary>
    private void Note(string path)
    {
        List<string> noted = [.. Noted()];
        if (noted.Contains(path)) return;
        noted.Add(path);
        Write(noted);
    }

    private void Write(List<string> paths)
    {
        if (paths.Count > 0) AtomicFile.Write(NotePath, PathText.Encode(string.Concat(paths.Select(path => path + "\n"))));
        else Files.Unlink(NotePath);
    }

    private static string Quote(string text) => $"'{text.Replace("'", "'\\''")}'";
}
