using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Runtime;

/// <summary>The processes of a cage: by control group and, where there is no pid namespace to hold them, by root or mount namespace too.</summary>
internal static class CageProcesses
{
    /// <summary>Their numbers, the init's included.</summary>
    public static IReadOnlyCollection<int> Find(CageInfo cage)
    {
        SortedSet<int> found = [.. ControlGroup.Of(cage.Id)?.Processes() ?? []];
        if (cage.ProcessId is int init) found.Add(init);
        switch (cage.Record.Isolation)
        {
            case CageIsolation.Chroot:
                found.UnionWith(ByLink("root", link => IsBeneath(link, cage.Record.MountPath)));
                break;
            case CageIsolation.Pivot when cage.ProcessId is int pid && Files.ReadLink($"/proc/{pid}/ns/mnt") is string view:
                found.UnionWith(ByLink("ns/mnt", link => link == view));
                break;
            case CageIsolation.Jail when cage.ProcessId is int pid && ControlGroup.Of(cage.Id) is null && Files.ReadLink($"/proc/{pid}/ns/pid") is string space:
                found.UnionWith(ByLink("ns/pid", link => link == space));
                break;
        }
        return found;
    }

    /// <summary>Kills them all, the init last, and waits until they are gone.</summary>
    public static void Kill(CageInfo cage) => End(cage, TimeSpan.Zero, default);

    /// <summary>Ends all but the init: TERM, and KILL for those that are still there after <paramref name="patience"/>.</summary>
    /// <exception cref="CageException">CageStopTimeout: one did not even end on KILL (it hangs in the kernel).</exception>
    public static void End(CageInfo cage, TimeSpan patience, CancellationToken cancellation)
    {
        if (patience > TimeSpan.Zero && SignalAll(cage, Processes.SIGTERM, patience, cancellation)) return;
        // What is forked while the list is read is caught by the group's own kill, and by another round.
        for (int round = 0; round < 50; round++)
        {
            if (cage.ProcessId is null) ControlGroup.Of(cage.Id)?.Kill();
            if (SignalAll(cage, Processes.SIGKILL, TimeSpan.FromMilliseconds(200), cancellation)) return;
        }
        int left = Find(cage).First(pid => pid != cage.ProcessId);
        throw new CageException(
            CageError.CageStopTimeout, $"Process {left} of \"{cage.Name}\" does not end even on SIGKILL.", "It hangs in the kernel (state D in ps): what it waits for has to be cleared.", cage.Name);
    }

    /// <summary>Signals all but the init and waits for them; whether none is left.</summary>
    private static bool SignalAll(CageInfo cage, int signal, TimeSpan patience, CancellationToken cancellation)
    {
        List<Descriptor> handles = OpenAll(cage);
        try
        {
            if (handles.Count == 0) return true;
            foreach (Descriptor handle in handles)
            {
                Processes.Signal(handle, signal);
                // A stopped process sees its TERM only once it goes on.
                if (signal == Processes.SIGTERM) Processes.Signal(handle, Processes.SIGCONT);
            }
            long end = Environment.TickCount64 + (long)patience.TotalMilliseconds;
            foreach (Descriptor handle in handles)
                if (!ProcessWait.For(handle, TimeSpan.FromMilliseconds(Math.Max(0, end - Environment.TickCount64)), cancellation)) return false;
            return !Alive(cage).Any();
        }
        finally
        {
            foreach (Descriptor handle in handles) handle.Dispose();
        }
    }

    /// <summary>Pidfds of all but the init. A number may have been used again between the list and its pidfd: what a second list has not is let go.</summary>
    private static List<Descriptor> OpenAll(CageInfo cage)
    {
        List<(int Pid, Descriptor Handle)> opened = [];
        foreach (int pid in Alive(cage))
            if (Processes.TryOpen(pid) is Descriptor handle) opened.Add((pid, handle));
        if (opened.Count == 0) return [];
        HashSet<int> still = [.. Alive(cage)];
        foreach (var (pid, handle) in opened)
            if (!still.Contains(pid)) handle.Dispose();
        return [.. opened.Where(entry => still.Contains(entry.Pid)).Select(entry => entry.Handle)];
    }

    private static IEnumerable<int> Alive(CageInfo cage) => Find(cage).Where(pid => pid != cage.ProcessId && ProcessStat.Read(pid) is { IsDead: false });

    private static IEnumerable<int> ByLink(string link, Func<string, bool> fits)
    {
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder.AsSpan()), out int pid)) continue;
            string? value;
            try
            {
                value = Files.ReadLink($"{folder}/{link}");
            }
            catch (LinuxException e) when (e.Number is Errno.EACCES or Errno.EPERM or Errno.ESRCH)
            {
                continue;
            }
            if (value is not null && fits(value)) yield return pid;
        }
    }

    private static bool IsBeneath(string path, string folder) =>
        path.StartsWith(folder, StringComparison.Ordinal) && (path.Length == folder.Length || path[folder.Length] == '/');
}
