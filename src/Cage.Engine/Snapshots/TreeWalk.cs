using Cage.Interop;

namespace Cage.Engine.Snapshots;

/// <summary>A directory that a <see cref="TreeWalk"/> has come to. It stays open until all that was found in it has been opened.</summary>
internal sealed class WalkFolder(WalkFolder? above, byte[] name, Descriptor from, Descriptor? to) : IDisposable
{
    private int _users = 1;

    /// <summary>The directory.</summary>
    public Descriptor From { get; } = from;

    /// <summary>The one that is made of it; null where only looking is done.</summary>
    public Descriptor? To { get; } = to;

    public FileStatus Status { get; } = Files.Status(from);

    /// <summary>Its path from where the walk began, ending in a slash; empty there.</summary>
    public byte[] Path { get; init; } = above is null ? [] : [.. above.Path, .. name.AsSpan(0, name.Length - 1), (byte)'/'];

    /// <summary>The path of something in it, for people and for patterns.</summary>
    public string PathOf(byte[] entry) => PathText.Decode([.. Path, .. entry.AsSpan(0, entry.Length - 1)]);

    /// <summary>Keeps it open until one more <see cref="Dispose"/>.</summary>
    public void Hold() => Interlocked.Increment(ref _users);

    public void Dispose()
    {
        if (Interlocked.Decrement(ref _users) > 0) return;
        From.Dispose();
        To?.Dispose();
    }
}

/// <summary>Goes through a tree with as many threads as there are processors, each directory visited once and by one of them. Descriptors,
/// not paths, lead the way: no symbolic link is followed, and no depth is too great. The deepest come first, so that few stay open.</summary>
/// <param name="visit">Looks at a directory, and tells of those in it with <see cref="Enter"/>.</param>
internal sealed class TreeWalk(Action<TreeWalk, WalkFolder> visit)
{
    private const int MostThreads = 8;

    private readonly object _gate = new();
    private readonly Stack<(WalkFolder Parent, byte[] Name)> _waiting = new();
    private int _busy;
    private Exception? _failure;

    /// <summary>Walks. The calling thread waits, and calls <paramref name="meanwhile"/> now and then.</summary>
    /// <param name="from">The uppermost directory; closed at the end.</param>
    /// <param name="to">What is made of it, or null; closed at the end.</param>
    /// <param name="meanwhile">For progress.</param>
    /// <param name="cancellation">Ends the walk early.</param>
    public void Run(Descriptor from, Descriptor? to, Action? meanwhile, CancellationToken cancellation)
    {
        WalkFolder top = new(null, [0], from, to);
        _busy = 1;
        Thread[] threads = new Thread[Math.Clamp(Environment.ProcessorCount, 1, MostThreads)];
        for (int i = 0; i < threads.Length; i++)
        {
            WalkFolder? first = i == 0 ? top : null;
            threads[i] = new Thread(() => Work(first, cancellation)) { IsBackground = true };
        }
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads)
            while (!thread.Join(100)) meanwhile?.Invoke();
        while (_waiting.TryPop(out var left)) left.Parent.Dispose();
        if (_failure is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(_failure);
    }

    /// <summary>Has a directory that was found in <paramref name="folder"/> visited in its turn.</summary>
    public void Enter(WalkFolder folder, byte[] name)
    {
        folder.Hold();
        lock (_gate)
        {
            _waiting.Push((folder, name));
            Monitor.Pulse(_gate);
        }
    }

    private void Work(WalkFolder? first, CancellationToken cancellation)
    {
        try
        {
            for (WalkFolder? folder = first ?? Next(); folder is not null; folder = Next())
            {
                using (folder)
                {
                    cancellation.ThrowIfCancellationRequested();
                    visit(this, folder);
                }
                Done();
            }
        }
        catch (Exception e)
        {
            lock (_gate)
            {
                _failure ??= e;
                Monitor.PulseAll(_gate);
            }
        }
    }

    private WalkFolder? Next()
    {
        while (true)
        {
            WalkFolder parent;
            byte[] name;
            lock (_gate)
            {
                while (_waiting.Count == 0 && _busy > 0 && _failure is null) Monitor.Wait(_gate);
                if (_failure is not null || _waiting.Count == 0) return null;
                (parent, name) = _waiting.Pop();
                _busy++;
            }
            using (parent)
            {
                if (Open(parent, name) is WalkFolder folder) return folder;
            }
            Done();
        }
    }

    /// <summary>Null for one that is no longer there, or no longer a directory: a host goes on while it is copied. What was made of it goes too.</summary>
    private static WalkFolder? Open(WalkFolder parent, byte[] name)
    {
        Descriptor from;
        try
        {
            from = Directories.Open(parent.From, name);
        }
        catch (LinuxException e) when (e.Number is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
        {
            if (parent.To is not null) Directories.TryRemove(parent.To, name, isDirectory: true);
            return null;
        }
        try
        {
            return new WalkFolder(parent, name, from, parent.To is null ? null : Directories.Open(parent.To, name));
        }
        catch
        {
            from.Dispose();
            throw;
        }
    }

    private void Done()
    {
        lock (_gate)
        {
            if (--_busy == 0) Monitor.PulseAll(_gate);
        }
    }
}
