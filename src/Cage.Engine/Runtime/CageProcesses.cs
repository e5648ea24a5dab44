using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Runtime;

/// <summary>The processes of a cage: by control group and, where there is no pid namespace to hold them, by root or mount namespace too.</summary>
internal static class CageProcesses
{
    private const int KillLimit = 10_000, DyingLimit = 1000, AliveLooks = 20;

    /// <summary>Their numbers, the init's included.</summary>
    public static IReadOnlyCollection<int> Find(CageInfo cage)
    {
        SortedSet<int> found = [.. ControlGroup.Of(cage.Id)?.Processes() ?? []];
        if (cage.ProcessId is int init) found.Add(init);
        switch (cage.Record.Isolation)
        {
            case CageIsolation.Chroot:
                found.UnionWith(ByLink("root", link => MountHolders.IsBeneath(link, cage.Record.MountPath)));
                break;
            case CageIsolation.Pivot when cage.ProcessId is int pid && TryReadLink($"/proc/{pid}/ns/mnt") is string view:
                found.UnionWith(ByLink("ns/mnt", link => link == view));
                break;
            case CageIsolation.Jail when cage.ProcessId is int pid && ControlGroup.Of(cage.Id) is null && TryReadLink($"/proc/{pid}/ns/pid") is string space:
                found.UnionWith(ByLink("ns/pid", link => link == space));
                break;
        }
        return found;
    }

    /// <summary>Waits, for a second at most, for what is dying already: after a crash a cage is neither running nor stopped for a moment.</summary>
    /// <param name="look">Asks the kernel about the cage anew.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <returns>The cage as it is then.</returns>
    public static CageInfo AwaitDying(Func<CageInfo> look, CancellationToken cancellation)
    {
        CageInfo cage = look();
        // Between the signal that is taken and the exit that begins nothing tells: only what sleeps, or lives on for a while, is not dying.
        for (int waited = 0, alive = 0; waited < DyingLimit && alive < AliveLooks && IsThere(cage) && !LivesOn(cage); waited++, cage = look())
        {
            cancellation.ThrowIfCancellationRequested();
            alive = IsDying(cage) ? 0 : alive + 1;
            Thread.Sleep(1);
        }
        return cage;
    }

    /// <summary>Whether it runs for certain. What has a KILL to take is woken to take it; what has taken it does not sleep any more.</summary>
    private static bool LivesOn(CageInfo cage) =>
        cage.ProcessId is int init ? ProcessStat.ReadThreads(init) is { Count: > 0 } threads && threads.All(thread => thread is { State: 'S', IsDying: false })
            : cage.State != CageState.Stopped && cage.Record.Isolation == CageIsolation.Chroot;

    private static bool IsThere(CageInfo cage) => cage.State != CageState.Stopped || ControlGroup.Of(cage.Id)?.Processes() is { Count: > 0 };

    private static bool IsDying(CageInfo cage)
    {
        IReadOnlyList<int> group = ControlGroup.Of(cage.Id)?.Processes() ?? [];
        // With the init of a Jail the kernel kills all others, but only after the last of its threads.
        if (cage.ProcessId is null && cage.Record.Isolation == CageIsolation.Jail) return group.Count > 0;
        return group.Append(cage.ProcessId ?? 0).Any(pid => pid > 0 && ProcessStat.Read(pid) is { IsDying: true });
    }

    /// <summary>Kills them all and waits until they are gone.</summary>
    public static void Kill(CageInfo cage) => End(cage, TimeSpan.Zero, default);

    /// <summary>Ends all but the init: TERM, and KILL, for the init too, when some are still there after <paramref name="patience"/>.</summary>
    /// <exception cref="CageException">CageStopTimeout: one did not even end on KILL (it hangs in the kernel).</exception>
    public static void End(CageInfo cage, TimeSpan patience, CancellationToken cancellation)
    {
        if (patience > TimeSpan.Zero && SignalAll(cage, Processes.SIGTERM, patience, cancellation)) return;
        long end = Environment.TickCount64 + KillLimit;
        while (Environment.TickCount64 < end)
        {
            // What forks all the time is in no list by the time that is read: the group's own kill misses none, and the init is of no use any more.
            ControlGroup.Of(cage.Id)?.Kill();
            if (SignalAll(cage, Processes.SIGKILL, TimeSpan.FromMilliseconds(200), cancellation)) return;
            // One whose main thread is dead has a number no more, but is in the group until its last has ended.
            Thread.Sleep(1);
        }
        int left = Find(cage).FirstOrDefault(pid => pid != cage.ProcessId);
        throw new CageException(
            CageError.CageStopTimeout, $"Process {left} of \"{cage.Name}\" does not end even on SIGKILL.", "It hangs in the kernel (state D in ps): what it waits for has to be cleared.", cage.Name);
    }

    /// <summary>Signals all but the init and waits for them; whether none is left.</summary>
    private static bool SignalAll(CageInfo cage, int signal, TimeSpan patience, CancellationToken cancellation)
    {
        List<Descriptor> handles = OpenAll(cage);
        try
        {
            foreach (Descriptor handle in handles) CommandSignal.HandOn(handle, signal);
            long end = Environment.TickCount64 + (long)patience.TotalMilliseconds;
            foreach (Descriptor handle in handles)
                if (!ProcessWait.For(handle, TimeSpan.FromMilliseconds(Math.Max(0, end - Environment.TickCount64)), cancellation)) return false;
            // Not whether those listed live: what has forked and ended between the list and the look has left another.
            return Find(cage).All(pid => pid == cage.ProcessId);
        }
        finally
        {
            foreach (Descriptor handle in handles) handle.Dispose();
        }
    }

    /// <summary>Pidfds of all but the init. A number may have been used again between the list and its pidfd: what a second list has not is let go.</summary>
    private static List<Descriptor> OpenAll(CageInfo cage)
    {
        Dictionary<int, Descriptor> opened = [];
        foreach (int pid in Alive(cage))
            if (Processes.TryOpen(pid) is Descriptor handle) opened.Add(pid, handle);
        if (opened.Count == 0) return [];
        HashSet<int> still = [.. Alive(cage)];
        foreach (var (pid, handle) in opened)
            if (!still.Contains(pid) && opened.Remove(pid)) handle.Dispose();
        return [.. opened.Values];
    }

    private static IEnumerable<int> Alive(CageInfo cage) => Find(cage).Where(pid => pid != cage.ProcessId && ProcessStat.Read(pid) is { IsDead: false });

    private static IEnumerable<int> ByLink(string link, Func<string, bool> fits)
    {
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder.AsSpan()), out int pid)) continue;
            string? value = TryReadLink($"{folder}/{link}");
            if (value is not null && fits(value)) yield return pid;
        }
    }

    /// <summary>Null too for a process that ends this moment, which is EACCES even for root (proc_ns_readlink in the kernel's fs/proc/namespaces.c).</summary>
    private static string? TryReadLink(string path)
    {
        try
        {
            return Files.ReadLink(path);
        }
        catch (LinuxException e) when (e.Number is Errno.EACCES or Errno.EPERM or Errno.ESRCH)
        {
            return null;
        }
    }
}
