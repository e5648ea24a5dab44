using System.Text.Json;
using Cage.Tests;

namespace Cage.Cli.Tests;

/// <summary>cage snapshot new, list, remove on disks of their own; also killed and interrupted half way.</summary>
public sealed class SnapshotTests
{
    private const int Interrupted = 130;

    /// <summary>A disk with a store, a folder of snapshots, and a source.</summary>
    private sealed class Store
    {
        private readonly Dictionary<string, string> _environment;

        public Store(string disk)
        {
            Disk = disk;
            Directory.CreateDirectory($"{disk}/snapshots");
            File.WriteAllText($"{disk}/cage.conf", $"data={disk}/data\nrun={disk}/run\nsnapshots={disk}/snapshots\n");
            _environment = new() { ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin", ["CAGE_CONF"] = $"{disk}/cage.conf" };
        }

        public string Disk { get; }

        public string Source => $"{Disk}/source";

        public Child Start(params string[] arguments) => Child.Start(CageProgram.RequiredPath, arguments, _environment);

        public Outcome Cage(params string[] arguments) => Run(CageProgram.RequiredPath, arguments);

        public Outcome Run(string program, params string[] arguments)
        {
            using Child child = Child.Start(program, arguments, _environment);
            return child.End();
        }

        public string New(params string[] arguments) => Cage(["snapshot", "new", "--source", Source, .. arguments]).Ended(0).Lines.Single();

        public JsonElement[] List() => Cage("snapshot", "list", "--json").Objects();

        public string[] Entries(string folder) =>
            Directory.Exists($"{Disk}/{folder}") ? [.. Directory.GetFileSystemEntries($"{Disk}/{folder}").Select(path => Path.GetFileName(path)).Order()] : [];

        /// <summary>What is there is in the list; what the list names can be cleared; then there is nothing.</summary>
        public void AssertCleared(string when)
        {
            string[] hidden = [.. Entries("snapshots").Where(name => name.StartsWith('.'))];
            JsonElement[] all = List();
            Assert.True(hidden.Length == all.Count(one => one.GetProperty("isUnfinished").GetBoolean()), $"{when}: {string.Join(' ', hidden)}");
            foreach (JsonElement one in all) Cage("snapshot", "remove", one.Text("name")!).Ended(0);
            Assert.True(Entries("snapshots").Length == 0, $"{when}: {string.Join(' ', Entries("snapshots"))}");
            // What was killed while a cage was made goes with the next that is.
            Cage("new", "next").Ended(0);
            string[] left = [.. Entries("data").Where(name => !name.EndsWith(".w", StringComparison.Ordinal))];
            Assert.True(left.Length == 0, $"{when}: {string.Join(' ', left)}");
            Cage("remove", "next").Ended(0);
        }
    }

    private static void Run(string type, Action<Store> body, int files = 20) => Disk.Run(type, disk =>
    {
        Shell.Run(
            $"cd \"$disk\"; {(type == "btrfs" ? "btrfs -q subvolume create source" : "mkdir source")}; cd source; for d in {{1..{files}}}; do mkdir $d; touch $d/{{1..100}}; echo content >$d/file; done",
            ("disk", disk));
        body(new Store(disk));
    });

    [DiskTheory]
    [InlineData("btrfs", "Btrfs")]
    [InlineData("xfs", "Reflink")]
    [InlineData("ext4", "Copy")]
    public void It_is_made_listed_and_removed(string type, string provider) => Run(type, store =>
    {
        string name = store.New("--note", "before the change", "--as-host");
        JsonElement one = store.List().Single();
        Assert.Equal(
            (name, provider, store.Source, "before the change", $"{store.Disk}/snapshots/{name}.ss"),
            (one.Text("name"), one.Text("provider"), one.Text("source"), one.Text("note"), one.Text("path")));
        Assert.True(one.GetProperty("isHost").GetBoolean() && one.GetProperty("ofHost").GetBoolean() && !one.GetProperty("isUnfinished").GetBoolean());
        string table = store.Cage("snapshot", "list").Ended(0).Output;
        Assert.Contains($"{name}", table);
        Assert.Contains("newest", table);
        string web = store.Cage("new", "web", "--base", "host").Ended(0).Lines.Single();
        Assert.Contains(one.Text("cageId")!, File.ReadAllText($"{store.Disk}/data/{web}.w/cage.conf"));
        store.Cage("snapshot", "remove", name).Failed(1, "\"web\"", "--force");
        store.Cage("remove", "web").Ended(0);
        store.Cage("snapshot", "remove", name).Silently();
        Assert.Equal("[]\n", store.Cage("snapshot", "list", "--json").Ended(0).Output);
        store.AssertCleared("at the end");
    });

    [DiskTheory("ext4")]
    [InlineData(2, "snapshot new --provider zfs", "btrfs, reflink, copy, live")]
    [InlineData(2, "snapshot new --nested /x", "PATH=snapshot")]
    [InlineData(2, "snapshot new --nested /x=skip --nested /x/=empty", "twice")]
    [InlineData(2, "snapshot new name", "name")]
    [InlineData(2, "snapshot", "which of its commands?", "usage: cage snapshot list")]
    [InlineData(2, "snapshot make", "no \"make\"", "usage: cage snapshot new")]
    [InlineData(1, "snapshot new --nested home=skip", "whole path")]
    [InlineData(1, "snapshot new --source /none", "ENOENT")]
    [InlineData(1, "snapshot new --source /etc/passwd", "ENOTDIR")]
    [InlineData(1, "snapshot new --source=", "no name")]
    [InlineData(1, "snapshot remove 20010101000000", "20010101000000")]
    public void What_cannot_be_is_said_and_nothing_is_made(int status, string line, params string[] words) => Run("ext4", store =>
    {
        store.Cage(line.Split(' ')).Failed(status, words);
        Assert.Empty(store.Entries("snapshots"));
    });

    /// <summary>Killed at each call that gives something a name, takes one away or makes it.</summary>
    [DiskTheory]
    [InlineData("btrfs", "rename")]
    [InlineData("btrfs", "fsync")]
    [InlineData("ext4", "rename")]
    [InlineData("ext4", "mkdirat")]
    public void Killed_at_any_step_it_leaves_what_the_list_names_and_a_removal_clears(string type, string call) => Run(type, store =>
    {
        int killed = 0;
        for (int when = 1; when < 40; when = when < 8 ? when + 1 : when + 6)
        {
            Outcome outcome = store.Run(
                "/usr/bin/strace", "-f", "-o", "/dev/null", "-e", $"trace={call}", "-e", $"inject={call}:signal=SIGKILL:when={when}",
                CageProgram.RequiredPath, "snapshot", "new", "--source", store.Source, "--as-host");
            if (outcome.Status != 0) killed++;
            else Assert.NotEmpty(store.List());
            store.AssertCleared($"{call} {when}");
        }
        Assert.True(killed > 1, $"{killed} were killed");
    });

    [DiskTheory]
    [InlineData("xfs", "reflink", Child.SIGKILL)]
    [InlineData("ext4", "copy", Child.SIGKILL)]
    [InlineData("ext4", "copy", Child.SIGINT)]
    [InlineData("ext4", "copy", Child.SIGTERM)]
    public void Stopped_while_it_copies_it_leaves_what_is_named_or_nothing(string type, string provider, int signal) => Run(
        type,
        store =>
        {
            int hit = 0;
            foreach (int delay in new[] { 0, 5, 15, 40, 80 })
            {
                using Child child = store.Start("snapshot", "new", "--source", store.Source, "--provider", provider);
                Wait.Until(() => store.Entries("snapshots").Length > 0, () => "nothing is made");
                Thread.Sleep(delay);
                child.Signal(signal);
                int status = child.Exit();
                if (signal != Child.SIGKILL && status != 0)
                {
                    Assert.Equal(Interrupted, status);
                    Assert.Empty(store.Entries("snapshots"));
                    Assert.Empty(store.Entries("data"));
                }
                if (status != 0) hit++;
                store.AssertCleared($"{delay} ms");
            }
            Assert.True(hit > 0, "none was hit");
        },
        files: 150);

    [DiskFact("btrfs")]
    public void Killed_with_what_is_nested_half_way_it_is_cleared() => Run("btrfs", store =>
    {
        Shell.Run(
            """
            cd "$top"; for s in a b c; do btrfs -q subvolume create $s; echo >$s/file; done; btrfs -q subvolume create a/in
            btrfs property set b ro true; mkdir m; mount -t tmpfs x m; mkdir m/1 m/1/2; echo >m/1/2/file
            """,
            ("top", store.Source));
        string[] nested = [.. new[] { "a", "a/in", "b", "c", "m" }.SelectMany(name => new[] { "--nested", $"{store.Source}/{name}=snapshot" })];
        foreach (var (call, last) in new[] { ("ioctl", 60), ("mkdirat", 6), ("fchown", 6) })
        {
            int killed = 0;
            for (int when = 1; when < last; when += when < 24 ? 1 : 7)
            {
                Outcome outcome = store.Run(
                    "/usr/bin/strace",
                    ["-f", "-o", "/dev/null", "-e", $"trace={call}", "-e", $"inject={call}:signal=SIGKILL:when={when}", CageProgram.RequiredPath, "snapshot", "new", "--source", store.Source, .. nested]);
                if (outcome.Status != 0) killed++;
                store.AssertCleared($"{call} {when}");
            }
            Assert.True(killed > 1, $"{killed} were killed at {call}");
        }
    });

    [DiskFact("btrfs")]
    public void Publishing_killed_at_any_step_leaves_a_whole_cage_of_one_kind() => Run("btrfs", store =>
    {
        bool sawWritable = false, sawReadOnly = false;
        foreach (string call in new[] { "rename", "unlinkat", "lremovexattr", "fsync" })
            for (int when = 1; when < 6; when++)
            {
                string id = store.Cage("new", "web").Ended(0).Lines.Single();
                File.WriteAllText($"{store.Disk}/data/{id}.w/root/file", "whole");
                store.Run("/usr/bin/strace", "-f", "-o", "/dev/null", "-e", $"trace={call}", "-e", $"inject={call}:signal=SIGKILL:when={when}", CageProgram.RequiredPath, "publish", "web");
                JsonElement cage = store.Cage("show", id, "--json").Objects().Single();
                bool writable = cage.Text("kind") == "Writable";
                sawWritable |= writable;
                sawReadOnly |= !writable;
                Assert.Equal("whole", File.ReadAllText($"{store.Disk}/data/{id}.{(writable ? 'w' : 'r')}/root/file"));
                Assert.Single(store.Entries("data"));
                if (writable) store.Cage("publish", "web").Ended(0);
                store.Cage("new", "over", "--base", id, "--isolation", "chroot").Ended(0);
                store.Cage("start", "over").Ended(0);
                Assert.Equal("whole", File.ReadAllText(Directory.GetFiles($"{store.Disk}/data", "file", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 2 }).First(path => path.Contains("/mnt/", StringComparison.Ordinal))));
                store.Cage("stop", "over").Ended(0);
                store.Cage("remove", "over").Ended(0);
                store.Cage("remove", id).Ended(0);
            }
        Assert.True(sawWritable && sawReadOnly, $"writable {sawWritable}, read-only {sawReadOnly}");
    });
}
