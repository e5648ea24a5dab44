using System.Buffers.Binary;
using System.Text;
using Cage.Interop;

namespace Cage.Engine.Roots.Elf;

/// <summary>/etc/ld.so.cache: which library of a name is where (glibc, sysdeps/generic/dl-cache.h). The format since 2.2, alone or behind the old one's;
/// subfolders for processor levels as an extension since 2.33.</summary>
internal sealed class LoaderCache
{
    private const int HeaderSize = 48, EntrySize = 24, OldHeaderSize = 16, OldEntrySize = 12;
    private const uint ExtensionMagic = 0xeaa42174, HwcapsTag = 1, HwcapExtension = 1u << 30, IsaLevels = 0x3ff;

    private readonly Dictionary<string, List<Entry>> _entries = [];

    /// <summary>The names of processor levels that its entries refer to.</summary>
    private string[] _levels = [];

    /// <summary>One that knows nothing: there is no file.</summary>
    public static LoaderCache Empty { get; } = new();

    /// <summary>How many entries there are.</summary>
    public int Count { get; private set; }

    /// <summary>Understands the bytes of the file.</summary>
    /// <exception cref="ElfException">It is none, or broken.</exception>
    public static LoaderCache Parse(ReadOnlySpan<byte> file)
    {
        LoaderCache cache = new();
        if (file.StartsWith("ld.so-1.7.0\0"u8))
        {
            if (file.Length < OldHeaderSize) throw new ElfException("its header is cut short");
            long old = OldHeaderSize + ((long)BinaryPrimitives.ReadUInt32LittleEndian(file[12..]) * OldEntrySize);
            // The newer table follows at the next multiple of its alignment, eight.
            old = (old + 7) & ~7L;
            if (old >= file.Length) return cache;
            file = file[(int)old..];
        }
        if (!file.StartsWith("glibc-ld.so.cache1.1"u8) || file.Length < HeaderSize) throw new ElfException("it does not begin as one");
        bool isBigEndian = (file[28] & 3) == 3;
        cache.Read(file, isBigEndian);
        return cache;
    }

    /// <summary>The paths for <paramref name="name"/>, the best first: those for this processor before the one for all.</summary>
    /// <param name="name">What DT_NEEDED says.</param>
    /// <param name="target">For what machine.</param>
    /// <param name="levels">The processor levels that can be run here, the best first.</param>
    public IEnumerable<string> Find(string name, ElfTarget target, IReadOnlyList<string> levels)
    {
        if (!_entries.TryGetValue(name, out List<Entry>? entries)) return [];
        return entries.Where(entry => entry.Flags == target.CacheFlags && Rank(entry, levels) >= 0).OrderBy(entry => Rank(entry, levels)).Select(entry => entry.Path);
    }

    /// <summary>All names with their paths and flags, in the order of the file.</summary>
    public IEnumerable<(string Name, string Path, int Flags)> All() => _entries.SelectMany(pair => pair.Value.Select(entry => (pair.Key, entry.Path, entry.Flags)));

    private int Rank(Entry entry, IReadOnlyList<string> levels)
    {
        if (entry.Hwcap == 0) return int.MaxValue;
        uint high = (uint)(entry.Hwcap >> 32), index = (uint)entry.Hwcap;
        // What is left are the capabilities that glibc looked at until 2.36, in folders such as "tls" and "haswell": not used.
        if ((high & ~IsaLevels) != HwcapExtension || index >= _levels.Length) return -1;
        for (int i = 0; i < levels.Count; i++)
            if (levels[i] == _levels[index]) return i;
        return -1;
    }

    private void Read(ReadOnlySpan<byte> file, bool isBigEndian)
    {
        uint count = U32(file, 20, isBigEndian);
        if (count > (uint)(file.Length - HeaderSize) / EntrySize) throw new ElfException("it has fewer entries than it says");
        ReadLevels(file, U32(file, 32, isBigEndian), isBigEndian);
        for (int i = 0; i < (int)count; i++)
        {
            int at = HeaderSize + (i * EntrySize);
            string name = Text(file, U32(file, at + 4, isBigEndian)), path = Text(file, U32(file, at + 8, isBigEndian));
            ulong hwcap = isBigEndian ? BinaryPrimitives.ReadUInt64BigEndian(file[(at + 16)..]) : BinaryPrimitives.ReadUInt64LittleEndian(file[(at + 16)..]);
            if (!_entries.TryGetValue(name, out List<Entry>? entries)) _entries[name] = entries = [];
            entries.Add(new Entry((int)U32(file, at, isBigEndian), path, hwcap));
        }
        Count = (int)count;
    }

    private void ReadLevels(ReadOnlySpan<byte> file, uint offset, bool isBigEndian)
    {
        if (offset == 0) return;
        if (U32(file, offset, isBigEndian) != ExtensionMagic) throw new ElfException("its extension does not begin as one");
        uint sections = U32(file, offset + 4, isBigEndian);
        for (uint i = 0; i < sections; i++)
        {
            long section = offset + 8 + (i * 16L);
            if (U32(file, section, isBigEndian) != HwcapsTag) continue;
            uint start = U32(file, section + 8, isBigEndian), size = U32(file, section + 12, isBigEndian);
            if ((long)start + size > file.Length) throw new ElfException("a section lies beyond its end");
            _levels = new string[size / 4];
            for (int n = 0; n < _levels.Length; n++) _levels[n] = Text(file, U32(file, start + (n * 4L), isBigEndian));
        }
    }

    private static uint U32(ReadOnlySpan<byte> file, long at, bool isBigEndian)
    {
        if (at > file.Length - 4) throw new ElfException("a number lies beyond its end");
        ReadOnlySpan<byte> bytes = file[(int)at..];
        return isBigEndian ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
    }

    private static string Text(ReadOnlySpan<byte> file, uint at)
    {
        if (at >= (uint)file.Length) throw new ElfException("a name lies beyond its end");
        ReadOnlySpan<byte> rest = file[(int)at..];
        int end = rest.IndexOf((byte)0);
        return end >= 0 ? PathText.Decode(rest[..end]) : throw new ElfException("a name does not end");
    }

    private sealed record Entry(int Flags, string Path, ulong Hwcap);
}
