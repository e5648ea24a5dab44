using Cage.Engine.Store;

namespace Cage.Engine.Tests;

public class StoreSettingsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cage-settings-").FullName;
    private readonly string? _before = Environment.GetEnvironmentVariable(StoreSettings.FileVariable);

    private string Conf => $"{_folder}/cage.conf";

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(StoreSettings.FileVariable, _before);
        Directory.Delete(_folder, recursive: true);
    }

    private StoreSettings Load(string text)
    {
        File.WriteAllText(Conf, text);
        Environment.SetEnvironmentVariable(StoreSettings.FileVariable, Conf);
        return StoreSettings.Load();
    }

    [Fact]
    public void The_seeds_own_file_is_understood()
    {
        StoreSettings settings = Load("tool=/opt/cage\ndata=/srv/cages # iSCSI\n");
        Assert.Equal(("/opt/cage", "/srv/cages", "/run/cage", Conf), (settings.Tool, settings.Data, settings.Run, settings.File));
    }

    [Fact]
    public void An_empty_file_and_no_file_give_the_defaults()
    {
        Assert.Equal(new StoreSettings { File = Conf }, Load(""));
        Environment.SetEnvironmentVariable(StoreSettings.FileVariable, "");
        StoreSettings settings = StoreSettings.Load();
        if (File.Exists(StoreSettings.DefaultFile)) Assert.Equal(StoreSettings.DefaultFile, settings.File);
        else Assert.Equal(new StoreSettings { Tool = "/opt/cage", Data = "/var/opt/cage", Run = "/run/cage" }, settings);
    }

    [Fact]
    public void A_CAGE_CONF_that_is_missing_is_an_error()
    {
        Environment.SetEnvironmentVariable(StoreSettings.FileVariable, $"{_folder}/none");
        CageException e = Assert.Throws<CageException>(StoreSettings.Load);
        Assert.Equal(CageError.CageConfInvalid, e.Error);
        Assert.Contains($"{_folder}/none", e.Message);
        Assert.Contains("CAGE_CONF", e.Message);
    }

    [Theory]
    [InlineData("data=cages\n", "data")]
    [InlineData("data=\n", "data")]
    [InlineData("data=/a/../b\n", "data")]
    [InlineData("tool=./x\n", "tool")]
    [InlineData("run=run\n", "run")]
    [InlineData("data=/a\ndata=/b\n", "data")]
    [InlineData("data\n", "data")]
    public void A_folder_that_cannot_be_is_named_with_file_line_and_key(string text, string key)
    {
        CageException e = Assert.Throws<CageException>(() => Load(text));
        Assert.Equal(CageError.CageConfInvalid, e.Error);
        Assert.Contains($"{Conf}, line {text.Count(c => c == '\n')}: {key}", e.Message);
    }

    [Theory]
    [InlineData("data=/srv/cages/", "/srv/cages")]
    [InlineData("data=/srv/my cages,a:b", "/srv/my cages,a:b")]
    [InlineData("data=/", "/")]
    public void A_folder_is_taken_as_it_stands(string line, string data) => Assert.Equal(data, Load(line + "\n").Data);
}
