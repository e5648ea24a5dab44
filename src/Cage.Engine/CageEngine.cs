using Cage.Engine.Exposure;
using Cage.Engine.Layers;
using Cage.Engine.Network;
using Cage.Engine.Plans;
using Cage.Engine.Runtime;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine;

/// <summary>All that Cage does, for whoever asks: the command and the cmdlets call this and nothing else.</summary>
public sealed partial class CageEngine
{
    private readonly StageBinary _stage;

    /// <summary>Works on the store that <paramref name="settings"/> name.</summary>
    /// <param name="settings">Where things are.</param>
    /// <param name="stage">The <c>cage</c> program, for the inits.</param>
    /// <exception cref="CageException">CageHostUnsupported: there is no /proc.</exception>
    public CageEngine(StoreSettings settings, StageBinary stage)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (Files.Status("/proc/self") is null)
            throw new CageException(CageError.CageHostUnsupported, "There is no /proc here (ENOENT), where the kernel says what runs and what is mounted.", "mount -t proc proc /proc", "/proc");
        Store = new CageStore(settings);
        _stage = stage;
    }

    /// <summary>The cages.</summary>
    public CageStore Store { get; }

    private StoreSettings Settings => Store.Settings;

    /// <summary>All cages with their state; a broken one is told to <paramref name="broken"/> and does not hide the rest.</summary>
    public IEnumerable<CageInfo> List(Action<CageException>? broken = null) => Store.ReadAll(broken).Select(Look);

    /// <summary>The one cage that <paramref name="selector"/> means: a name, an id, or the beginning of one id alone.</summary>
    /// <exception cref="CageException">CageNotFound, CageAmbiguous, CageConfInvalid.</exception>
    public CageInfo Find(string selector) => Look(Store.Find(selector));

    /// <summary>A cage with its state at this moment.</summary>
    public CageInfo Look(CageRecord record) => CageInfo.Of(Settings, record);

    /// <summary>What a start would do, step by step.</summary>
    /// <exception cref="CageException">What would be refused.</exception>
    public Plan PlanStart(CageRecord record, StartOptions? options = null)
    {
        StartCheck.RefuseReadOnly(record);
        return new Plan(record.Name, [.. StartPlanner.ForStored(Settings, record, () => LayerChain.Resolve(Store, record.Base, record), options?.ReadOnly ?? false, NetworkCheck.Allowed(Store, record), _ => { })]);
    }

    /// <summary>What a stop would do, step by step; empty when there is nothing to do.</summary>
    public Plan PlanStop(CageRecord record, StopOptions? options = null) => StopPlanner.For(Settings, Look(record), options ?? new StopOptions());

    /// <summary>The mounts of a running cage, from the kernel's own table; none for one that is stopped.</summary>
    public IReadOnlyList<CageMount> GetMounts(CageInfo cage) => CageMount.Of(cage);

    /// <summary>The processes of a running cage: its init, then the oldest first; none for one that is stopped.</summary>
    public IReadOnlyList<CageProcess> GetProcesses(CageInfo cage) => CageProcess.Of(cage);

    /// <summary>What a cage uses at this moment; of one that is stopped, what its own files take.</summary>
    public CageUsage Measure(CageInfo cage, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(cage);
        StartCheck.RequireRoot("measuring a cage");
        return CageUsage.Of(cage, cancellation);
    }

    /// <summary>What of the host can be reached from inside a cage, the worst first; of one that runs, by what the kernel says too.</summary>
    public IReadOnlyList<CageExposure> FindExposure(CageInfo cage)
    {
        ArgumentNullException.ThrowIfNull(cage);
        StartCheck.RequireRoot("looking into a cage");
        return new ExposureFinder(cage, LayerChain.Resolve(Store, cage.Record.Base, cage.Record)).Find();
    }

    /// <summary>A cage with its state once nothing of it is dying any more.</summary>
    private CageInfo Settled(CageRecord record, CancellationToken cancellation) => CageProcesses.AwaitDying(() => Look(record), cancellation);
}
