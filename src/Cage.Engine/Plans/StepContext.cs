using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>What steps hand to each other while they are carried out.</summary>
internal sealed class StepContext : IDisposable
{
    private readonly Stack<(Step Owner, Descriptor Mount)> _mounts = new();

    private readonly List<(string Path, Descriptor Mount)> _made = [];

    private Descriptor? _root;

    /// <summary>The cage's root, once it is mounted.</summary>
    public Descriptor Root => _root ?? throw new InvalidOperationException("The root is not mounted yet.");

    /// <summary>What only the host's side has; null inside.</summary>
    public Runtime.HostContext? Host { get; init; }

    /// <summary>What the host's side made while the init came up: the root, attached nowhere yet; null where the step that mounts it makes it.</summary>
    public Descriptor? Prepared { get; set; }

    /// <summary>The user namespace whose ids the cage's files are mapped to; null where it has none.</summary>
    public Descriptor? Users { get; set; }

    /// <summary>The host's ids that its own stand for; null where they are the same.</summary>
    public IdRange? Ids { get; set; }

    /// <summary>Who an id of the cage is on the host.</summary>
    /// <exception cref="LinuxException">EOVERFLOW: its user namespace has no such id.</exception>
    public uint OnHost(uint id) =>
        Ids is null ? id : Ids.Has(id) ? Ids.First + id : throw new LinuxException(Errno.EOVERFLOW, "chown", $"{id}", $"the user namespace ends at {Ids.Count - 1}");

    public CancellationToken Cancellation { get; init; }

    /// <summary>Is told of each step that begins, or goes to the init.</summary>
    public Action<Step>? Progress { get; init; }

    /// <summary>Is told what the user should know though nothing failed.</summary>
    public Action<string> Warn { get; init; } = _ => { };

    /// <summary>Keeps the mount that <paramref name="owner"/> attached, so that it can take it back.</summary>
    public void Attached(Step owner, Descriptor mount, bool isRoot = false)
    {
        _mounts.Push((owner, mount));
        if (isRoot) _root = mount;
    }

    /// <summary>Keeps a file system that is attached nowhere until there is a root to attach it to.</summary>
    /// <param name="path">Where it will be, inside the root.</param>
    /// <param name="mount">The file system.</param>
    public void KeepMade(string path, Descriptor mount) => _made.Add((path, mount));

    /// <summary>The file system that is kept for a path, which stays kept; null where there is none.</summary>
    public Descriptor? Made(string path) => _made.Find(made => made.Path == path).Mount;

    /// <summary>Hands over the file system that is kept for a path; null where there is none.</summary>
    public Descriptor? TakeMade(string path)
    {
        int index = _made.FindIndex(made => made.Path == path);
        if (index < 0) return null;
        Descriptor mount = _made[index].Mount;
        _made.RemoveAt(index);
        return mount;
    }

    /// <summary>Detaches what <paramref name="owner"/> attached last, if anything.</summary>
    public void Detach(Step owner)
    {
        while (_mounts.TryPeek(out var top) && ReferenceEquals(top.Owner, owner))
        {
            Mounts.Detach(top.Mount);
            _mounts.Pop().Mount.Dispose();
        }
    }

    public void Dispose()
    {
        while (_mounts.TryPop(out var top)) top.Mount.Dispose();
        foreach (var (_, mount) in _made) mount.Dispose();
    }
}
