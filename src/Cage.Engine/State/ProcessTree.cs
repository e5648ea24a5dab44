using System.Globalization;
using Cage.Engine.Runtime;
using Cage.Interop;

namespace Cage.Engine.State;

/// <summary>A process with all that it has started, as long as those who did have not ended.</summary>
internal static class ProcessTree
{
    /// <summary>Ends them all: TERM, and KILL for what is still there after <paramref name="patience"/>. The uppermost is a child of the caller's, who waits for it afterwards.</summary>
    public static void End(int top, TimeSpan patience)
    {
        List<Descriptor> handles = [.. Find(top).Select(Processes.TryOpen).OfType<Descriptor>()];
        try
        {
            foreach (Descriptor handle in handles) Processes.Signal(handle, Processes.SIGTERM);
            long end = Environment.TickCount64 + (long)patience.TotalMilliseconds;
            foreach (Descriptor handle in handles)
                if (!ProcessWait.For(handle, TimeSpan.FromMilliseconds(Math.Max(0, end - Environment.TickCount64)), default)) Processes.Signal(handle, Processes.SIGKILL);
        }
        finally
        {
            foreach (Descriptor handle in handles) handle.Dispose();
        }
    }

    /// <summary>Their numbers, the uppermost first.</summary>
    private static List<int> Find(int top)
    {
        ILookup<int, int> children = Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder.AsSpan()), CultureInfo.InvariantCulture, out int pid) ? pid : 0).Where(pid => pid > 0)
            .ToLookup(pid => ProcessStat.Read(pid)?.Parent ?? 0);
        List<int> found = [top];
        for (int i = 0; i < found.Count; i++) found.AddRange(children[found[i]]);
        return found;
    }
}
