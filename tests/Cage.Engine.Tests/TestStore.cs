using System.Text;
using Cage.Engine.Plans;
using Cage.Engine.Runtime;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>A store of its own for one test. When it is disposed, nothing of its cages may be left: what is, is taken away and fails the test.</summary>
public sealed class TestStore : IDisposable
{
    private readonly bool _ownsFolder;
    private readonly StageBinary _stage = new(CageProgram.Path ?? "/nonexistent/cage");

    /// <summary>Makes one in a new temporary folder, or in <paramref name="folder"/>, which is there and stays.</summary>
    /// <param name="folder">An empty folder, such as a tmpfs of a mount namespace.</param>
    /// <param name="data">The name of the folder of cages.</param>
    public TestStore(string? folder = null, string data = "data")
    {
        _ownsFolder = folder is null;
        Folder = folder ?? Directory.CreateTempSubdirectory("cage-test-").FullName;
        // overlayfs cannot write on overlayfs, which is what /tmp may be in a container.
        if (folder is null && Files.FileSystemType(Folder) == Files.OVERLAYFS_SUPER_MAGIC)
        {
            Directory.Delete(Folder);
            Folder = Directory.CreateDirectory($"/dev/shm/{Path.GetFileName(Folder)}").FullName;
        }
        Settings = new StoreSettings { Data = $"{Folder}/{data}", Run = $"{Folder}/run", Tool = $"{Folder}/tool", Snapshots = $"{Folder}/snapshots" };
        Engine = new CageEngine(Settings, _stage);
    }

    public string Folder { get; }

    public StoreSettings Settings { get; }

    public CageEngine Engine { get; }

    public CageStore Store => Engine.Store;

    public StageBinary Stage => _stage;

    /// <summary>Ids of cages that were there and are no more, to be looked for too.</summary>
    public HashSet<Guid> Ids { get; } = [];

    /// <summary>A read-only cage whose root is a link to <paramref name="source"/>.</summary>
    public Guid NewBase(string source, string name = "base") =>
        Create(new NewCage { Name = name, Kind = CageKind.ReadOnly, Source = source }).Id;

    /// <summary>A read-only cage of an own directory, with bases.</summary>
    public CageRecord NewLayer(string name, params Guid[] bases) => Create(new NewCage { Name = name, Kind = CageKind.ReadOnly, Base = bases }).Record;

    public CageInfo Create(NewCage request)
    {
        CageInfo cage = Engine.Create(request);
        Ids.Add(cage.Id);
        return cage;
    }

    /// <summary>A writable cage over <paramref name="root"/>.</summary>
    public CageRecord NewCage(SmallRoot root, CageIsolation isolation, string name = "web") =>
        Create(new NewCage { Name = name, Base = [NewBase(root.Path)], Isolation = isolation }).Record;

    /// <summary>Gives it other privileges.</summary>
    public CageRecord Change(CageRecord record, CagePrivileges privileges) => Engine.Change(record, before => before with { Privileges = privileges }).Record;

    /// <summary>Starts it until the result is disposed.</summary>
    public RunningCage Start(CageRecord record) => new(this, Engine.Start(record));

    public CageInfo Look(CageRecord record) => Engine.Look(Store.Get(record.Id)!);

    /// <summary>Stops it in no time and hands back what was warned of. That a process of another test, in a mount namespace copied meanwhile, still
    /// has the mounts of a Chroot is left out unless <paramref name="all"/> is asked for.</summary>
    public IReadOnlyList<string> Stop(CageRecord record, StopOptions? options = null, bool all = false)
    {
        List<string> warnings = [];
        Engine.Stop(record, options ?? new StopOptions { Patience = TimeSpan.FromSeconds(2) }, warnings.Add);
        return [.. warnings.Where(warning => all || !warning.Contains("mount namespace of process", StringComparison.Ordinal))];
    }

    /// <summary>Writes a cage.conf line of it anew.</summary>
    public CageRecord SetKey(CageRecord record, string key, string value)
    {
        ConfFile file = ConfFile.Read(record.ConfPath);
        file.Set(key, value);
        File.WriteAllBytes(record.ConfPath, file.ToBytes());
        return Store.Get(record.Id)!;
    }

    /// <summary>Runs a command to its end.</summary>
    public CommandResult Run(CageInfo cage, CageCommand command)
    {
        using Descriptor nothing = Files.Open("/dev/null", Files.O_RDWR);
        (Descriptor outRead, Descriptor outWrite) = Channels.Pipe();
        (Descriptor errorRead, Descriptor errorWrite) = Channels.Pipe();
        using (outRead)
        using (errorRead)
        {
            SpawnedProcess process;
            using (outWrite)
            using (errorWrite) process = Engine.Run(cage, command with { Descriptors = [nothing, outWrite, errorWrite] });
            using (process)
            {
                string output = Encoding.UTF8.GetString(Files.ReadAll(outRead)), error = Encoding.UTF8.GetString(Files.ReadAll(errorRead));
                return new CommandResult(Processes.Wait(process.Id).ExitStatus, output, error);
            }
        }
    }

    /// <summary>Runs a shell line in it that must succeed and returns what it printed, without the last newline.</summary>
    public string Sh(CageInfo cage, string line)
    {
        CommandResult result = Run(cage, Command("/bin/sh", "-c", line));
        Assert.True(result.Status == 0, $"{line}: status {result.Status}: {result.Output}{result.Error}");
        return result.Output.TrimEnd('\n');
    }

    public static CageCommand Command(params string[] arguments) => new() { Arguments = arguments, Descriptors = [] };

    /// <summary>What is mounted at or beneath the store's folder, in the mount namespace of the calling thread.</summary>
    public IReadOnlyList<string> Mounted() => [.. MountTable.Read().Beneath(Folder).Select(mount => $"{mount.MountPoint} {mount.Type}")];

    /// <summary>Waits for at most three seconds; whoever asked looks then for itself.</summary>
    public static void Wait(Func<bool> until)
    {
        for (int i = 0; i < 300 && !until(); i++) Thread.Sleep(10);
    }

    /// <summary>That nothing of that cage is anywhere: no mount, no process, no group, no note.</summary>
    public void AssertNothingLeft(CageRecord record)
    {
        Assert.Empty(MountTable.Read().Beneath(record.Path));
        Assert.Empty(Leftovers.ProcessesBeneath(record.Path));
        Assert.Null(Leftovers.GroupOf(record.Id));
        Assert.False(File.Exists(InitHint.PathOf(Settings, record.Id)), "the note of the init is there");
        Assert.Equal(CageState.Stopped, Engine.Look(record).State);
    }

    public void Dispose()
    {
        foreach (string path in Directory.Exists(Settings.Data) ? Directory.GetFileSystemEntries(Settings.Data) : [])
            if (Guid.TryParseExact(Path.GetFileNameWithoutExtension(path), "D", out Guid id)) Ids.Add(id);
        List<string> left = [.. Leftovers.Clear(Folder, Ids)];
        if (Directory.Exists(Settings.Run)) left.AddRange(Directory.GetFileSystemEntries(Settings.Run).Select(path => $"note {path}"));
        _stage.Dispose();
        if (_ownsFolder) Shell.Run("chattr -R -f -i \"$folder\" || :; rm -rf --one-file-system \"$folder\"", ("folder", Folder));
        Assert.True(left.Count == 0, $"left behind: {string.Join("; ", left)}");
    }
}

/// <summary>How a command ended, and what it said.</summary>
public sealed record CommandResult(int Status, string Output, string Error);

/// <summary>A cage that is stopped, by force, when the test is over.</summary>
public sealed class RunningCage(TestStore store, CageInfo info) : IDisposable
{
    public CageInfo Info { get; } = info;

    public void Dispose()
    {
        if (Directory.Exists(Info.Path)) store.Engine.Stop(Info.Record, new StopOptions { Force = true });
    }
}
