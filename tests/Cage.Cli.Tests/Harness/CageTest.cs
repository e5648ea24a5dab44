namespace Cage.Cli.Tests;

/// <summary>A test with a store of its own, in which nothing may be left.</summary>
public abstract class CageTest(string folder = "s") : IDisposable
{
    public static TheoryData<string> Isolations => ["chroot", "pivot", "jail"];

    /// <summary>The isolations with a mount namespace, that a cage which is not kept can have.</summary>
    public static TheoryData<string> NamespaceIsolations => ["pivot", "jail"];

    protected TestStore Store { get; } = new(folder);

    public void Dispose()
    {
        Store.Dispose();
        GC.SuppressFinalize(this);
    }

    protected Outcome Cage(params string[] arguments) => Store.Cage(arguments);

    /// <summary>Runs a script with sh in the cage "web".</summary>
    protected Outcome Inside(string script) => Cage("exec", "web", "--", "sh", "-c", script);

    /// <summary>Starts a script with sh in the cage "web".</summary>
    protected Child StartInside(string script) => Store.StartCage("exec", "web", "--", "sh", "-c", script);
}
