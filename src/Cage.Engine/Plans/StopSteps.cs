using Cage.Engine.Runtime;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>Runs the cage's stop script inside, while everything is still there.</summary>
internal sealed record RunStopScript(CageInfo Cage, string Path, TimeSpan Limit) : Step
{
    public override string Action => $"run the stop script inside (for at most {Limit.TotalSeconds:0} s)";

    public override string Target => Path;

    public override TimeSpan? Patience => Limit;

    internal override void Do(StepContext context) => CageScript.Run(Cage, Path, Limit, context.Cancellation);
}

/// <summary>Lets a suspended cage go on, since what stands still sees no signal.</summary>
internal sealed record ResumeProcesses(Guid Id) : Step
{
    public override string Action => "resume what is suspended";

    internal override void Do(StepContext context) => Freezer.Thaw(Id);
}

/// <summary>Ends what runs in the cage but its init.</summary>
internal sealed record EndProcesses(CageInfo Cage, IReadOnlyCollection<int> Running, TimeSpan Limit) : Step
{
    public override string Action => Limit == TimeSpan.Zero ? "kill what runs" : $"end what runs (TERM, KILL after {Limit.TotalSeconds:0} s)";

    public override string Target => Running.Count == 0 ? "nothing does now" : string.Join(' ', Running);

    public override TimeSpan? Patience => Limit;

    internal override void Do(StepContext context) => CageProcesses.End(Cage, Limit, context.Cancellation);
}

/// <summary>Kills the init; the kernel takes its namespaces, and every mount in them, away.</summary>
internal sealed record EndInit(CageInfo Cage) : Step
{
    public override string Action => "kill the init, and with it the cage's namespaces and mounts";

    public override string Target => $"{Cage.ProcessId}";

    internal override void Do(StepContext context)
    {
        using Descriptor? init = Cage.OpenInit();
        if (init is not null) InitEnd.Kill(Cage.Name, Cage.ProcessId!.Value, init);
    }
}

/// <summary>Unmounts all that is at and beneath the mount point, the last first. [004]</summary>
internal sealed record UnmountTree(CageInfo Cage, string Path, bool MayDetach) : Step
{
    private const int Attempts = 20, Pause = 10;

    public override string Action => MayDetach ? "unmount, detaching lazily what is busy" : "unmount";

    public override string Target => string.Join(' ', MountTable.Read().Beneath(Path).Reverse().Select(mount => mount.MountPoint));

    internal override void Do(StepContext context)
    {
        foreach (MountEntry mount in MountTable.Read().Beneath(Path).Reverse()) Unmount(mount.MountPoint, context);
    }

    private void Unmount(string path, StepContext context)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                Mounts.Unmount(path);
                return;
            }
            catch (LinuxException e) when (e.Number == Errno.EINVAL)
            {
                // It went with another one, or somebody was quicker.
                return;
            }
            catch (LinuxException e) when (e.Number == Errno.EBUSY && attempt < Attempts)
            {
                // What was killed a moment ago may still be letting go of its files, and what was started meanwhile was in no list.
                ControlGroup.Of(Cage.Id)?.Kill();
                Thread.Sleep(Pause);
            }
            catch (LinuxException e) when (e.Number == Errno.EBUSY)
            {
                string holders = MountHolders.Describe(path);
                if (!MayDetach)
                    throw new CageException(CageError.CageBusy, $"{path} of \"{Cage.Name}\" stays busy (EBUSY): {holders}.", $"End that, or stop with {Face.Call("--force", "-Force")} to detach it lazily.", Cage.Name, e);
                Mounts.Unmount(path, detach: true);
                context.Warn($"{path} was detached lazily: {holders}.");
                return;
            }
            catch (LinuxException e)
            {
                throw new CageException(CageError.CageMountFailed, $"{path} of \"{Cage.Name}\" was not unmounted: {e.Message}.", target: Cage.Name, inner: e);
            }
        }
    }
}

/// <summary>Looks whether another mount namespace, copied while the cage was up, still has its mounts, and names who lives there.</summary>
internal sealed record FindLeftMounts(CageInfo Cage, string Path) : Step
{
    private const int Attempts = 5, Pause = 10;

    public override string Action => "look for mounts of it left in other mount namespaces";

    public override string Target => Path;

    internal override void Do(StepContext context)
    {
        IReadOnlyList<string> holders = [];
        // The init of another cage that starts this moment has a copy of all the host's mounts, and lets go of them.
        for (int attempt = 0; attempt < Attempts && (attempt == 0 || holders.Count > 0); attempt++)
        {
            if (attempt > 0) Thread.Sleep(Pause);
            holders = [.. MountHolders.InOtherNamespaces(Path)];
        }
        foreach (string holder in holders) context.Warn($"{Path} is still mounted in the mount namespace of {holder}.");
    }
}

/// <summary>Takes the control group away, and those of version 1 where there are any.</summary>
internal sealed record RemoveControlGroup(Guid Id) : Step
{
    public override string Action => "remove the control group";

    public override string Target => string.Join(' ', LegacyGroups.Of(Id).Select(group => group.Path).Prepend(ControlGroup.Of(Id)?.Path));

    /// <summary>The init of a start that was killed may have come up only after what runs was looked for.</summary>
    internal override void Do(StepContext context)
    {
        ControlGroup.Of(Id)?.Remove(kill: true);
        LegacyGroups.Remove(Id);
        foreach (string path in LegacyGroups.Of(Id).Select(group => group.Path).Append(ControlGroup.Of(Id) is { Exists: true } group ? group.Path : null).OfType<string>())
            context.Warn($"The control group {path} stays (EBUSY): something in it hangs in the kernel. Stop the cage again later.");
    }
}

/// <summary>Takes the note of the init away.</summary>
internal sealed record ForgetInit(StoreSettings Settings, Guid Id) : Step
{
    public override string Action => "remove the note of the init";

    public override string Target => InitHint.PathOf(Settings, Id);

    internal override void Do(StepContext context) => InitHint.Remove(Settings, Id);
}
