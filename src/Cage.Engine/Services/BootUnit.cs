using System.Text;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Services;

/// <summary>A cage as a unit of the host's systemd, so that it runs when the host does: started and stopped by the command (systemd.unit(5)).</summary>
public static class BootUnit
{
    private const string Folder = "/etc/systemd/system", Mark = "/run/systemd/system";

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
        text.Append($"ExecStart={Quote(command)} start {cage.Id:D}\nExecStop={Quote(command)} stop {cage.Id:D}\n\n[Install]\nWantedBy=multi-user.target\n");
        return text.ToString();
    }

    /// <summary>Writes and enables the unit. Returns its path.</summary>
    /// <exception cref="CageException">CageHostUnsupported: systemd does not run here; what systemctl said.</exception>
    internal static string Register(CageRecord cage, string command, string? conf)
    {
        RequireSystemd();
        if (Files.StatusFollowed(command) is not { IsExecutable: true })
            throw new CageException(CageError.CageHostUnsupported, $"systemd could not execute {command} (EACCES): it is not marked so.", $"The package that it came in lost its mode: chmod +x {command}", cage.Name);
        string path = $"{Folder}/{NameOf(cage)}";
        AtomicFile.Write(path, Encoding.UTF8.GetBytes(Text(cage, command, conf)));
        try
        {
            HostTool.Run($"Enabling {NameOf(cage)}", "systemctl", "enable", NameOf(cage));
        }
        catch
        {
            Files.Unlink(path);
            throw;
        }
        return path;
    }

    /// <summary>Disables and removes the unit; whether there was one.</summary>
    /// <exception cref="CageException">As <see cref="Register"/>.</exception>
    internal static bool Unregister(CageRecord cage)
    {
        RequireSystemd();
        string path = $"{Folder}/{NameOf(cage)}";
        if (Files.Status(path) is null) return false;
        HostTool.Run($"Disabling {NameOf(cage)}", "systemctl", "disable", NameOf(cage));
        Files.Unlink(path);
        HostTool.Run("Telling systemd", "systemctl", "daemon-reload");
        return true;
    }

    private static void RequireSystemd()
    {
        // As sd_booted(3).
        if (Files.Status(Mark) is not { IsDirectory: true })
            throw new CageException(
                CageError.CageHostUnsupported, $"This host was not booted with systemd: {Mark} is not there (ENOENT).", "Let what starts your services run \"cage start ID\" (cron has @reboot).");
    }

    private static string Escape(string text) => text.Replace("%", "%%");

    private static string Quote(string text) => $"\"{Escape(text).Replace("\\", "\\\\").Replace("\"", "\\\"")}\"";
}
