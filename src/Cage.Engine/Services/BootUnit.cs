using System.Text;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Services;

/// <summary>A cage as a unit of the host's systemd, so that it runs when the host does: started and stopped by the command (systemd.unit(5)).</summary>
public static class BootUnit
{
    private const string Folder = "/etc/systemd/system", Mark = "/run/systemd/system", Target = "multi-user.target";

    /// <summary>The unit's name: by id, which a renaming does not change.</summary>
    public static string NameOf(CageRecord cage)
    {
        ArgumentNullException.ThrowIfNull(cage);
        return $"cage-{cage.Id:D}.service";
    }

    /// <summary>What stands in the unit.</summary>
    /// <param name="cage">The cage.</param>
    /// <param name="command">The path of the cage program.</param>
    /// <param name="conf">The configuration that it is to use; null for the default one.</param>
    public static string Text(CageRecord cage, string command, string? conf)
    {
        ArgumentNullException.ThrowIfNull(cage);
        StringBuilder text = new();
        text.Append("[Unit]\n").Append($"Description=Cage {Escape(cage.Name)}\n").Append("After=local-fs.target network.target\n").Append($"RequiresMountsFor={Quote(cage.Path)}\n");
        // What runs in a cage is in the cage's own control group: systemd has nothing to kill, and waits for the command.
        text.Append("\n[Service]\nType=oneshot\nRemainAfterExit=yes\n");
        if (conf is not null) text.Append($"Environment={Quote($"{StoreSettings.FileVariable}={conf}")}\n");
        text.Append($"ExecStart={Quote(command)} start {cage.Id:D}\nExecStop={Quote(command)} stop {cage.Id:D}\n\n[Install]\nWantedBy={Target}\n");
        return text.ToString();
    }

    /// <summary>Writes and enables the unit, or leaves all as it was. Returns its path.</summary>
    /// <exception cref="CageException">CageHostUnsupported: systemd does not run here; what systemctl said.</exception>
    internal static string Register(CageRecord cage, string command, string? conf, CancellationToken cancellation)
    {
        RequireSystemd();
        if (Files.StatusFollowed(command) is not { IsExecutable: true })
            throw new CageException(CageError.CageHostUnsupported, $"systemd could not execute {command} (EACCES): it is not marked so.", $"The package that it came in lost its mode: chmod +x {command}", cage.Name);
        string path = PathOf(cage);
        bool wasEnabled = IsEnabled(cage);
        byte[]? before = Read(path);
        cancellation.ThrowIfCancellationRequested();
        AtomicFile.Write(path, Encoding.UTF8.GetBytes(Text(cage, command, conf)));
        try
        {
            HostTool.Run($"Enabling {NameOf(cage)}", ["systemctl", "enable", NameOf(cage)], cancellation);
        }
        catch
        {
            // The file before its link: a systemd that was asked already finds nothing to enable any more.
            if (before is null) Files.Unlink(path);
            else AtomicFile.Write(path, before);
            if (!wasEnabled) Files.Unlink(LinkOf(cage));
            throw;
        }
        return path;
    }

    /// <summary>Disables and removes the unit, or leaves it as it was; whether there was one.</summary>
    /// <exception cref="CageException">As <see cref="Register"/>.</exception>
    internal static bool Unregister(CageRecord cage, CancellationToken cancellation)
    {
        RequireSystemd();
        if (Find(cage) is not string path) return false;
        try
        {
            HostTool.Run($"Disabling {NameOf(cage)}", ["systemctl", "disable", NameOf(cage)], cancellation);
        }
        catch (OperationCanceledException) when (!IsEnabled(cage))
        {
            // It came too late: what is half taken back is taken back.
        }
        Files.Unlink(path);
        HostTool.Run("Telling systemd", ["systemctl", "daemon-reload"], cancellation);
        return true;
    }

    /// <summary>The unit's path; null where there is none.</summary>
    internal static string? Find(CageRecord cage) => Files.Status(PathOf(cage)) is null ? null : PathOf(cage);

    /// <summary>Takes away the unit of a cage that has been removed, if it had one: the host would try to start it at each boot.</summary>
    internal static void Forget(CageRecord cage)
    {
        if (Find(cage) is not string path) return;
        if (IsBooted)
        {
            Unregister(cage, CancellationToken.None);
            return;
        }
        try
        {
            Files.Unlink(path);
            Files.Unlink(LinkOf(cage));
        }
        catch (LinuxException e)
        {
            throw CageException.Store("Removing", path, e);
        }
    }

    // As sd_booted(3).
    private static bool IsBooted => Files.Status(Mark) is { IsDirectory: true };

    private static string PathOf(CageRecord cage) => $"{Folder}/{NameOf(cage)}";

    /// <summary>What enabling makes, by what the unit says (WantedBy).</summary>
    private static string LinkOf(CageRecord cage) => $"{Folder}/{Target}.wants/{NameOf(cage)}";

    private static bool IsEnabled(CageRecord cage) => Files.Status(LinkOf(cage)) is not null;

    private static byte[]? Read(string path)
    {
        using Descriptor? file = Files.TryOpen(path, Files.O_RDONLY);
        return file is null ? null : Files.ReadAll(file);
    }

    private static void RequireSystemd()
    {
        if (!IsBooted)
            throw new CageException(
                CageError.CageHostUnsupported, $"This host was not booted with systemd: {Mark} is not there (ENOENT).", "Let what starts your services run \"cage start ID\" (cron has @reboot).");
    }

    private static string Escape(string text) => text.Replace("%", "%%");

    private static string Quote(string text) => $"\"{Escape(text).Replace("\\", "\\\\").Replace("\"", "\\\"")}\"";
}
