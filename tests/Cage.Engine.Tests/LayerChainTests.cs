using Cage.Engine.Layers;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

public sealed class LayerChainTests : IDisposable
{
    private readonly TestStore _test = new();

    public void Dispose() => _test.Dispose();

    /// <summary>A different id for each letter or word.</summary>
    private static Guid Id(string name) => new(0, 0, 0, [.. System.Text.Encoding.ASCII.GetBytes(name.PadLeft(8, '0'))[..8]]);

    /// <summary>A layer, as a hand would make it: "a: b c" has a over b over c.</summary>
    private void Add(string line, CageKind kind = CageKind.ReadOnly)
    {
        string[] words = line.Split([':', ' '], StringSplitOptions.RemoveEmptyEntries);
        string path = _test.Store.PathOf(Id(words[0]), kind);
        Directory.CreateDirectory($"{path}/root");
        File.WriteAllText(
            $"{path}/cage.conf",
            $"uuid={Id(words[0])}\nname={words[0]}\nbase={string.Join(':', words.Skip(1).Select(Id))}\nroot=root\nwork=work\nmountpoint=mnt\n");
    }

    private string Chain(string bases) =>
        string.Join(' ', LayerChain.Resolve(_test.Store, [.. bases.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Id)]).Records.Select(layer => layer.Name));

    private CageException Refused(string bases) => Assert.Throws<CageException>(() => Chain(bases));

    [Theory]
    [InlineData("a", "", "a")]
    [InlineData("a b", "", "a b")]
    [InlineData("b a", "", "b a")]
    [InlineData("a", "a:b|b:c|c:", "a b c")]
    [InlineData("a a", "", "a")]
    [InlineData("a b", "a:c|b:c", "a b c")]
    [InlineData("b a", "a:c|b:c", "b a c")]
    [InlineData("a b", "a:b", "a b")]
    [InlineData("b a", "a:b", "a b")]
    [InlineData("c a", "a:b|b:c", "a b c")]
    [InlineData("a b", "a:c d|b:e", "a c d b e")]
    [InlineData("a", "a:b c|b:d|c:d|d:e", "a b c d e")]
    [InlineData("a", "a:b c|b:d e|c:e d", "a b c e d")]
    [InlineData("", "", "")]
    public void Each_is_once_and_below_all_that_need_it_and_earlier_bases_above_later(string bases, string layers, string expected)
    {
        foreach (string name in "abcde".Select(c => $"{c}")) Add($"{name}:");
        foreach (string line in layers.Split('|', StringSplitOptions.RemoveEmptyEntries)) Add(line);
        Assert.Equal(expected, Chain(bases));
    }

    [Fact]
    public void The_order_holds_whatever_the_graph()
    {
        Random random = new(11);
        for (int round = 0; round < 60; round++)
        {
            int count = random.Next(1, 14);
            // Only upwards in number, so that there is no cycle.
            int[][] needs = [.. Enumerable.Range(0, count).Select(i => Enumerable.Range(i + 1, count - i - 1).Where(_ => random.Next(3) == 0).OrderBy(_ => random.Next()).ToArray())];
            for (int i = 0; i < count; i++) Add($"{i}: {string.Join(' ', needs[i])}");
            int[] bases = [.. Enumerable.Range(0, count).Where(_ => random.Next(2) == 0).OrderBy(_ => random.Next())];
            int[] order = [.. Chain(string.Join(' ', bases)).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];

            HashSet<int> reached = [];
            Stack<int> open = new(bases);
            while (open.TryPop(out int next))
                if (reached.Add(next))
                    foreach (int need in needs[next]) open.Push(need);
            Assert.Equal(reached.Order(), order.Order());
            foreach (int i in order)
                foreach (int need in needs[i]) Assert.True(Array.IndexOf(order, need) > Array.IndexOf(order, i), $"{need} above {i}: {string.Join(' ', order)}");
            // Where nothing needs anything, the order is as given.
            int[] free = [.. bases.Where(i => needs[i].Length == 0 && !needs.Any(need => need.Contains(i)))];
            Assert.Equal(free, order.Where(free.Contains));
        }
    }

    [Theory]
    [InlineData("a:a", "a", "a a")]
    [InlineData("a:b|b:a", "a", "a b a")]
    [InlineData("a:b|b:c|c:d|d:b", "a", "a b c d b")]
    public void A_cycle_is_refused_with_the_way_around(string layers, string bases, string way)
    {
        foreach (string line in layers.Split('|')) Add(line);
        CageException e = Refused(bases);
        Assert.Equal(CageError.CageConfInvalid, e.Error);
        Assert.Contains("cycle", e.Message);
        Assert.Contains(string.Join(" -> ", way.Split(' ').Select(Id)), e.Message);
        // The file, line and key that has the last link of it.
        Assert.Contains($"{_test.Store.PathOf(Id(way.Split(' ')[^2]), CageKind.ReadOnly)}/cage.conf, line 3: base", e.Message);
    }

    [Fact]
    public void A_base_that_is_missing_writable_or_without_files_is_named()
    {
        Add("a: b");
        CageException e = Refused("a");
        Assert.Equal(CageError.CageConfInvalid, e.Error);
        Assert.Contains($"{_test.Store.PathOf(Id("a"), CageKind.ReadOnly)}/cage.conf, line 3: base {Id("b")} is not in the store", e.Message);
        Assert.Contains($"{Id("a")} -> {Id("b")}", e.Message);

        Add("b:", CageKind.Writable);
        Assert.Contains("read-only", Refused("a").Message);
        Add("b:");
        Assert.Equal("a b", Chain("a"));

        string root = $"{_test.Store.PathOf(Id("b"), CageKind.ReadOnly)}/root";
        Directory.Delete(root);
        Assert.Contains(root, Refused("a").Message);
        File.CreateSymbolicLink(root, $"{_test.Folder}/nowhere");
        Assert.Contains("ENOENT", Refused("a").Message);
        Directory.CreateDirectory($"{_test.Folder}/nowhere");
        Assert.Equal("a b", Chain("a"));

        File.WriteAllText($"{_test.Store.PathOf(Id("b"), CageKind.ReadOnly)}/cage.conf", "broken");
        Assert.Contains("line 1", Refused("a").Message);
    }

    [Fact]
    public void Five_hundred_layers_and_no_more()
    {
        for (int i = 0; i < 501; i++) Add(i == 500 ? "500:" : $"{i}: {i + 1}");
        Assert.Equal(string.Join(' ', Enumerable.Range(1, 500)), Chain("1"));
        CageException deep = Refused("0");
        for (int i = 0; i < 501; i++) Add($"{i}:");
        Assert.Equal(500, Chain(string.Join(' ', Enumerable.Range(0, 500))).Split(' ').Length);
        CageException wide = Refused(string.Join(' ', Enumerable.Range(0, 501)));
        foreach (CageException e in new[] { deep, wide })
        {
            Assert.Equal(CageError.CageConfInvalid, e.Error);
            Assert.Contains("500", e.Message);
        }
    }

    /// <summary>A second thread finds them too then: what it cannot read is told as if it had not tried, and nothing stays open.</summary>
    [Fact]
    public void Many_are_found_as_few_are()
    {
        string all = string.Join(' ', Enumerable.Range(0, 100));
        foreach (string name in all.Split(' ')) Add($"{name}:");
        Assert.Equal(all, Chain(all));
        Assert.Equal(all, Chain($"{all} {all}"));
        Add("7: x");
        Add("x: 93");
        Assert.Equal(all.Replace(" 7 ", " 7 x "), Chain(all));

        Add("93: 7");
        Assert.Contains(string.Join(" -> ", new[] { "93", "7", "x", "93" }.Select(Id)), Refused(all).Message);
        Add("93:");
        string layer = _test.Store.PathOf(Id("50"), CageKind.ReadOnly);
        Directory.Delete($"{layer}/root");
        Assert.Contains($"{layer}/root", Refused(all).Message);
        File.WriteAllText($"{layer}/cage.conf", "broken");
        Assert.Contains($"{layer}/cage.conf, line 1", Refused(all).Message);
        Directory.Delete(layer, recursive: true);
        Assert.Contains($"{Id("50")} is not in the store", Refused(all).Message);
        Assert.DoesNotContain(Directory.GetFiles("/proc/self/fd"), file => Files.ReadLink(file)?.StartsWith(_test.Settings.Data, StringComparison.Ordinal) == true);
    }

    private void Link(string name, string target)
    {
        Add($"{name}:");
        string root = $"{_test.Store.PathOf(Id(name), CageKind.ReadOnly)}/root";
        Directory.Delete(root);
        File.CreateSymbolicLink(root, target);
    }

    private void RefuseOverlap(string bases) => LayerChain.Resolve(_test.Store, [.. bases.Split(' ').Select(Id)]);

    [Fact]
    public void Layers_that_overlap_on_one_file_system_are_refused_with_what_to_do()
    {
        string one = Directory.CreateDirectory($"{_test.Folder}/one/below").Parent!.FullName;
        Directory.CreateDirectory($"{_test.Folder}/one two");
        Add("z:");
        Link("live", "/");
        Link("one", one);
        Link("two", $"{_test.Folder}/one two");
        Link("below", $"{one}/below");
        Link("again", $"{one}/below/..");
        RefuseOverlap("one two z");
        RefuseOverlap("live");
        foreach (string pair in new[] { "one below", "below one", "one again", "z two one below" })
        {
            CageException e = Assert.Throws<CageException>(() => RefuseOverlap(pair));
            Assert.Equal(CageError.CageMountFailed, e.Error);
            Assert.Contains("ELOOP", e.Message);
            Assert.Contains(one, e.Message);
            Assert.NotNull(e.Advice);
        }
        Directory.CreateDirectory($"{_test.Store.PathOf(Id("z"), CageKind.ReadOnly)}/root/in");
        Link("inz", $"{_test.Store.PathOf(Id("z"), CageKind.ReadOnly)}/root/in");
        Link("store", _test.Settings.Data);
        Link("beside", Directory.CreateDirectory($"{_test.Store.PathOf(Id("z"), CageKind.ReadOnly)}/roots").FullName);
        RefuseOverlap("z beside two");
        foreach (string pair in new[] { "inz z", "z inz", "z store", "store two z", "store inz" })
            Assert.Contains("ELOOP", Assert.Throws<CageException>(() => RefuseOverlap(pair)).Message);
        // Where the store's folder is on another file system than /, there is nothing to refuse.
        if (Files.Status("/")!.Value.Device != Files.Status(_test.Folder)!.Value.Device) return;
        foreach (string pair in new[] { "live z", "one live" })
            Assert.Contains("live host", Assert.Throws<CageException>(() => RefuseOverlap(pair)).Message);
    }

    [RootFact]
    public void The_live_host_goes_with_a_layer_of_another_file_system() => MountNamespace.Run(folder =>
    {
        Link("live", "/");
        Link("other", Directory.CreateDirectory($"{folder}/other").FullName);
        RefuseOverlap("other live");
        RefuseOverlap("live other");
    });
}
