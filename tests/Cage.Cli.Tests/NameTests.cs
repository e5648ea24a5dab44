namespace Cage.Cli.Tests;

/// <summary>Names, and folders, with all that shells and mount options trip over.</summary>
public sealed class NameTests() : CageTest("""we,ird:pa\th "q" 'x' $ü ☃ lowerdir=a\,b""")
{
    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void AStoreInAnOddFolderWorks(string isolation)
    {
        Store.Host();
        string top = Store.New("a,b:c\\d \"e\" f", "--read-only");
        string id = Store.WriteCage("cccccccc-0000-4000-8000-000000000001.r", "uuid=cccccccc-0000-4000-8000-000000000001\nname=lib\nroot=ro,ot: \"1\" \\2\n");
        Directory.Move($"{Store.Data}/{id}.r/root", $"{Store.Data}/{id}.r/ro,ot: \"1\" \\2");
        File.WriteAllText($"{Store.Data}/{id}.r/ro,ot: \"1\" \\2/file", "from a layer\n");
        string plain = Store.New("plain", "--base", "a,b:c\\d \"e\" f", "--base", id, "--isolation", isolation);
        string web = Store.New("w,e:b \\ \"x\"", "--base", "host", "--isolation", isolation);
        Cage("start", "w,e:b \\ \"x\"", plain).Silently();
        Assert.Equal("inside\n", Cage("exec", "w,e:b \\ \"x\"", "--", "echo", "inside").Ended(0).Output);
        Cage("exec", web, "--", "sh", "-c", "echo x >/written").Silently();
        Assert.Equal("x\n", File.ReadAllText($"{Store.Data}/{web}.w/root/written"));
        Assert.Equal("from a layer\n", File.ReadAllText($"{Store.RootPath(plain)}/file"));
        Assert.Equal(
            [$"{Store.Data}/{top}.r/root", $"{Store.Data}/{id}.r/ro,ot: \"1\" \\2"],
            Cage("mounts", plain, "--json").Objects()[0].GetProperty("layers").EnumerateArray().Select(layer => layer.GetString()!));
        Cage("stop", "w,e:b \\ \"x\"", plain).Ended(0);
        Store.NothingIsLeftOf(web, plain);
    }

    [RootTheory]
    [InlineData("")]
    [InlineData("a#b")]
    [InlineData("a\nb")]
    [InlineData("a\u001bb")]
    [InlineData(" a")]
    [InlineData("a ")]
    public void NamesThatAConfCannotHoldAreRefused(string name)
    {
        Cage("new", name).Failed(1, "name");
        Assert.Empty(Cage("list", "--json").Objects());
    }

    [RootFact]
    public void AVeryLongNameIsRefused()
    {
        Store.New(new string('n', 255), "--read-only");
        Cage("new", new string('n', 256)).Failed(1, "255");
    }

    [RootFact]
    public void ANameLikeAnOptionIsReachedById()
    {
        Cage("new", "--web").Failed(2);
        Assert.Equal("-", Cage("show", Store.New("-", "--read-only"), "--json").Objects()[0].Text("name"));
    }
}
