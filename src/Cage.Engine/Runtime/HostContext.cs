using Cage.Engine.Plans;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Runtime;

/// <summary>What the host's side of a start has at hand: the cage, the stage program, and the init once it is there.</summary>
internal sealed class HostContext(StoreSettings settings, CageRecord record, StageBinary stage) : IDisposable
{
    private StageChannel? _channel;
    private int _before;
    private readonly List<Descriptor> _kept = [];

    public StoreSettings Settings { get; } = settings;

    public CageRecord Record { get; } = record;

    public StageBinary Stage { get; } = stage;

    /// <summary>The signal that ends the init when this thread ends, for a cage that must not outlive its command; 0 otherwise.</summary>
    public int DeathSignal { get; init; }

    /// <summary>The control group and the init, where they were made before the plan was; the steps that make them take them from here.</summary>
    public HeadStart? Early { get; init; }

    /// <summary>What can be done while the init builds the inside.</summary>
    public Action? Meanwhile { get; set; }

    /// <summary>The user namespace that the init holds for the cage, with the network that belongs to it; null where it has none.</summary>
    public UserNamespace? Users { get; set; }

    public SpawnedProcess? Init { get; private set; }

    /// <summary>The process that keeps the host's log within reach; null where none is needed.</summary>
    public SpawnedProcess? LogFollower { get; set; }

    /// <summary>The overlay that was made before the layers were known; null where none was.</summary>
    public OverlayGuess? Guess { get; set; }

    /// <summary>Holds a descriptor as long as the cage is.</summary>
    public void Keep(Descriptor descriptor) => _kept.Add(descriptor);

    public void Adopt(SpawnedProcess init, StageChannel channel)
    {
        Init = init;
        _channel = channel;
    }

    /// <summary>Has the init begin with what it is to do inside, while the layers are looked for.</summary>
    public void Announce(StepsAroundRoot around)
    {
        _before = around.Before.Count;
        Send(channel => channel.SendAround(around));
    }

    /// <summary>Has the init carry out the steps from <paramref name="first"/> on, which it knows but for the root.</summary>
    public void RunInside(IReadOnlyList<Step> steps, int first)
    {
        int place = first + _before;
        PortableStep step = (PortableStep)steps[place];
        using Descriptor? root = Prepare(ref step, place);
        Send(channel => channel.SendRoot(step, root));
        if (root is not null) LookAhead(root);
        Meanwhile?.Invoke();
        Channel.ReceiveOutcome(steps, first, Init!);
    }

    private StageChannel Channel => _channel ?? throw new InvalidOperationException("The plan has inside steps before its init is there.");

    private void Send(Action<StageChannel> send)
    {
        try
        {
            send(Channel);
        }
        catch (LinuxException e) when (e.Number == Errno.EPIPE)
        {
            // It has ended already: there is no outcome, which says so.
        }
    }

    /// <summary>Has the kernel ask each layer for /etc while the init is at work on other things: it will look there, and many layers take half a millisecond.</summary>
    private static void LookAhead(Descriptor root)
    {
        try
        {
            Files.StatusAt(root, "etc");
        }
        catch (LinuxException)
        {
            // The init says what is wrong there.
        }
    }

    /// <summary>Has the step make what it can, and leaves the rest of it in its place.</summary>
    private Descriptor? Prepare(ref PortableStep step, int index)
    {
        try
        {
            if (step.Prepare(Guess) is not (Descriptor made, PortableStep left)) return null;
            step = left;
            return made;
        }
        catch (LinuxException e)
        {
            throw new StepException(step, e, index);
        }
    }

    /// <exception cref="CageException">CageStopTimeout.</exception>
    public void EndInit()
    {
        if (Init is null) return;
        InitEnd.Kill(Record.Name, Init.Id, Init.Handle);
        // An orphan is the host's init's to wait for, another is ours; one that waits itself for a command of the caller's is not waited for.
        if (DeathSignal != 0) Processes.TryWait(Init.Id, out _);
        Init.Dispose();
        Init = null;
    }

    /// <summary>Kills it and waits, so that the control group is free of it.</summary>
    public void EndLogFollower()
    {
        if (LogFollower is null) return;
        Processes.Signal(LogFollower.Handle, Processes.SIGKILL);
        ProcessWait.For(LogFollower.Handle, Timeout.InfiniteTimeSpan, CancellationToken.None);
        LogFollower.Dispose();
        LogFollower = null;
    }

    public void Dispose()
    {
        LogFollower?.Dispose();
        _channel?.Dispose();
        Init?.Dispose();
        Guess?.Dispose();
        Users?.Dispose();
        foreach (Descriptor descriptor in _kept) descriptor.Dispose();
    }
}
