using Cage.Interop;

namespace Cage.Engine.Store;

/// <summary>What makes a machine one of its own: its machine-id (machine-id(5)) and the keys of its ssh server (sshd(8)). A copy that kept
/// them would pass for its original. Paths are resolved inside the cage's files: what somebody inside has linked leads nowhere else.</summary>
internal static class CageIdentity
{
    private const string Etc = "etc", SshFolder = "etc/ssh", MachineId = "machine-id";

    /// <summary>Writes new ones into the cage's own files, for those that it or its layers have.</summary>
    /// <param name="cage">The cage, not running.</param>
    /// <param name="layers">The cages below it.</param>
    /// <param name="cancellation">Ends it half done.</param>
    public static void Renew(CageRecord cage, IReadOnlyList<CageRecord> layers, CancellationToken cancellation)
    {
        string[] roots = [cage.RootPath, .. layers.Select(layer => layer.RootPath)];
        using (Descriptor? etc = Folder(roots, Etc))
        {
            if (etc is null) return;
            // A link, as some have it to /var/lib/dbus, is not written through.
            Files.UnlinkAt(etc, MachineId);
            using Descriptor file = Files.OpenInRoot(etc, MachineId, Files.O_WRONLY | Files.O_CREAT, 0x124);
            Files.Write(file, System.Text.Encoding.ASCII.GetBytes($"{RandomId.New():N}\n"));
        }
        string[] keys = [.. roots.SelectMany(KeysIn).Distinct()];
        if (keys.Length == 0) return;
        using Descriptor folder = Folder(roots, SshFolder)!;
        foreach (string key in keys) MakeKey(cage, folder, key, cancellation);
    }

    private static void MakeKey(CageRecord cage, Descriptor folder, string name, CancellationToken cancellation)
    {
        // A character device is overlayfs's way to say that the key was removed.
        if (Files.StatusAt(folder, name) is { IsRegular: false }) return;
        string temporary = $"{cage.Path}/.{name}", type = name["ssh_host_".Length..^"_key".Length];
        HostTool.Run($"Making {name}", ["ssh-keygen", "-q", "-t", type, "-N", "", "-C", $"root@{cage.Name}", "-f", temporary], cancellation);
        Files.Rename(temporary, $"{folder.ProcPath}/{name}");
        Files.Rename($"{temporary}.pub", $"{folder.ProcPath}/{name}.pub");
    }

    private static IEnumerable<string> KeysIn(string root)
    {
        using Descriptor? folder = Open(root, SshFolder);
        return folder is null ? [] : [.. Directory.EnumerateFiles($"{folder.ProcPath}/", "ssh_host_*_key").Select(path => Path.GetFileName(path))];
    }

    /// <summary>A folder in the first of the roots, made there like that of the first one below that has it; null where none has.</summary>
    private static Descriptor? Folder(string[] roots, string path)
    {
        if (Open(roots[0], path) is Descriptor own) return own;
        foreach (string root in roots.Skip(1))
        {
            using Descriptor? like = Open(root, path);
            if (like is null) continue;
            FileStatus status = Files.Status(like);
            int slash = path.LastIndexOf('/');
            using (Descriptor? parent = slash < 0 ? Files.Open(roots[0], Files.O_PATH | Files.O_DIRECTORY) : Folder(roots, path[..slash]))
                Files.MakeDirectoryAt(parent!, path[(slash + 1)..], status.Mode & 0xfff);
            Descriptor made = Open(roots[0], path)!;
            Files.ChangeOwner(made, status.Uid, status.Gid);
            return made;
        }
        return null;
    }

    private static Descriptor? Open(string root, string path)
    {
        using Descriptor top = Files.Open(root, Files.O_PATH | Files.O_DIRECTORY);
        return Files.TryOpenInRoot(top, path, Files.O_RDONLY | Files.O_DIRECTORY);
    }
}
