using System.Buffers.Text;
using System.Text;
using Cage.Interop;

namespace Cage.Engine.State;

/// <summary>What /proc/pid/stat tells that Cage needs (proc_pid_stat(5)).</summary>
/// <param name="Name">The command's name, 15 bytes; no terminal obeys anything in it (<see cref="PlainText"/>).</param>
/// <param name="State">A letter: R, S, D, Z…</param>
/// <param name="Parent">The parent's number.</param>
/// <param name="StartTime">Clock ticks since boot.</param>
/// <param name="Flags">The kernel's own, PF_EXITING among them (include/linux/sched.h).</param>
/// <param name="Pending">The signals that wait for it, 1 to 31, as bits.</param>
internal readonly record struct ProcessStat(string Name, char State, int Parent, ulong StartTime, ulong Flags, ulong Pending)
{
    private const ulong PF_EXITING = 4, SigKillBit = 1ul << (Processes.SIGKILL - 1);

    public bool IsDead => State is 'Z' or 'X';

    /// <summary>Whether it is about to be dead, and nothing can keep it from that.</summary>
    public bool IsDying => !IsDead && ((Flags & PF_EXITING) != 0 || (Pending & SigKillBit) != 0);

    /// <summary>Null when there is no such process.</summary>
    public static ProcessStat? Read(int pid) => Read($"/proc/{pid}");

    /// <summary>Each of its threads; none when there is no such process.</summary>
    public static IReadOnlyList<ProcessStat?> ReadThreads(int pid)
    {
        try
        {
            return [.. Directory.EnumerateDirectories($"/proc/{pid}/task").Select(Read)];
        }
        catch (IOException)
        {
            return [];
        }
    }

    private static ProcessStat? Read(string folder)
    {
        try
        {
            using Descriptor? file = Files.TryOpen($"{folder}/stat", Files.O_RDONLY);
            if (file is null) return null;
            Span<byte> buffer = stackalloc byte[1024];
            return Parse(buffer[..Files.Read(file, buffer)]);
        }
        catch (LinuxException e) when (e.Number == Errno.ESRCH)
        {
            return null;
        }
    }

    /// <summary>The name may hold spaces and parentheses: it ends at the last one.</summary>
    private static ProcessStat? Parse(ReadOnlySpan<byte> line)
    {
        int open = line.IndexOf((byte)'('), close = line.LastIndexOf((byte)')');
        if (open < 0 || close < open + 1 || close + 3 >= line.Length) return null;
        ReadOnlySpan<byte> rest = line[(close + 2)..];
        ulong start = 0, flags = 0, pending = 0;
        long parent = 0;
        for (int field = 3; field <= 31; field++)
        {
            int space = rest.IndexOf((byte)' ');
            ReadOnlySpan<byte> word = space < 0 ? rest : rest[..space];
            if (field == 4 && !Utf8Parser.TryParse(word, out parent, out _)) return null;
            if (field == 9 && !Utf8Parser.TryParse(word, out flags, out _)) return null;
            if (field == 31 && !Utf8Parser.TryParse(word, out pending, out _)) return null;
            if (field == 22 && !Utf8Parser.TryParse(word, out start, out _)) return null;
            rest = space < 0 ? [] : rest[(space + 1)..];
        }
        return new ProcessStat(PlainText.Line(Encoding.UTF8.GetString(line[(open + 1)..close])), (char)line[close + 2], (int)parent, start, flags, pending);
    }
}
