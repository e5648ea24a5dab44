using Cage.Engine.Runtime;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>Makes the control group that everything in the cage is born in.</summary>
/// <param name="Id">The cage's id.</param>
/// <param name="Held">Whether it goes with the command that makes it.</param>
internal sealed record MakeControlGroup(Guid Id, bool Held = false) : Step
{
    public override string Action => "make the control group";

    public override string? Target => ControlGroup.Of(Id)?.Path ?? "(no cgroup2 hierarchy is mounted)";

    public override string UndoAction => "remove the control group";

    internal override void Do(StepContext context)
    {
        if (ControlGroup.Hierarchy is string hierarchy && context.Host!.Early is null) DelegatedUnit.Ensure(hierarchy);
        if (ControlGroup.Of(Id) is not ControlGroup group) return;
        if (Held) context.Host!.Keep(context.Host.Early?.Group ?? group.CreateHeld());
        else group.Create();
    }

    internal override void Undo(StepContext context) => ControlGroup.Of(Id)?.Remove();
}

/// <summary>Keeps the layers from being removed as long as the cage is: the store does not know what it is over.</summary>
internal sealed record HoldLayers(IReadOnlyList<CageRecord> Layers) : Step
{
    public override string Action => "hold the layers";

    public override string Target => string.Join(' ', Layers.Select(layer => layer.RootPath));

    internal override void Do(StepContext context)
    {
        foreach (CageRecord layer in Layers) context.Host!.Keep(LayerLock.Hold(layer));
    }
}

/// <summary>Starts the cage's init in new namespaces. It waits for its steps, and ends by itself when they do not come.</summary>
internal sealed record StartInit(string Cage, Guid Id, ulong Namespaces, bool OwnControlGroupView) : Step
{
    public override string Action => $"start the init in new namespaces ({Names()})";

    public override string Target => Cage;

    public override string UndoAction => "kill the init";

    internal override void Do(StepContext context)
    {
        HostContext host = context.Host!;
        if (host.Early is HeadStart early)
        {
            host.Adopt(early.Init, new StageChannel(early.Channel));
            return;
        }
        // With the first process of a pid namespace all others end. An init that is not one ends them by their group, and so must live to be told.
        bool isFirst = (Namespaces & Spawn.CLONE_NEWPID) != 0;
        Descriptor? network = host.Users?.Network;
        Descriptor[] users = host.Users is UserNamespace made ? [made.Users] : [];
        (Descriptor ours, Descriptor theirs) = Channels.SocketPair();
        using (theirs)
        using (Descriptor nothing = Files.Open("/dev/null", Files.O_RDWR))
        using (TaskFiles tasks = TaskFiles.Of(host.Record, locked: true))
        using (Descriptor? group = ControlGroup.Of(Id)?.TryOpen(), others = isFirst ? null : ControlGroup.Of(Id)?.TryOpenKill())
        {
            SpawnedProcess init = Spawn.Start(new SpawnRequest
            {
                Executable = host.Stage.Open(),
                Arguments = ["cage", "init", Cage],
                Environment = [],
                Descriptors = isFirst ? [nothing, nothing, nothing, theirs, .. users] : [nothing, nothing, nothing, theirs, others ?? nothing],
                Create = network is null ? Namespaces : Namespaces & ~Spawn.CLONE_NEWNET,
                JoinProcess = network,
                Join = network is null ? 0 : Spawn.CLONE_NEWNET,
                Unshare = OwnControlGroupView ? Spawn.CLONE_NEWCGROUP : 0,
                ControlGroup = group,
                TaskFiles = tasks.Open,
                Afresh = isFirst,
                NewSession = true,
                Orphan = host.DeathSignal == 0,
                DeathSignal = host.DeathSignal != 0 && others is not null ? Processes.SIGTERM : host.DeathSignal,
            });
            host.Adopt(init, new StageChannel(ours));
        }
    }

    internal override void Undo(StepContext context) => context.Host!.EndInit();

    private string Names()
    {
        (ulong Flag, string Name)[] names =
            [(Spawn.CLONE_NEWNS, "mount"), (Spawn.CLONE_NEWPID, "pid"), (Spawn.CLONE_NEWIPC, "ipc"), (Spawn.CLONE_NEWUTS, "uts"), (Spawn.CLONE_NEWNET, "net")];
        IEnumerable<string> used = Array.ConvertAll(Array.FindAll(names, entry => (Namespaces & entry.Flag) != 0), entry => entry.Name);
        return string.Join(", ", OwnControlGroupView ? used.Append("cgroup") : used);
    }
}

/// <summary>Notes where the init is, for the commands to come.</summary>
internal sealed record RecordInit(string Path, Guid Id) : Step
{
    public override string Action => "note the init's number and start time";

    public override string Target => Path;

    public override string UndoAction => "remove the note";

    internal override void Do(StepContext context) => InitHint.Write(context.Host!.Settings, Id, context.Host.Init!.Id);

    internal override void Undo(StepContext context) => InitHint.Remove(context.Host!.Settings, Id);
}

/// <summary>Starts the process that binds the host's log anew when its socket is made anew.</summary>
internal sealed record FollowLog(CageRecord Record) : Step
{
    public override string Action => "start the process that binds the host's log again when its socket is made anew";

    public override string Target => HostLog.Path;

    public override string UndoAction => "kill that process";

    internal override void Do(StepContext context)
    {
        HostContext host = context.Host!;
        using Descriptor nothing = Files.Open("/dev/null", Files.O_RDWR);
        using Descriptor? group = ControlGroup.Of(Record.Id)?.TryOpen();
        host.LogFollower = Spawn.Start(new SpawnRequest
        {
            Executable = host.Stage.Open(),
            Arguments = ["cage", LogFollower.Word, Record.Name, host.Init is null ? Record.MountPath : "/"],
            Environment = [],
            Descriptors = [nothing, nothing, nothing, host.Init?.Handle ?? nothing],
            WorkingDirectory = "/",
            ControlGroup = group,
            NewSession = true,
            Orphan = true,
        });
    }

    internal override void Undo(StepContext context) => context.Host!.EndLogFollower();
}

/// <summary>Runs the cage's start script inside, once everything is there.</summary>
internal sealed record RunStartScript(string Path) : Step
{
    public override string Action => "run the start script inside";

    public override string Target => Path;

    internal override void Do(StepContext context)
    {
        HostContext host = context.Host!;
        CageScript.Run(CageInfo.Of(host.Settings, host.Record), Path, Timeout.InfiniteTimeSpan, context.Cancellation);
    }

    /// <summary>What the script had started goes with the init in a Jail; elsewhere it has to be ended.</summary>
    internal override void Undo(StepContext context)
    {
        HostContext host = context.Host!;
        CageProcesses.Kill(CageInfo.Of(host.Settings, host.Record));
    }
}
