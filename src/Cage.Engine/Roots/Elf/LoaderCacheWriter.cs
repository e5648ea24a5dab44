using System.Buffers.Binary;
using Cage.Interop;

namespace Cage.Engine.Roots.Elf;

/// <summary>Makes the ld.so.cache of a root, as ldconfig(8) run in there would: so that no program of it need be run.</summary>
internal static class LoaderCacheWriter
{
    private const int HeaderSize = 48, EntrySize = 24;
    private const uint LittleEndian = 2, ExtensionMagic = 0xeaa42174, HwcapsTag = 1, HwcapExtension = 1u << 30;

    /// <summary>The file for what is in the folders that /etc/ld.so.conf names and in the loader's own; null for a machine of the other byte order.</summary>
    public static byte[]? Make(RootView root)
    {
        List<Library> libraries = Collect(root);
        if (libraries.Exists(library => library.Target.IsBigEndian)) return null;
        libraries.Sort(Compare);
        string[] levels = [.. libraries.Select(library => library.Level).OfType<string>().Distinct().Order(StringComparer.Ordinal)];
        ArrayTexts texts = new(HeaderSize + (libraries.Count * EntrySize));
        byte[] entries = new byte[libraries.Count * EntrySize];
        for (int i = 0; i < libraries.Count; i++)
        {
            Library library = libraries[i];
            Span<byte> entry = entries.AsSpan(i * EntrySize, EntrySize);
            BinaryPrimitives.WriteInt32LittleEndian(entry, library.Target.CacheFlags);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], texts.Add(library.Name));
            BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], texts.Add(library.Path));
            if (library.Level is null) continue;
            BinaryPrimitives.WriteInt32LittleEndian(entry[16..], Array.IndexOf(levels, library.Level));
            BinaryPrimitives.WriteUInt32LittleEndian(entry[20..], HwcapExtension);
        }
        uint[] names = Array.ConvertAll([.. levels], texts.Add);
        int textsSize = texts.Length;
        texts.Align(4);
        byte[] header = new byte[HeaderSize], extension = new byte[24 + (names.Length * 4)];
        "glibc-ld.so.cache1.1"u8.CopyTo(header);
        Put(header, 20, (uint)libraries.Count);
        Put(header, 24, (uint)textsSize);
        Put(header, 28, LittleEndian);
        uint at = (uint)(HeaderSize + entries.Length + texts.Length);
        Put(header, 32, at);
        Put(extension, 0, ExtensionMagic);
        Put(extension, 4, 1);
        Put(extension, 8, HwcapsTag);
        Put(extension, 16, at + 24);
        Put(extension, 20, (uint)(names.Length * 4));
        for (int i = 0; i < names.Length; i++) Put(extension, 24 + (i * 4), names[i]);
        return [.. header, .. entries, .. texts.Bytes, .. extension];
    }

    /// <summary>In the order that the loader's binary search relies on: names downwards, runs of digits by their value; entries for a processor level before the one for all
    /// (glibc, elf/cache.c, compare; elf/dl-cache.c, _dl_cache_libcmp).</summary>
    private static int Compare(Library a, Library b)
    {
        int order = CompareNames(b.Name, a.Name);
        if (order == 0) order = b.Target.CacheFlags.CompareTo(a.Target.CacheFlags);
        if (order == 0) order = (a.Level is null).CompareTo(b.Level is null);
        return order != 0 ? order : string.CompareOrdinal(b.Level, a.Level);
    }

    internal static int CompareNames(string a, string b)
    {
        int i = 0, j = 0;
        while (i < a.Length && j < b.Length)
        {
            if (char.IsAsciiDigit(a[i]) && char.IsAsciiDigit(b[j]))
            {
                ulong one = Number(a, ref i), other = Number(b, ref j);
                if (one != other) return one.CompareTo(other);
            }
            else if (char.IsAsciiDigit(a[i]) != char.IsAsciiDigit(b[j]))
            {
                return char.IsAsciiDigit(a[i]) ? 1 : -1;
            }
            else if (a[i] != b[j])
            {
                return a[i] - b[j];
            }
            else
            {
                i++;
                j++;
            }
        }
        return (i < a.Length ? a[i] : 0) - (j < b.Length ? b[j] : 0);
    }

    private static ulong Number(string text, ref int at)
    {
        ulong number = 0;
        for (; at < text.Length && char.IsAsciiDigit(text[at]); at++) number = unchecked((number * 10) + (ulong)(text[at] - '0'));
        return number;
    }

    private static List<Library> Collect(RootView root)
    {
        ElfLibrary files = new(root, null);
        List<Library> libraries = [];
        HashSet<(string, int, string?)> seen = [];
        Queue<string> folders = new(LoaderConf.Folders(root));
        HashSet<string> places = [];
        bool hasDefaults = false;
        while (true)
        {
            if (folders.Count == 0)
            {
                if (hasDefaults) return libraries;
                hasDefaults = true;
                foreach (string folder in new[] { "/lib", "/usr/lib", "/lib64", "/usr/lib64", "/lib32", "/usr/lib32" }) folders.Enqueue(folder);
                continue;
            }
            string at = folders.Dequeue();
            Place place = root.Find(at);
            if (!place.IsFolder || !places.Add(place.Path)) continue;
            Take(at, null);
            string levels = RootView.Join(at, "glibc-hwcaps");
            foreach (string level in root.List(root.Find(levels))) Take($"{levels}/{level}", level);
        }

        void Take(string folder, string? level)
        {
            foreach (string name in root.List(root.Find(folder)).Where(IsLibraryName))
            {
                Place place = root.Find(RootView.Join(folder, name));
                if (place.IsFile && files.Image(place) is ElfImage image && seen.Add((name, image.Target.CacheFlags, level)))
                    libraries.Add(new Library(name, RootView.Join(folder, name), image.Target, level));
            }
        }
    }

    private static bool IsLibraryName(string name) =>
        (name.StartsWith("lib", StringComparison.Ordinal) || name.StartsWith("ld-", StringComparison.Ordinal)) && name.Contains(".so", StringComparison.Ordinal);

    private static void Put(byte[] bytes, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), value);

    private sealed record Library(string Name, string Path, ElfTarget Target, string? Level);

    private sealed class ArrayTexts(int start)
    {
        private readonly List<byte> _bytes = [];

        public IReadOnlyList<byte> Bytes => _bytes;

        public int Length => _bytes.Count;

        public uint Add(string text)
        {
            uint at = (uint)(start + _bytes.Count);
            _bytes.AddRange(PathText.Encode(text));
            _bytes.Add(0);
            return at;
        }

        public void Align(int size)
        {
            while ((start + _bytes.Count) % size != 0) _bytes.Add(0);
        }
    }
}
