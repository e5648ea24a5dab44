using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.State;

/// <summary>The open <c>tasks</c> files of a cage's control groups of version 1, for a process that is about to be started in it. They are
/// looked for, since a cage may have got its first limit a moment ago.</summary>
internal sealed class TaskFiles : IDisposable
{
    private TaskFiles(IReadOnlyList<Descriptor> open) => Open = open;

    public IReadOnlyList<Descriptor> Open { get; }

    /// <param name="cage">The cage, as its conf was read.</param>
    /// <param name="locked">Whether nobody can have given it limits since: its lock is held.</param>
    public static TaskFiles Of(CageRecord cage, bool locked = false) => new(cage.Limits.IsEmpty && (locked || EphemeralId.Is(cage.Id)) ? [] : LegacyGroups.OpenTasks(cage.Id));

    public void Dispose()
    {
        foreach (Descriptor file in Open) file.Dispose();
    }
}
