using Cage.Engine.Snapshots;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>A disk with a store and a source on it, for one test of snapshots.</summary>
public sealed class SnapshotBench : IDisposable
{
    private SnapshotBench(string type, string disk)
    {
        Disk = disk;
        Source = $"{disk}/source";
        if (type == "btrfs") Subvolume(Source);
        else Directory.CreateDirectory(Source);
        Test = new TestStore(Directory.CreateDirectory($"{disk}/store").FullName);
    }

    public TestStore Test { get; }

    public string Disk { get; }

    /// <summary>An empty directory; on btrfs the root of a subvolume.</summary>
    public string Source { get; }

    public string Folder => Test.Settings.Snapshots;

    public List<string> Warnings { get; } = [];

    /// <summary>Runs a test on a new disk; nothing of a snapshot may be left half made.</summary>
    public static void Run(string type, Action<SnapshotBench> body, int mebibytes = 320) => global::Cage.Tests.Disk.Run(
        type,
        disk =>
        {
            using SnapshotBench bench = new(type, disk);
            body(bench);
        },
        mebibytes);

    public static void Subvolume(string path)
    {
        using Descriptor parent = Files.Open(Path.GetDirectoryName(path)!, Files.O_RDONLY | Files.O_DIRECTORY);
        Subvolumes.Create(parent, Path.GetFileName(path));
    }

    public CageSnapshot Take(NewSnapshot request, CancellationToken cancellation = default, Action<CopyProgress>? progress = null) =>
        Test.Engine.TakeSnapshot(request, Warnings.Add, progress, cancellation);

    public CageSnapshot Take(SnapshotProvider? provider = null, bool asHost = false) => Take(new NewSnapshot { Source = Source, Provider = provider, AsHost = asHost });

    public CageException Refused(NewSnapshot request)
    {
        CageException e = Assert.Throws<CageException>(() => Take(request));
        AssertNothing();
        return e;
    }

    /// <summary>That no snapshot, no note and no cage is there.</summary>
    public void AssertNothing()
    {
        Assert.Empty(Entries(Folder));
        Assert.Empty(Entries(Test.Settings.Data));
    }

    public static string[] Entries(string folder) => Directory.Exists(folder) ? [.. Directory.GetFileSystemEntries(folder).Select(path => Path.GetFileName(path)).Order()] : [];

    /// <summary>A small root as a root tree of a host.</summary>
    public void FillSource(SmallRoot root) => Shell.Run("cp -a \"$from/.\" \"$to\"", ("from", root.Path), ("to", Source));

    /// <summary>Where the nil UUID leads.</summary>
    public string? HostLink => new FileInfo($"{Test.Store.PathOf(CageRecord.Nil, CageKind.ReadOnly)}/root").LinkTarget;

    public void Dispose() => Test.Dispose();
}
