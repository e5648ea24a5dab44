using Cage.Engine.Network;
using Cage.Engine.Runtime;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>How a cage is stopped.</summary>
public sealed record StopOptions
{
    /// <summary>How long the stop script may take, and then what runs after TERM.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Kill at once, without the script, and detach lazily what stays busy.</summary>
    public bool Force { get; init; }
}

/// <summary>Makes the plan of a stop from what the kernel says is there: the reverse of a start, also of one that never came to its end.</summary>
internal static class StopPlanner
{
    /// <summary>Nothing to do gives an empty plan.</summary>
    public static Plan For(StoreSettings settings, CageInfo cage, StopOptions options)
    {
        List<Step> steps = [];
        CageRecord record = cage.Record;
        if (cage.State == CageState.Suspended && !(options.Force && Freezer.LetsKill)) steps.Add(new ResumeProcesses(cage.Id));
        if (cage.State == CageState.Suspended) cage = cage.Resumed();
        TimeSpan patience = options.Force ? TimeSpan.Zero : options.Patience;
        if (cage.State == CageState.Running && record.Stop.Length > 0 && !options.Force)
            steps.Add(new RunStopScript(cage, $"{record.Path}/{record.Stop}", patience));
        int[] running = [.. CageProcesses.Find(cage).Where(pid => pid != cage.ProcessId)];
        if (running.Length > 0 || record.Stop.Length > 0) steps.Add(new EndProcesses(cage, running, patience));
        if (cage.ProcessId is not null) steps.Add(new EndInit(cage));
        if (record.Network.Mode == NetworkMode.Private && (cage.State != CageState.Stopped || new PrivateNetwork(cage.Id).Exists)) steps.Add(new DisconnectNetwork(cage.Id));
        if (Files.Status(record.MountPath) is { IsMountRoot: true })
        {
            steps.Add(new UnmountTree(cage, record.MountPath, options.Force));
            steps.Add(new FindLeftMounts(cage, record.MountPath));
        }
        else if (record.Isolation == CageIsolation.Chroot && ControlGroup.Of(cage.Id) is { Exists: true })
        {
            // It may have been started in another mount namespace.
            steps.Add(new FindLeftMounts(cage, record.MountPath));
        }
        if (ControlGroup.Of(cage.Id) is { Exists: true } || LegacyGroups.Of(cage.Id).Any()) steps.Add(new RemoveControlGroup(cage.Id));
        if (Files.Status(InitHint.PathOf(settings, cage.Id)) is not null) steps.Add(new ForgetInit(settings, cage.Id));
        return new Plan(cage.Name, steps);
    }
}
