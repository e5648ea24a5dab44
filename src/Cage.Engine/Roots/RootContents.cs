using System.Globalization;
using System.Text;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Roots;

/// <summary>What kind of thing was asked for.</summary>
public enum RootWishKind
{
    /// <summary>A command, with all that it needs.</summary>
    Command,

    /// <summary>A file, or a folder with all in it; a program among them with all that it needs.</summary>
    File,

    /// <summary>A pack.</summary>
    Pack,
}

/// <summary>What was asked for to be in a root.</summary>
/// <param name="Kind">What kind of thing.</param>
/// <param name="Name">The command's path, the file's path, or the pack's name.</param>
/// <param name="Temporary">Whether it is only there for the making, and Clear-Cage takes it out again.</param>
/// <param name="ChoosesPacks">Whether the packs that it chooses came along.</param>
/// <param name="KeepsSetuid">Whether setuid and setgid bits were kept.</param>
/// <param name="Alone">Whether a folder is wanted without what is in it.</param>
internal sealed record RootWish(RootWishKind Kind, string Name, bool Temporary = false, bool ChoosesPacks = true, bool KeepsSetuid = false, bool Alone = false);

/// <summary>What an entry of a root is.</summary>
public enum RootEntryKind
{
    /// <summary>A copy of a file of the host's.</summary>
    File,

    /// <summary>A symbolic link.</summary>
    Link,

    /// <summary>A folder.</summary>
    Folder,

    /// <summary>A file that was made for this root.</summary>
    Made,
}

/// <summary>A file that Cage has put into a root.</summary>
/// <param name="Path">Where, seen from the root, without links on the way; on the host it comes from the same place.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Mark">The hash of a file's content, the target of a link; empty for a folder.</param>
/// <param name="Size">Bytes of content.</param>
/// <param name="Modified">When the host's file was changed last, at the time of the copy.</param>
/// <param name="Reason">Why it was put there.</param>
/// <param name="RequiredBy">For which file, pack or link; empty for what was asked for.</param>
internal sealed record RootEntry(string Path, RootEntryKind Kind, string Mark, long Size, Timestamp Modified, string Reason, string RequiredBy);

/// <summary>What Cage has put into a cage's root: the file <c>contents</c> beside it, lines of fields with a tab between them. Whatever else is there is the user's.</summary>
internal sealed class RootContents
{
    private const string FileName = "contents";
    private const int SizeLimit = 256 << 20;

    private static readonly string[] _wishKinds = [.. Words.ContentKinds], _entryKinds = ["file", "link", "folder", "made"];

    /// <summary>What was asked for, in order.</summary>
    public List<RootWish> Wishes { get; } = [];

    /// <summary>What was put there, by path.</summary>
    public Dictionary<string, RootEntry> Entries { get; } = [];

    /// <summary>Reads the file of a cage; one that is not there is empty.</summary>
    /// <exception cref="CageException">CageConfInvalid with file and line.</exception>
    public static RootContents Read(CageRecord record)
    {
        string path = PathOf(record);
        RootContents contents = new();
        using Descriptor? file = Files.TryOpen(path, Files.O_RDONLY);
        if (file is null) return contents;
        string[] lines = PathText.Decode(Files.ReadAll(file, SizeLimit)).Split('\n');
        for (int i = 0; i < lines.Length; i++)
            if (lines[i].Length > 0 && lines[i][0] != '#' && !contents.Understand(lines[i].Split('\t')))
                throw new CageException(CageError.CageConfInvalid, $"{path}, line {i + 1}: cannot be understood.", "Restore the file, or remove it: then Cage knows nothing of what it put there.", path);
        return contents;
    }

    /// <summary>Writes it, whole or not at all; where there is nothing to say, there is no file.</summary>
    /// <param name="record">The cage.</param>
    /// <param name="isNew">Whether nobody sees the cage yet.</param>
    public void Write(CageRecord record, bool isNew = false)
    {
        if (Wishes.Count + Entries.Count == 0)
        {
            Files.Unlink(PathOf(record));
            return;
        }
        List<string> lines = ["# What Cage has put into this root: cage add and cage drop write it. Fields are separated by tabs."];
        foreach (RootWish wish in Wishes)
            lines.Add($"want\t{wish.Kind.Word()}\t{Escape(wish.Name)}\t{string.Join(',', Flags(wish))}");
        foreach (RootEntry entry in Entries.Values)
            lines.Add(string.Create(CultureInfo.InvariantCulture,
                $"have\t{_entryKinds[(int)entry.Kind]}\t{Escape(entry.Path)}\t{Escape(entry.Mark)}\t{entry.Size}\t{entry.Modified.Seconds}.{entry.Modified.Nanoseconds:000000000}\t{entry.Reason}\t{Escape(entry.RequiredBy)}"));
        byte[] bytes = PathText.Encode(string.Join('\n', lines) + "\n");
        if (!isNew)
        {
            AtomicFile.Write(PathOf(record), bytes);
            return;
        }
        using Descriptor file = Files.Open(PathOf(record), Files.O_WRONLY | Files.O_CREAT | Files.O_EXCL, 0x1a4);
        Files.Write(file, bytes);
    }

    private static string PathOf(CageRecord record) => $"{record.Path}/{FileName}";

    private static IEnumerable<string> Flags(RootWish wish)
    {
        if (wish.Temporary) yield return "temporary";
        if (!wish.ChoosesPacks) yield return "nopacks";
        if (wish.KeepsSetuid) yield return "setuid";
        if (wish.Alone) yield return "alone";
    }

    private bool Understand(string[] fields)
    {
        if (fields is ["want", var wish, var name, var flags] && Array.IndexOf(_wishKinds, wish) is var wished and >= 0)
        {
            string[] words = flags.Split(',');
            Wishes.Add(new RootWish((RootWishKind)wished, Unescape(name), words.Contains("temporary"), !words.Contains("nopacks"), words.Contains("setuid"), words.Contains("alone")));
            return true;
        }
        if (fields is not ["have", var kind, var path, var mark, var size, var time, var reason, var requiredBy] || Array.IndexOf(_entryKinds, kind) is not (var number and >= 0)) return false;
        if (time.Split('.') is not [var seconds, var nanoseconds] || !long.TryParse(size, CultureInfo.InvariantCulture, out long bytes) ||
            !long.TryParse(seconds, CultureInfo.InvariantCulture, out long whole) || !long.TryParse(nanoseconds, CultureInfo.InvariantCulture, out long part)) return false;
        string place = Unescape(path);
        if (!place.StartsWith('/') || place.Split('/').Contains("..")) return false;
        Entries[place] = new RootEntry(place, (RootEntryKind)number, Unescape(mark), bytes, new Timestamp(whole, part), reason, Unescape(requiredBy));
        return true;
    }

    private static string Escape(string text) => text.Replace("\\", "\\\\").Replace("\t", "\\t").Replace("\n", "\\n");

    private static string Unescape(string text)
    {
        if (!text.Contains('\\')) return text;
        StringBuilder plain = new(text.Length);
        for (int i = 0; i < text.Length; i++) plain.Append(text[i] != '\\' || i + 1 == text.Length ? text[i] : text[++i] switch { 't' => '\t', 'n' => '\n', char other => other });
        return plain.ToString();
    }
}
