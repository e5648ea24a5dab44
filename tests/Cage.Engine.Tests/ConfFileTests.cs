using System.Text;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

public class ConfFileTests
{
    [Theory]
    [InlineData("a ")]
    [InlineData("a\t ")]
    [InlineData(" ")]
    [InlineData("日本\u3000")]
    public void White_space_at_the_end_of_a_value_outlives_a_comment(string value)
    {
        ConfFile file = ConfFile.Parse("/cage.conf", "memo=old  # why\nname=web\n"u8);
        file.Set("memo", value);
        ConfFile again = ConfFile.Parse("/cage.conf", file.ToBytes());
        Assert.Equal(value, again.Value("memo"));
        Assert.Equal("web", again.Value("name"));
        Assert.Contains("# why\n", System.Text.Encoding.UTF8.GetString(again.ToBytes()));
    }

    private static ConfFile Parse(string text) => ConfFile.Parse("/conf", Encoding.UTF8.GetBytes(text));

    private static string Text(ConfFile file) => Encoding.UTF8.GetString(file.ToBytes());

    /// <summary>Whatever stands in a file, a value is what the seed's own sed line prints. [004]</summary>
    [Fact]
    public void Values_are_those_of_the_seeds_sed()
    {
        string[] pieces = ["a", "B9", " ", "  ", "\t", "#", "=", ":", "\\", "\\n", "\\x23", "/", "\"", "'", ",", "日本", "é", "\u00a0", "\u3000", "\u2003", "&", "$x", "*", "[", "key="];
        Random random = new(4);
        string Any(int most) => string.Concat(Enumerable.Range(0, random.Next(most + 1)).Select(_ => pieces[random.Next(pieces.Length)]));

        string folder = Directory.CreateTempSubdirectory("cage-sed-").FullName;
        try
        {
            List<string> texts = [];
            for (int i = 0; i < 400; i++)
            {
                List<string> lines = [$"key={Any(8)}"];
                for (int n = random.Next(4); n > 0; n--)
                {
                    string line = random.Next(4) switch { 0 => $"#{Any(5)}", 1 => $"{Any(2)}", 2 => $" key={Any(3)}", _ => $"other{n}={Any(6)}" };
                    // What has no '=' before a comment is an error here and nothing to sed; two lines of one key are told apart by an error too.
                    bool sound = line.Split('#')[0].IndexOf('=') > 0 || line.Split('#')[0].Trim().Length == 0;
                    if (sound && !line.StartsWith("key=", StringComparison.Ordinal)) lines.Insert(random.Next(lines.Count + 1), line);
                }
                texts.Add(string.Join('\n', lines) + (random.Next(3) == 0 ? "" : "\n"));
                File.WriteAllText($"{folder}/{i:000}", texts[i]);
            }
            string printed = Shell.Run(
                """for file in "$folder"/*; do sed -ne's/[[:space:]]*#.*$//; s/^key=\(.*\)$/\1/p' "$file"; printf '\0'; done""", ("folder", folder), ("LC_ALL", "C.UTF-8"));
            string[] expected = printed.Split('\0');
            for (int i = 0; i < texts.Count; i++)
                Assert.True(expected[i].TrimEnd('\n') == Parse(texts[i]).Value("key"), $"sed: [{expected[i].TrimEnd('\n')}] we: [{Parse(texts[i]).Value("key")}] of: [{texts[i]}]");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void What_is_not_changed_is_written_back_to_the_letter()
    {
        const string Text = "# made by hand\n\n  # indented\nname = not name\nname=web\t # the \"web\"\nx-mine=1  2#3\n\tuuid=no\nmemo=a\\tb\\n日本\u3000\n#end";
        ConfFile file = Parse(Text);
        Assert.Equal(Text + "\n", ConfFileTests.Text(file));
        file.Set("name", "db");
        file.Set("new", "v");
        Assert.Equal(Text.Replace("name=web\t", "name=db\t") + "\nnew=v\n", ConfFileTests.Text(file));
        file.Set("new", (string?)null);
        file.Set("name", "web");
        Assert.Equal(Text + "\n", ConfFileTests.Text(file));
    }

    [Fact]
    public void Several_values_take_the_place_of_the_first()
    {
        ConfFile file = Parse("environment=A=1 # first\nname=x\nenvironment=B=2\n");
        Assert.Equal(["A=1", "B=2"], file.Values("environment"));
        file.Set("environment", ["C=3", "A=1", "D=4"]);
        Assert.Equal("environment=C=3 # first\nenvironment=A=1\nenvironment=D=4\nname=x\n", Text(file));
        Assert.Equal(["C=3", "A=1", "D=4"], Parse(Text(file)).Values("environment"));
        file.Set("environment", []);
        Assert.Equal("name=x\n", Text(file));
    }

    [Theory]
    [InlineData("a=1\nb\nc=2\n", "line 2", "b has no '='")]
    [InlineData("a=1\n  b # c=d\n", "line 2", "b has no '='")]
    [InlineData("a=1\n\nb=x\0y\n", "line 3", "0x00")]
    [InlineData("a=1\r\nb=2\r\n", "line 1", "0x0d")]
    [InlineData("a=\u001b[31m\n", "line 1", "0x1b")]
    [InlineData("=x\n", "line 1", "=x has no key")]
    public void A_line_that_is_none_is_named(string text, string line, string what)
    {
        CageException e = Assert.Throws<CageException>(() => Parse(text));
        Assert.Equal(CageError.CageConfInvalid, e.Error);
        Assert.StartsWith($"/conf, {line}:", e.Message);
        Assert.Contains(what, e.Message);
        Assert.Equal("/conf", e.TargetName);
    }

    [Fact]
    public void Tabs_are_no_control_characters() => Assert.Equal("a\tb", Parse("name=a\tb\n").Value("name"));

    [Fact]
    public void A_key_that_is_there_twice_is_named_with_its_line()
    {
        CageException e = Assert.Throws<CageException>(() => Parse("name=a\n# \nname=b\n").Value("name"));
        Assert.Equal(CageError.CageConfInvalid, e.Error);
        Assert.StartsWith("/conf, line 3: name", e.Message);
    }

    [Fact]
    public void Bytes_that_are_not_UTF8_are_an_error()
    {
        CageException e = Assert.Throws<CageException>(() => ConfFile.Parse("/conf", [.. "name=a"u8, 0xff, (byte)'\n']));
        Assert.Equal(CageError.CageConfInvalid, e.Error);
        Assert.Contains("/conf", e.Message);
        Assert.Contains("UTF-8", e.Message);
    }

    [Theory]
    [InlineData(1 << 20, true)]
    [InlineData((1 << 20) + 1, false)]
    [InlineData(10_000_000, false)]
    public void A_file_has_at_most_a_mebibyte(int size, bool fits)
    {
        string path = Path.GetTempFileName();
        try
        {
            byte[] content = new byte[size];
            content.AsSpan().Fill((byte)'#');
            File.WriteAllBytes(path, content);
            if (fits)
            {
                Assert.Null(ConfFile.Read(path).Value("name"));
                return;
            }
            CageException e = Assert.Throws<CageException>(() => ConfFile.Read(path));
            Assert.Equal(CageError.CageConfInvalid, e.Error);
            Assert.Contains(path, e.Message);
            Assert.Contains("EFBIG", e.Message);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_fifo_or_folder_in_its_place_does_not_hang()
    {
        string folder = Directory.CreateTempSubdirectory("cage-conf-").FullName;
        try
        {
            Shell.Run("mkfifo \"$folder/fifo\"; mkdir \"$folder/dir\"", ("folder", folder));
            // A fifo that nobody writes to reads as empty.
            Assert.Null(ConfFile.Read($"{folder}/fifo").Value("uuid"));
            CageException e = Assert.Throws<CageException>(() => ConfFile.Read($"{folder}/dir"));
            Assert.Contains("EISDIR", e.Message);
            e = Assert.Throws<CageException>(() => ConfFile.Read($"{folder}/none"));
            Assert.Equal(CageError.CageConfInvalid, e.Error);
            Assert.Contains("ENOENT", e.Message);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("a\\b")]
    [InlineData("C:\\new\\x23")]
    [InlineData("one\ntwo\n\nthree\n")]
    [InlineData("# one # two")]
    [InlineData("\\\\n \\\n\\x23\\#")]
    [InlineData("\\")]
    [InlineData("")]
    public void Free_text_survives_the_file_and_the_seeds_sed(string text)
    {
        ConfFile file = ConfFile.Empty("/conf");
        file.Set("memo", ConfText.Escape(text));
        string written = Text(file);
        Assert.Equal(1, written.Count(c => c == '\n'));
        Assert.DoesNotContain('#', written);
        Assert.Equal(text, ConfText.Unescape(Parse(written).Value("memo")!));
    }

    [Fact]
    public void Free_text_survives_whatever_it_is()
    {
        string[] pieces = ["\\", "n", "x23", "#", "\n", "a", " ", "日"];
        Random random = new(23);
        for (int i = 0; i < 2000; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => pieces[random.Next(pieces.Length)]));
            ConfFile file = ConfFile.Empty("/conf");
            file.Set("memo", ConfText.Escape(text));
            Assert.Equal(text, ConfText.Unescape(Parse(Text(file)).Value("memo")!));
        }
    }

    [Theory]
    [InlineData("a\\tb", "a\\tb")]
    [InlineData("\\x24", "\\x24")]
    [InlineData("end\\", "end\\")]
    [InlineData("two\\nlines", "two\nlines")]
    public void A_hand_written_backslash_before_something_else_stays(string value, string text) => Assert.Equal(text, ConfText.Unescape(value));

    [RootFact]
    public void It_is_replaced_in_one_step_and_keeps_its_owner_and_mode()
    {
        string folder = Directory.CreateTempSubdirectory("cage-conf-").FullName;
        try
        {
            string path = $"{folder}/cage.conf";
            File.WriteAllText(path, "name=old\n");
            Shell.Run("chown 12:34 \"$path\"; chmod 640 \"$path\"", ("path", path));
            using Descriptor before = Files.Open(path, Files.O_RDONLY);
            AtomicFile.Write(path, "name=new\n"u8);
            Assert.Equal("name=new\n", File.ReadAllText(path));
            Assert.Equal("12:34 640", Shell.Run("stat -c '%u:%g %a' \"$path\"", ("path", path)).Trim());
            // Who has it open reads on in the old one.
            Assert.Equal("name=old\n", Encoding.UTF8.GetString(Files.ReadAll(before)));
            Assert.Equal([path], Directory.GetFileSystemEntries(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
