using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.State;

/// <summary>The open <c>tasks</c> files of a cage's control groups of version 1, for a process that is about to be started in it. They are
/// looked for, since a cage may have got its first limit a moment ago.</summary>
internal sealed class TaskFiles : IDisposable
{
    private TaskFiles(IReadOnlyList<Descriptor> open) => Open = open;

    public IReadOnlyList<Descriptor> Open { get; }

    /// <summary>None for a cage that is not kept and has no limits: nobody can give it any.</summary>
    public static TaskFiles Of(CageRecord cage) => new(cage.Limits.IsEmpty && EphemeralId.Is(cage.Id) ? [] : LegacyGroups.OpenTasks(cage.Id));

    public void Dispose()
    {
        foreach (Descriptor file in Open) file.Dispose();
    }
}
