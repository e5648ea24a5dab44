using System.Globalization;
using System.Text;
using Cage.Engine.Runtime;
using Cage.Interop;

namespace Cage.Engine.State;

/// <summary>What the processes of a running cage use: as its control groups count where they do, else added up from /proc.</summary>
internal sealed class RunningUsage(CageInfo cage)
{
    private const long Microsecond = TimeSpan.TicksPerMillisecond / 1000, TicksPerClock = TimeSpan.TicksPerSecond / 100;

    private readonly string? _group = ControlGroup.Of(cage.Id) is { Exists: true } group ? group.Path : null;

    private readonly IReadOnlyCollection<int> _processes = CageProcesses.Find(cage);

    public CageUsage AddTo(CageUsage usage)
    {
        long? time = Number(_group, "cpu.stat", "usage_usec"), memory = Number(_group, "memory.current") ?? Number(Legacy("memory"), "memory.usage_in_bytes");
        (long Read, long Written)? io = GroupIO();
        (long Read, long Written) each = io ?? Sum();
        return usage with
        {
            Processes = _processes.Count,
            ProcessorTime = time is long microseconds ? TimeSpan.FromTicks(microseconds * Microsecond) : TimeSpan.FromTicks(_processes.Sum(ProcessTime) * TicksPerClock),
            ProcessorTimeSource = Source(time is not null),
            Memory = memory ?? _processes.Sum(pid => (Field($"/proc/{pid}/smaps_rollup", "Pss:") ?? 0) * 1024),
            MemorySource = Source(memory is not null),
            BytesRead = each.Read,
            BytesWritten = each.Written,
            IOSource = Source(io is not null),
        };
    }

    private static UsageSource Source(bool isGroup) => isGroup ? UsageSource.Group : UsageSource.Processes;

    private string? Legacy(string controller) => LegacyGroups.Hierarchy(controller) is string root && new GroupFolder(root, cage.Id) is { Exists: true } folder ? folder.Path : null;

    private (long Read, long Written) Sum() =>
        (_processes.Sum(pid => Field($"/proc/{pid}/io", "read_bytes:") ?? 0), _processes.Sum(pid => Field($"/proc/{pid}/io", "write_bytes:") ?? 0));

    /// <summary>A line of io.stat is "8:0 rbytes=1 wbytes=2 …", one for each disk.</summary>
    private (long Read, long Written)? GroupIO()
    {
        if (_group is null || TryRead($"{_group}/io.stat") is not string text) return null;
        string[] words = text.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        long Sum(string key) => words.Where(word => word.StartsWith(key, StringComparison.Ordinal)).Sum(word => long.Parse(word.AsSpan(key.Length), CultureInfo.InvariantCulture));
        return (Sum("rbytes="), Sum("wbytes="));
    }

    private static long ProcessTime(int pid)
    {
        if (TryRead($"/proc/{pid}/stat") is not string text) return 0;
        // utime and stime are fields 14 and 15 (proc_pid_stat(5)); what follows the name begins with field 3.
        string[] fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
    }

    private static long? Number(string? group, string file, string? key = null) =>
        group is null || TryRead($"{group}/{file}") is not string text ? null
        : key is null ? long.Parse(text.AsSpan().Trim(), CultureInfo.InvariantCulture) : Value(text, key + " ");

    private static long? Field(string path, string key) => TryRead(path) is string text ? Value(text, key) : null;

    private static long? Value(string text, string key)
    {
        foreach (string line in text.Split('\n'))
            if (line.StartsWith(key, StringComparison.Ordinal)) return long.Parse(line[key.Length..].Trim().Split(' ')[0], CultureInfo.InvariantCulture);
        return null;
    }

    /// <summary>Null for what is not there, or went while it was read.</summary>
    private static string? TryRead(string path)
    {
        try
        {
            using Descriptor? file = Files.TryOpen(path, Files.O_RDONLY);
            return file is null ? null : Encoding.UTF8.GetString(Files.ReadAll(file));
        }
        catch (LinuxException e) when (e.Number is Errno.ESRCH or Errno.ENODEV)
        {
            return null;
        }
    }
}
