using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Tests;

namespace Cage.Engine.Tests;

public sealed class CageStoreTests : IDisposable
{
    private readonly TestStore _test = new();

    private CageStore Store => _test.Store;

    public void Dispose() => _test.Dispose();

    private Guid Add(string name, string id) => _test.Create(new NewCage { Name = name, Id = Guid.Parse(id) }).Id;

    /// <summary>A folder of the store with any cage.conf, or none.</summary>
    private string AddBroken(string id, string? conf, string kind = "w")
    {
        string path = Directory.CreateDirectory($"{_test.Settings.Data}/{id}.{kind}").FullName;
        if (conf is not null) File.WriteAllText($"{path}/cage.conf", conf);
        return path;
    }

    [Fact]
    public void A_store_that_is_not_there_yet_is_empty()
    {
        Assert.Empty(Store.ReadAll());
        CageException e = Assert.Throws<CageException>(() => Store.Find("web"));
        Assert.Equal(CageError.CageNotFound, e.Error);
        Assert.Contains("\"web\"", e.Message);
        Assert.Contains(_test.Settings.Data, e.Message);
    }

    [RootFact]
    public void A_cage_is_found_by_name_id_and_the_beginning_of_its_id()
    {
        Guid web = Add("web", "011868f2-c75f-49a0-b7ba-54a6f282419f"), db = Add("db", "0118aaaa-c75f-49a0-b7ba-54a6f282419f");
        Assert.Equal(web, Store.Find("web").Id);
        Assert.Equal(db, Store.Find("0118aaaa-c75f-49a0-b7ba-54a6f282419f").Id);
        Assert.Equal(db, Store.Find("0118AAAA-C75F-49A0-B7BA-54A6F282419F").Id);
        Assert.Equal(web, Store.Find("01186").Id);
        Assert.Equal(web, Store.Find("011868F2-c").Id);
        Assert.Equal(["db", "web"], Store.ReadAll().Select(cage => cage.Name));
        foreach (string wrong in new[] { "we", "WEB", "webb", "", " ", "0118aaaa-c75f-49a0-b7ba-54a6f282419e", "868f2", "*", "0118aaab" })
            Assert.Equal(CageError.CageNotFound, Assert.Throws<CageException>(() => Store.Find(wrong)).Error);
    }

    [RootFact]
    public void What_fits_several_is_refused_with_their_ids()
    {
        Guid one = Add("web", "011868f2-c75f-49a0-b7ba-54a6f282419f"), two = Add("web", "0118aaaa-c75f-49a0-b7ba-54a6f282419f");
        foreach (string selector in new[] { "web", "0118" })
        {
            CageException e = Assert.Throws<CageException>(() => Store.Find(selector));
            Assert.Equal(CageError.CageAmbiguous, e.Error);
            Assert.Contains(one.ToString(), e.Message);
            Assert.Contains(two.ToString(), e.Message);
            Assert.Equal(2, Store.FindAll(selector).Count);
        }
        Assert.Equal(one, Store.Find("01186").Id);
    }

    [RootFact]
    public void A_folder_whose_id_is_in_upper_case_is_found_by_it()
    {
        Guid id = Add("web", "abcd68f2-c75f-49a0-b7ba-54a6f282419f");
        string path = Store.PathOf(id, CageKind.Writable), upper = $"{_test.Settings.Data}/{id.ToString().ToUpperInvariant()}.w";
        Directory.Move(path, upper);
        Assert.Equal(upper, Store.Find("web").Path);
        Assert.Equal(upper, Store.Find(id.ToString()).Path);
        Assert.Equal(upper, Store.Find(id.ToString().ToUpperInvariant()).Path);
        Assert.Equal(upper, Store.Find("abcd").Path);
        Assert.Equal(upper, Store.Get(id, CageKind.Writable)!.Path);
        Assert.Null(Store.Get(id, CageKind.ReadOnly));
        Assert.Equal(CageError.CageAlreadyExists, Assert.Throws<CageException>(() => _test.Create(new NewCage { Name = "other", Id = id })).Error);
        _test.Engine.Remove(Store.Find(id.ToString()));
        Assert.Null(Store.Get(id));
    }

    [RootFact]
    public void The_beginning_of_an_id_that_fits_a_broken_cage_too_is_ambiguous()
    {
        Guid good = Add("good", "a1000000-0000-0000-0000-000000000000");
        AddBroken("a1100000-0000-0000-0000-000000000000", "uuid=b\n");
        CageException e = Assert.Throws<CageException>(() => Store.Find("a1"));
        Assert.Equal(CageError.CageAmbiguous, e.Error);
        Assert.Contains($"{good}, a1100000-0000-0000-0000-000000000000 (broken)", e.Message);
        Assert.Equal(good, Store.Find("a10").Id);
        Assert.Equal(good, Store.Find("good").Id);
        Assert.Equal(CageError.CageConfInvalid, Assert.Throws<CageException>(() => Store.Find("a11")).Error);
    }

    [RootFact]
    public void A_name_goes_before_the_beginning_of_an_id()
    {
        Add("web", "abcd68f2-c75f-49a0-b7ba-54a6f282419f");
        Guid named = Add("abcd", "011868f2-c75f-49a0-b7ba-54a6f282419f");
        Assert.Equal(named, Store.Find("abcd").Id);
    }

    [RootTheory]
    [InlineData("a,b:c\\d \"e\" f")]
    [InlineData("日本 🐦")]
    [InlineData("../up")]
    [InlineData("-f")]
    [InlineData("$(id) `id` ;")]
    public void Odd_names_are_kept_and_found(string name)
    {
        Guid id = _test.Create(new NewCage { Name = name, Memo = $"{name}\n# {name}" }).Id;
        Assert.Equal(id, Store.Find(name).Id);
        Assert.Equal($"{name}\n# {name}", Store.Find(name).Memo);
    }

    [RootFact]
    public void A_broken_cage_is_told_and_hides_none()
    {
        Add("good", "011868f2-c75f-49a0-b7ba-54a6f282419f");
        string[] broken =
        [
            AddBroken("a1000000-0000-0000-0000-000000000000", null), AddBroken("a2000000-0000-0000-0000-000000000000", "uuid=b\n"),
            AddBroken("a3000000-0000-0000-0000-000000000000", ""), AddBroken("a4000000-0000-0000-0000-000000000000", "uuid=011868f2-c75f-49a0-b7ba-54a6f282419f\nroot=root\n", "r"),
            $"{_test.Settings.Data}/a5000000-0000-0000-0000-000000000000.w",
        ];
        File.WriteAllText(broken[4], "");
        // What has no cage's name is nobody's.
        AddBroken("nonsense", "");
        File.WriteAllText($"{_test.Settings.Data}/lost+found", "");
        List<CageException> told = [];
        Assert.Equal(["good"], Store.ReadAll(told.Add).Select(cage => cage.Name));
        Assert.Equal(["good"], _test.Engine.List(told.Add).Select(cage => cage.Name));
        Assert.Equal(broken.Length * 2, told.Count);
        foreach (string path in broken) Assert.Equal(2, told.Count(e => e.Message.Contains(path, StringComparison.Ordinal)));
        Assert.Equal("good", Store.Find("good").Name);
        Assert.Equal("good", Store.Find("0118").Name);
        Assert.Equal(CageError.CageNotFound, Assert.Throws<CageException>(() => Store.Find("none")).Error);
    }

    [RootFact]
    public void A_broken_cage_that_is_meant_says_what_is_wrong_with_it()
    {
        Add("good", "011868f2-c75f-49a0-b7ba-54a6f282419f");
        string path = AddBroken("a2000000-0000-0000-0000-000000000000", "name=a\nuuid=b\n");
        foreach (string selector in new[] { "a2000000-0000-0000-0000-000000000000", "A2" })
        {
            CageException e = Assert.Throws<CageException>(() => Store.Find(selector));
            Assert.Equal(CageError.CageConfInvalid, e.Error);
            Assert.Contains($"{path}/cage.conf, line 2: uuid", e.Message);
        }
    }

    [Fact]
    public void A_store_that_is_a_file_is_an_error()
    {
        File.WriteAllText(_test.Settings.Data, "");
        CageException e = Assert.Throws<CageException>(() => Store.ReadAll());
        Assert.Equal(CageError.CageStoreFailed, e.Error);
        Assert.Contains(_test.Settings.Data, e.Message);
        Assert.Contains("ENOTDIR", e.Message);
        File.Delete(_test.Settings.Data);
    }

    [RootFact]
    public void A_change_keeps_what_hands_have_written()
    {
        CageRecord record = _test.Create(new NewCage { Name = "web" }).Record;
        string conf = File.ReadAllText(record.ConfPath).Replace("name=web\n", "# the web\nname=web # here\nx=1\n");
        File.WriteAllText(record.ConfPath, conf);
        CageInfo changed = _test.Engine.Change(record, before => before with { Name = "db", Memo = "#1\n2" });
        Assert.Equal(("db", "#1\n2"), (changed.Name, changed.Memo));
        Assert.Equal(conf.Replace("name=web #", "name=db #").Replace("memo=\n", "memo=\\x231\\n2\n"), File.ReadAllText(record.ConfPath));
        Assert.Equal(["cage.conf", "mnt", "root", "work"], Directory.GetFileSystemEntries(record.Path).Select(Path.GetFileName).Order());
    }

    [RootFact]
    public void A_change_sees_what_another_command_changed_meanwhile()
    {
        CageRecord old = _test.Create(new NewCage { Name = "web" }).Record;
        _test.Engine.Change(old, before => before with { Memo = "first" });
        _test.Engine.Change(old, before => before with { Name = "db" });
        Assert.Equal(("db", "first"), (Store.Get(old.Id)!.Name, Store.Get(old.Id)!.Memo));
    }

    [RootFact]
    public void A_change_that_would_break_the_cage_is_refused()
    {
        CageRecord web = _test.Create(new NewCage { Name = "web" }).Record;
        CageRecord low = _test.NewLayer("low"), high = _test.NewLayer("high", low.Id);
        string before = File.ReadAllText(web.ConfPath) + File.ReadAllText(low.ConfPath);
        void Refused(CageRecord record, Func<CageRecord, CageRecord> change) => Assert.Throws<CageException>(() => _test.Engine.Change(record, change));
        Refused(web, old => old with { Name = "a\nb" });
        Refused(web, old => old with { Memo = "a\rb" });
        Refused(web, old => old with { Memo = "a\0b" });
        Refused(web, old => old with { Environment = ["A"] });
        Refused(web, old => old with { Environment = ["A=\0"] });
        Refused(web, old => old with { Base = [Guid.NewGuid()] });
        Refused(web, old => old with { Base = [web.Id] });
        Refused(low, old => old with { Base = [low.Id] });
        Refused(low, old => old with { Base = [high.Id] });
        Assert.Equal(before, File.ReadAllText(web.ConfPath) + File.ReadAllText(low.ConfPath));
    }

    [RootFact]
    public void One_lock_at_a_time_and_none_on_what_is_gone()
    {
        CageRecord record = _test.Create(new NewCage { Name = "web" }).Record;
        using CancellationTokenSource soon = new(TimeSpan.FromMilliseconds(100));
        using (CageLock.Take(record.Path))
            Assert.Throws<OperationCanceledException>(() => CageLock.Take(record.Path, soon.Token));
        CageLock.Take(record.Path).Dispose();

        // Whoever waited for a cage that was removed meanwhile is told so, also when another one has its name by then.
        CageException? failure = null;
        CageLock held = CageLock.Take(record.Path);
        Thread waiting = new(() => failure = Assert.Throws<CageException>(() => CageLock.Take(record.Path)));
        waiting.Start();
        Thread.Sleep(50);
        Directory.Move(record.Path, $"{_test.Folder}/moved");
        Directory.CreateDirectory(record.Path);
        held.Dispose();
        waiting.Join();
        Assert.Equal(CageError.CageNotFound, failure!.Error);
    }
}
