using System.Globalization;
using System.Text;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.State;

/// <summary>Where a cage's init may be found: its number and start time, in a file under the run folder. Only a hint: it counts when a
/// process of that number with that very start time is there.</summary>
/// <param name="Pid">The init's number on the host.</param>
/// <param name="StartTime">When it started, in clock ticks since boot (proc_pid_stat(5), field 22).</param>
public readonly record struct InitHint(int Pid, ulong StartTime)
{
    internal static string PathOf(StoreSettings settings, Guid id) => $"{settings.Run}/{id:D}";

    /// <summary>The verified hint of a cage; null when no init of it runs.</summary>
    public static InitHint? Read(StoreSettings settings, Guid id)
    {
        ArgumentNullException.ThrowIfNull(settings);
        Span<byte> buffer = stackalloc byte[64];
        // What is no file (a folder, a pipe without end), or not root's, is no note either: whoever is to write or remove it says so.
        using Descriptor? file = Files.TryOpen(PathOf(settings, id), Files.O_RDONLY | Files.O_NONBLOCK);
        if (file is null || Files.Status(file) is not { IsRegular: true, Uid: 0 }) return null;
        string[] words = Encoding.ASCII.GetString(buffer[..Files.Read(file, buffer)]).Split(' ', '\n');
        if (words.Length < 2 || !int.TryParse(words[0], out int pid) || !ulong.TryParse(words[1], out ulong start)) return null;
        return ProcessStat.Read(pid) is ProcessStat stat && stat.StartTime == start && !stat.IsDead ? new InitHint(pid, start) : null;
    }

    internal static void Write(StoreSettings settings, Guid id, int pid)
    {
        ProcessStat stat = ProcessStat.Read(pid) ?? throw new LinuxException(Errno.ESRCH, "open", $"/proc/{pid}/stat");
        using Descriptor file = Create(settings, id);
        Files.Write(file, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{pid} {stat.StartTime}\n")));
    }

    internal static void Remove(StoreSettings settings, Guid id) => Files.Unlink(PathOf(settings, id));

    private static Descriptor Create(StoreSettings settings, Guid id)
    {
        RunFolder.Ensure(settings);
        return Files.Open(PathOf(settings, id), Files.O_WRONLY | Files.O_CREAT | Files.O_TRUNC | Files.O_NOFOLLOW, 0x1a4);
    }
}
