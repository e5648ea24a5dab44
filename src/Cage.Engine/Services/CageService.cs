using System.Globalization;
using System.Text;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Services;

/// <summary>A service of a cage, as its lock tells: who has that is its supervisor, and nobody has it when it does not run.</summary>
/// <param name="Cage">The cage's name.</param>
/// <param name="CageId">The cage's id.</param>
/// <param name="Name">The service's name.</param>
/// <param name="State">Running or Stopped.</param>
/// <param name="ProcessId">Its main process's number on the host; null when it does not run, or is about to be started again.</param>
/// <param name="SupervisorId">Its supervisor's number on the host; null when it does not run.</param>
/// <param name="StartTime">When its supervisor started; null when it does not run.</param>
/// <param name="LogPath">Where its log is.</param>
public sealed record CageService(
    string Cage, Guid CageId, string Name, CageState State, int? ProcessId, int? SupervisorId, DateTimeOffset? StartTime, string LogPath)
{
    /// <summary>In place of the main process's number: it has ended, and is perhaps to be started again.</summary>
    internal const int NoMain = 0;

    private const string Ending = ".lock";

    /// <summary>The services that a cage has, or had, by name.</summary>
    public static IReadOnlyList<CageService> Of(CageRecord cage)
    {
        ArgumentNullException.ThrowIfNull(cage);
        string folder = $"{cage.Path}/{CageLog.Folder}";
        if (!Directory.Exists(folder)) return [];
        return [.. Directory.EnumerateFiles(folder, $"*{Ending}").Order(StringComparer.Ordinal).Select(path => Look(cage, Path.GetFileNameWithoutExtension(path)))];
    }

    /// <summary>One service at this moment.</summary>
    internal static CageService Look(CageRecord cage, string name)
    {
        using Descriptor file = OpenLock(cage, name);
        int? holder = RecordLock.Holder(file), main = null;
        if (holder is not null && int.TryParse(Encoding.ASCII.GetString(Files.ReadAll(file, 64)), CultureInfo.InvariantCulture, out int noted) && noted != NoMain) main = noted;
        DateTimeOffset? start = holder is int pid && ProcessStat.Read(pid) is ProcessStat stat ? BootClock.ToTime(stat.StartTime) : null;
        return new CageService(cage.Name, cage.Id, name, holder is null ? CageState.Stopped : CageState.Running, main, holder, start, CageLog.PathOf(cage, name));
    }

    /// <summary>Opens a service's lock, which is made where it is missing, with the folder for logs.</summary>
    internal static Descriptor OpenLock(CageRecord cage, string name)
    {
        string folder = $"{cage.Path}/{CageLog.Folder}";
        if (Files.Status(folder) is null) Files.MakeDirectory(folder, 0x1c0);
        return Files.Open($"{folder}/{name}{Ending}", Files.O_RDWR | Files.O_CREAT | Files.O_NOFOLLOW, 0x180);
    }

    /// <summary>Writes down the main process, which is asked for only while the lock is held. By this very descriptor: to close another would give
    /// the lock up. Numbers have the same length, so that one replaces another.</summary>
    internal static void NoteMain(Descriptor file, int pid) => Files.WriteAt(file, Encoding.ASCII.GetBytes(pid.ToString("0000000000", CultureInfo.InvariantCulture)), 0);
}
