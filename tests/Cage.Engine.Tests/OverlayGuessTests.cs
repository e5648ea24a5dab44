using Cage.Engine.Plans;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>An overlay that is made before its layers are known is taken where they are what the cage names, and is gone where they are not.</summary>
public sealed class OverlayGuessTests
{
    /// <summary>As many as a second thread looks for.</summary>
    private const int Many = 100;

    private static void InStore(Action<TestStore> body) => MountNamespace.Run(folder =>
    {
        using TestStore test = new(Directory.CreateDirectory($"{folder}/store").FullName);
        body(test);
    });

    /// <summary>Layers "l0" to "l99", each with a file of its name and one, "which", that all have.</summary>
    private static CageRecord[] Layers(TestStore test, Func<int, Guid[]>? bases = null) => [.. Enumerable.Range(0, Many).Select(i => Layer(test, $"l{i}", bases?.Invoke(i) ?? []))];

    private static CageRecord Layer(TestStore test, string name, params Guid[] bases)
    {
        CageRecord layer = test.NewLayer(name, bases);
        File.WriteAllText($"{layer.RootPath}/{name}", "");
        File.WriteAllText($"{layer.RootPath}/which", name);
        return layer;
    }

    private static CageRecord Over(TestStore test, string name, IEnumerable<CageRecord> layers, CageIsolation isolation = CageIsolation.Jail) =>
        test.Create(new NewCage { Name = name, Base = [.. layers.Select(layer => layer.Id)], Isolation = isolation }).Record;

    private static void AssertOver(RunningCage running, IEnumerable<CageRecord> layers)
    {
        string init = $"/proc/{running.Info.ProcessId}";
        Assert.Equal(layers.Select(layer => layer.RootPath), MountTable.Read($"{init}/mountinfo").Single(mount => mount.MountPoint == "/").SuperOption("lowerdir+"));
        Assert.Equal(layers.First().Name, File.ReadAllText($"{init}/root/which"));
        foreach (CageRecord layer in layers) Assert.True(File.Exists($"{init}/root/{layer.Name}"), layer.Name);
        File.WriteAllText($"{init}/root/which", "written");
        Assert.Equal("written", File.ReadAllText($"{running.Info.Record.RootPath}/which"));
        Assert.DoesNotContain(Directory.GetFiles("/proc/self/fd").Select(Files.ReadLink), link => link?.Contains("/data/", StringComparison.Ordinal) == true && link.EndsWith("/root", StringComparison.Ordinal));
    }

    [RootFact]
    public void A_right_one_is_taken_and_a_wrong_one_is_gone_before_another_is_made() => MountNamespace.Run(folder =>
    {
        foreach (string name in new[] { "a", "b", "upper", "work", "mnt", "other" }) File.WriteAllText($"{Directory.CreateDirectory($"{folder}/{name}").FullName}/which", name);
        File.Delete($"{folder}/upper/which");
        MountOverlay step = new([$"{folder}/a", $"{folder}/b"], $"{folder}/upper", $"{folder}/work", $"{folder}/mnt") { OfHost = true };
        foreach ((MountOverlay said, string which, bool isRight) in new[]
        {
            (step with { Side = StepSide.Inside, Lower = [.. step.Lower] }, "a", true),
            (step with { Lower = [step.Lower[1], step.Lower[0]] }, "b", false),
            (step with { Lower = [step.Lower[1]] }, "b", false),
            (step with { Pinned = false }, "a", false),
            (step with { Attributes = Mounts.MOUNT_ATTR_NODEV }, "a", false),
        })
        {
            using OverlayGuess guess = OverlayGuess.TryMake(step) ?? throw new InvalidOperationException("It was not made.");
            using Descriptor made = said.Prepare(guess)!.Value.Made;
            Assert.Equal(which, File.ReadAllText($"{made.ProcPath}/which"));
            // What is there to be taken is there once, and nowhere after it was wrong.
            Assert.Null(guess.Take(step));
            Assert.Equal(isRight, said.IsSameAs(step));
        }
        Assert.Null(OverlayGuess.TryMake(step with { Lower = [$"{folder}/a", $"{folder}/missing"] }));

        // With an index the kernel refuses an upper that another overlay still has (EBUSY).
        string mount = $"mount -t overlay x -o index=on,lowerdir={folder}/a,upperdir={folder}/upper,workdir={folder}/work {folder}/other";
        using (OverlayGuess guess = OverlayGuess.TryMake(step)!) Assert.ThrowsAny<Exception>(() => Shell.Run(mount));
        Shell.Run(mount);
        Mounts.Unmount($"{folder}/other");
    });

    [CageTheory]
    [InlineData(CageIsolation.Jail)]
    [InlineData(CageIsolation.Pivot)]
    public void Layers_without_bases_are_as_they_are_named(CageIsolation isolation) => InStore(test =>
    {
        CageRecord[] layers = Layers(test);
        using RunningCage running = test.Start(Over(test, "web", layers, isolation));
        AssertOver(running, layers);
    });

    [CageFact]
    public void Layers_with_bases_are_above_these_whatever_was_guessed() => InStore(test =>
    {
        CageRecord x = Layer(test, "x"), y = Layer(test, "y", x.Id);
        // A chain below one, and a diamond: two need "x", which comes once.
        CageRecord[] layers = Layers(test, i => i switch { 0 => [y.Id], 7 => [x.Id], _ => [] });
        CageRecord web = Over(test, "web", layers);
        CageRecord[] expected = [layers[0], y, .. layers[1..8], x, .. layers[8..]];
        using (RunningCage running = test.Start(web)) AssertOver(running, expected);

        // What is named last and needed by the first is below both; what is named twice is there once.
        using (RunningCage running = test.Start(Over(test, "last", [.. layers, x]))) AssertOver(running, [layers[0], y, .. layers[1..], x]);
        using (RunningCage running = test.Start(Over(test, "twice", [.. layers[20..], .. layers[20..]]))) AssertOver(running, layers[20..]);
    });

    [CageFact]
    public void What_is_wrong_with_one_of_many_is_told_and_leaves_nothing() => InStore(test =>
    {
        CageRecord[] layers = Layers(test);
        CageRecord web = Over(test, "web", layers), bad = layers[50];
        string conf = File.ReadAllText(bad.ConfPath);
        foreach ((string text, string message) in new[]
        {
            ("broken\n", "line 1"),
            ($"{conf}base={bad.Id}\n", "cycle"),
            ($"{conf}base={Guid.NewGuid()}\n", "is not in the store"),
            (conf.Replace("root=root", "root=elsewhere", StringComparison.Ordinal), "elsewhere (ENOENT)"),
        })
        {
            File.WriteAllText(bad.ConfPath, text);
            Assert.Contains(message, Assert.Throws<CageException>(() => test.Engine.Start(web)).Message);
            test.AssertNothingLeft(web);
        }
        File.WriteAllText(bad.ConfPath, conf);
        Directory.Move(bad.RootPath, $"{bad.Path}/away");
        Assert.Contains($"{bad.RootPath} (ENOENT)", Assert.Throws<CageException>(() => test.Engine.Start(web)).Message);
        test.AssertNothingLeft(web);
        Directory.Move($"{bad.Path}/away", bad.RootPath);
        using RunningCage running = test.Start(web);
        AssertOver(running, layers);
    });

    /// <summary>Elsewhere, behind a link, is as good; a tree that goes on changing is told the kernel otherwise than was guessed.</summary>
    [CageFact]
    public void Linked_and_live_layers_are_known_as_such()
    {
        // A link is followed by the second thread too, which is in no other mount namespace.
        using TestStore test = new();
        CageRecord[] layers = Layers(test);
        string outside = Directory.CreateDirectory($"{test.Folder}/outside").FullName;
        File.WriteAllText($"{outside}/which", "outside");
        CageRecord linked = test.Store.Get(test.NewBase(outside, "linked"))!;
        using (RunningCage running = test.Start(Over(test, "web", [linked, .. layers])))
        {
            Assert.Equal("outside", File.ReadAllText($"/proc/{running.Info.ProcessId}/root/which"));
            Assert.Equal([outside, .. layers.Select(layer => layer.RootPath)], Root(running).SuperOption("lowerdir+"));
            Assert.Equal("on", Root(running).SuperOption("redirect_dir").Single());
        }
        test.SetKey(linked, "source", outside);
        test.SetKey(linked, "provider", "live");
        using (RunningCage live = test.Start(Over(test, "over", [linked, .. layers]))) Assert.NotEqual("on", Root(live).SuperOption("redirect_dir").SingleOrDefault());

        static MountEntry Root(RunningCage running) => MountTable.Read($"/proc/{running.Info.ProcessId}/mountinfo").Single(mount => mount.MountPoint == "/");
    }

    [CageFact]
    public void Two_over_the_same_start_at_once() => InStore(test =>
    {
        CageRecord x = Layer(test, "x");
        CageRecord[] layers = Layers(test, i => i == 7 ? [x.Id] : []), plain = [.. layers.Where((_, i) => i != 7), x];
        // One guess is right, one wrong.
        CageRecord[] cages = [Over(test, "right", plain), Over(test, "wrong", layers)];
        for (int round = 0; round < 3; round++)
        {
            RunningCage?[] running = new RunningCage?[cages.Length];
            try
            {
                // In this mount namespace, which other threads are not in.
                Thread[] threads = [.. Enumerable.Range(0, cages.Length).Select(i => new Thread(() => running[i] = test.Start(cages[i])))];
                foreach (Thread thread in threads) thread.Start();
                foreach (Thread thread in threads) thread.Join();
                Assert.Equal(Many, CountLayers(running[0]!));
                Assert.Equal(Many + 1, CountLayers(running[1]!));
            }
            finally
            {
                foreach (RunningCage? cage in running) cage?.Dispose();
            }
        }

        static int CountLayers(RunningCage running) => MountTable.Read($"/proc/{running.Info.ProcessId}/mountinfo").Single(mount => mount.MountPoint == "/").SuperOption("lowerdir+").Count();
    });

    [CageFact]
    public void A_chain_of_five_hundred_starts() => InStore(test =>
    {
        List<CageRecord> layers = [Layer(test, "l499")];
        for (int i = 498; i >= 0; i--) layers.Insert(0, Layer(test, $"l{i}", layers[0].Id));
        using RunningCage running = test.Start(Over(test, "web", layers[..1]));
        AssertOver(running, layers);
    });
}
