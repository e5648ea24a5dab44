using Cage.Engine.Store;

namespace Cage.Engine.Tests;

/// <summary>Tests with a store of their own, in which nothing may be left, and a small root for cages to be over.</summary>
public abstract class SmallRootTests(SmallRoot root) : IClassFixture<SmallRoot>, IDisposable
{
    /// <summary>For a command that goes on after the line that started it.</summary>
    private protected const string Quiet = "<>/dev/null >&0 2>&0";

    private protected readonly TestStore _test = new();

    protected SmallRoot Root => root;

    public void Dispose()
    {
        _test.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>A writable cage over the small root.</summary>
    protected CageRecord NewCage(CageIsolation isolation = CageIsolation.Chroot) => _test.NewCage(root, isolation);
}
