namespace Cage.Cli.Tests;

/// <summary>Bases: chains, and what is wrong with them, told before anything is mounted.</summary>
public sealed class BaseTests : CageTest
{
    [RootFact]
    public void UnknownAndWritableOnesAreRefusedWhenACageIsMade()
    {
        string web = Store.Stopped("jail");
        Cage("new", "x", "--base", "nowhere").Failed(1, "\"nowhere\"");
        Cage("new", "x", "--base", "web").Failed(1, web, "writable");
        Assert.Equal(2, Cage("list", "--json").Objects().Length);
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void MissingWritableAndCyclicOnesAreRefusedBeforeTheStart(string isolation)
    {
        string web = Store.Stopped(isolation), other = Store.Stopped(isolation, "other"), conf = $"{Store.Data}/{web}.w/cage.conf", good = File.ReadAllText(conf);
        void Refused(string bases, params string[] words)
        {
            File.WriteAllText(conf, good.Replace($"base={Store.Host()}", $"base={bases}"));
            foreach (string command in (string[])["start", "plan"]) Cage(command, "web").Failed(1, words);
            Store.NothingRuns(web);
        }
        const string Missing = "aaaaaaaa-0000-4000-8000-000000000000";
        Refused(Missing, conf, "base", Missing, "not in the store");
        Refused(other, conf, "base", other, "writable");
        string first = Layer(1, 2), second = Layer(2, 3), third = Layer(3, 1);
        Refused(first, "base", "cycle", first, second, third, $"{Store.Data}/{third}.r/cage.conf");
        string self = Layer(4, 4);
        Refused(self, "base", "cycle", self);
        // A base whose files are gone.
        string hollow = Layer(5);
        Directory.Delete($"{Store.Data}/{hollow}.r/root");
        Refused(hollow, hollow, $"{Store.Data}/{hollow}.r/root", "ENOENT");
        foreach (string layer in (string[])[first, second, third, self, hollow]) Directory.Delete($"{Store.Data}/{layer}.r", recursive: true);
        File.WriteAllText(conf, good);
    }

    [RootFact]
    public void FiveHundredLayersStartAndOneMoreIsRefused()
    {
        const int Limit = 500;
        for (int i = 1; i <= Limit; i++)
        {
            Layer(i, i < Limit ? i + 1 : 0);
            Directory.CreateDirectory($"{Store.Data}/{LayerId(i)}.r/root/layer{i}");
        }
        string web = Store.New("web", "--base", LayerId(1));
        Cage("start", "web").Silently();
        string root = Store.RootPath("web");
        for (int i = 1; i <= Limit; i++) Assert.True(Directory.Exists($"{root}/layer{i}"), $"layer {i} does not show");
        Assert.Equal(Limit, Cage("mounts", "web", "--json").Objects()[0].GetProperty("layers").GetArrayLength());
        Cage("stop", "web").Silently();

        // As a chain, and all in one line.
        string deepest = Layer(Limit + 1);
        string conf = $"{Store.Data}/{LayerId(Limit)}.r/cage.conf";
        File.AppendAllText(conf, $"base={deepest}\n");
        Cage("start", "web").Failed(1, "500");
        Cage("run", "--base", LayerId(1), "--", "true").Failed(125, "500");
        string flat = Store.New("flat", "--base", LayerId(Limit + 1)), flatConf = $"{Store.Data}/{flat}.w/cage.conf";
        for (int i = 1; i <= Limit; i++) File.WriteAllText($"{Store.Data}/{LayerId(i)}.r/cage.conf", $"uuid={LayerId(i)}\nname=l{i}\nroot=root\n");
        File.WriteAllText(flatConf, File.ReadAllText(flatConf).Replace($"base={deepest}", $"base={string.Join(':', Enumerable.Range(1, Limit + 1).Select(LayerId))}"));
        Cage("start", "flat").Failed(1, "500");
        Store.NothingIsLeftOf(web, flat);
        Cage("remove", "web", "flat").Silently();
        // Five hundred removals one by one would be another test.
        for (int i = 1; i <= Limit + 1; i++) Directory.Delete($"{Store.Data}/{LayerId(i)}.r", recursive: true);
    }

    [RootFact]
    public void TheLiveHostWithALayerOfTheSameFileSystemIsRefusedWithAdvice()
    {
        Store.Host();
        string top = Store.New("top", "--read-only"), web = Store.New("web", "--base", "top", "--base", "host");
        // Only where the store lies on the root's own file system do the two overlap.
        if (Store.Shell($"stat -c %d / {Store.Data}").Lines is [var root, var data] && root == data)
        {
            Cage("start", "web").Failed(1, "ELOOP", "snapshot");
            Cage("plan", "web").Failed(1, "ELOOP");
            Cage("run", "--base", top, "--base", "host", "--", "true").Failed(125, "ELOOP");
        }
        Store.NothingIsLeftOf(web);
    }

    [RootFact]
    public void ABaseInUseIsNotRemoved()
    {
        string web = Store.Stopped("jail");
        Cage("remove", "host").Failed(1, "\"web\"", web);
        Cage("remove", "host", "--force").Failed(1, web);
        Cage("remove", "host", "web", "host").Silently();
        Store.NothingIsLeftOf(web);
        Assert.Empty(Cage("list", "--json").Objects());
    }

    [RootFact]
    public void AReadOnlyCageIsNotStarted()
    {
        Store.Host();
        Cage("start", "host").Failed(1, "read-only", "--base");
        Cage("exec", "host", "--", "true").Failed(125, "does not run");
        Cage("stop", "host").Silently();
    }

    [RootFact]
    public void SourcesAreLinkedCopiedOrMoved()
    {
        string source = $"{Store.Files}/source dir";
        Directory.CreateDirectory($"{source}/sub");
        File.WriteAllText($"{source}/sub/file", "x");
        Store.New("link", "--read-only", "--source", source);
        Assert.Equal(source, new FileInfo($"{Store.RootPath("link")}").LinkTarget);
        Store.New("copy", "--read-only", "--source", source, "--source-mode", "copy");
        Store.New("moved", "--read-only", "--source", source, "--source-mode=move");
        Assert.False(Directory.Exists(source));
        foreach (string name in (string[])["copy", "moved"])
        {
            Assert.Equal("x", File.ReadAllText($"{Store.RootPath(name)}/sub/file"));
            Assert.Null(new FileInfo(Store.RootPath(name)).LinkTarget);
        }
        Cage("new", "x", "--read-only", "--source", $"{Store.Files}/none").Failed(1, "ENOENT");
        Cage("new", "x", "--read-only", "--source", "/etc/passwd").Failed(1, "ENOTDIR");
        Cage("new", "x", "--read-only", "--source", "/", "--source-mode", "copy").Failed(1, "linked");
        Cage("new", "x", "--read-only", "--source", "/", "--source-mode", "move").Failed(1, "linked");
        Assert.Equal(3, Cage("list", "--json").Objects().Length);
    }

    private static string LayerId(int number) => $"bbbbbbbb-0000-4000-8000-{number:d12}";

    private string Layer(int number, int below = 0) => Store.WriteCage(
        $"{LayerId(number)}.r", $"uuid={LayerId(number)}\nname=l{number}\nroot=root\n{(below == 0 ? "" : $"base={LayerId(below)}\n")}");
}
