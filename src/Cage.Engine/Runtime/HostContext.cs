using Cage.Engine.Plans;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Runtime;

/// <summary>What the host's side of a start has at hand: the cage, the stage program, and the init once it is there.</summary>
internal sealed class HostContext(StoreSettings settings, CageRecord record, StageBinary stage) : IDisposable
{
    private StageChannel? _channel;
    private readonly List<Descriptor> _kept = [];

    public StoreSettings Settings { get; } = settings;

    public CageRecord Record { get; } = record;

    public StageBinary Stage { get; } = stage;

    /// <summary>The signal that ends the init when this thread ends, for a cage that must not outlive its command; 0 otherwise.</summary>
    public int DeathSignal { get; init; }

    /// <summary>The control group and the init, where they were made before the plan was; the steps that make them take them from here.</summary>
    public HeadStart? Early { get; init; }

    public SpawnedProcess? Init { get; private set; }

    /// <summary>Holds a descriptor as long as the cage is.</summary>
    public void Keep(Descriptor descriptor) => _kept.Add(descriptor);

    public void Adopt(SpawnedProcess init, StageChannel channel)
    {
        Init = init;
        _channel = channel;
    }

    /// <summary>Has the init carry out the steps from <paramref name="first"/> on.</summary>
    public void RunInside(IReadOnlyList<Step> steps, int first)
    {
        StageChannel channel = _channel ?? throw new InvalidOperationException("The plan has inside steps before its init is there.");
        try
        {
            channel.SendSteps(steps.Skip(first));
        }
        catch (LinuxException e) when (e.Number == Errno.EPIPE)
        {
            // It has ended already: there is no outcome, which says so.
        }
        channel.ReceiveOutcome(steps, first);
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

    public void Dispose()
    {
        _channel?.Dispose();
        Init?.Dispose();
        foreach (Descriptor descriptor in _kept) descriptor.Dispose();
    }
}
