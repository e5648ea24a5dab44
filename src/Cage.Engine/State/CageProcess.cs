using System.Globalization;
using System.Text;
using Cage.Engine.Runtime;
using Cage.Interop;

namespace Cage.Engine.State;

/// <summary>A process of a running cage.</summary>
/// <param name="Cage">The cage's name.</param>
/// <param name="CageId">The cage's id.</param>
/// <param name="Id">Its number on the host.</param>
/// <param name="InsideId">Its number in the cage; the same where the cage has no pid namespace.</param>
/// <param name="ParentId">Its parent's number on the host.</param>
/// <param name="Name">The command's name, 15 bytes at most.</param>
/// <param name="CommandLine">The command with its arguments, the first 64 KiB of them. What a terminal would obey is told by its number, as in the name: who runs there chooses both.</param>
/// <param name="UserId">The user it runs as.</param>
/// <param name="StartTime">Since when.</param>
/// <param name="IsInit">Whether it is the cage's init.</param>
public sealed record CageProcess(
    string Cage, Guid CageId, int Id, int InsideId, int ParentId, string Name, string CommandLine, uint UserId, DateTimeOffset StartTime, bool IsInit)
{
    private const int LongestText = 65536;

    internal static IReadOnlyList<CageProcess> Of(CageInfo cage)
    {
        ArgumentNullException.ThrowIfNull(cage);
        if (cage.State == CageState.Stopped) return [];
        List<CageProcess> processes = [.. Array.ConvertAll([.. CageProcesses.Find(cage)], pid => Read(cage, pid)).OfType<CageProcess>()];
        processes.Sort(ByAge);
        return processes;
    }

    /// <summary>The init, then the oldest first: numbers do not tell, since the kernel begins again when it has come to the last one.</summary>
    internal static int ByAge(CageProcess one, CageProcess other) =>
        one.IsInit != other.IsInit ? other.IsInit.CompareTo(one.IsInit)
        : one.StartTime != other.StartTime ? one.StartTime.CompareTo(other.StartTime)
        : one.Id.CompareTo(other.Id);

    private static CageProcess? Read(CageInfo cage, int pid)
    {
        if (ProcessStat.Read(pid) is not ProcessStat stat) return null;
        try
        {
            string status = Text($"/proc/{pid}/status"), command = PlainText.Line(Text($"/proc/{pid}/cmdline").TrimEnd('\0').Replace('\0', ' '));
            return new CageProcess(
                cage.Name, cage.Id, pid, (int)Field(status, "NSpid:", last: true), stat.Parent, stat.Name, command.Length == 0 ? $"[{stat.Name}]" : command,
                (uint)Field(status, "Uid:", last: false), BootClock.ToTime(stat.StartTime), pid == cage.ProcessId);
        }
        catch (LinuxException e) when (e.Number is Errno.ENOENT or Errno.ESRCH)
        {
            return null;
        }
    }

    private static string Text(string path)
    {
        using Descriptor file = Files.Open(path, Files.O_RDONLY);
        byte[] bytes = new byte[LongestText];
        return Encoding.UTF8.GetString(bytes, 0, Files.ReadAt(file, bytes, 0));
    }

    private static long Field(string status, string name, bool last)
    {
        string line = status.Split('\n').First(candidate => candidate.StartsWith(name, StringComparison.Ordinal));
        string[] values = line[name.Length..].Split('\t', StringSplitOptions.RemoveEmptyEntries);
        return long.Parse(last ? values[^1] : values[0], CultureInfo.InvariantCulture);
    }
}
