using System.Text;

namespace Cage.Engine.Roots.Elf;

/// <summary>Looks for certain functions among those that a file has from elsewhere: undefined symbols of its dynamic table.</summary>
internal sealed class ElfImports
{
    // By a hash of the bytes, so that no string is made of the thousands that do not matter.
    private readonly Dictionary<ulong, string> _wanted = [];

    public ElfImports(IEnumerable<string> names)
    {
        foreach (string name in names) _wanted[Hash(Encoding.UTF8.GetBytes(name))] = name;
    }

    /// <summary>Which of them the file has.</summary>
    /// <param name="reader">Has the file open.</param>
    /// <param name="is64">Its word size.</param>
    /// <param name="symbols">Where in the file the symbols are.</param>
    /// <param name="hash">Where DT_HASH is, which has their number; without one they end where the names begin, as linkers lay them (glibc relies on it too).</param>
    /// <param name="names">Where the names are.</param>
    /// <param name="namesSize">How long they are.</param>
    public IReadOnlyList<string> Find(ElfReader reader, bool is64, ulong symbols, ulong? hash, ulong names, ulong namesSize)
    {
        int entrySize = is64 ? 24 : 16;
        ulong length = names > symbols ? names - symbols : 0;
        if (hash is ulong header && reader.ReadUpTo(header, 8) is { Length: 8 } counts) length = Math.Max(length, (ulong)reader.U32(counts[4..]) * (ulong)entrySize);
        ReadOnlySpan<byte> table = reader.ReadUpTo(symbols, length).ToArray();
        ReadOnlySpan<byte> texts = reader.ReadUpTo(names, namesSize);
        List<string> found = [];
        for (; table.Length >= entrySize; table = table[entrySize..])
        {
            // st_shndx is SHN_UNDEF; st_name.
            if (reader.U16(table[(is64 ? 6 : 14)..]) != 0) continue;
            uint name = reader.U32(table);
            if (name == 0 || name >= (uint)texts.Length) continue;
            ReadOnlySpan<byte> text = texts[(int)name..];
            int end = text.IndexOf((byte)0);
            if (end > 0 && _wanted.TryGetValue(Hash(text[..end]), out string? wanted) && Encoding.UTF8.GetString(text[..end]) == wanted && !found.Contains(wanted)) found.Add(wanted);
        }
        return found;
    }

    /// <summary>FNV-1a.</summary>
    private static ulong Hash(ReadOnlySpan<byte> text)
    {
        ulong hash = 14695981039346656037;
        foreach (byte b in text) hash = (hash ^ b) * 1099511628211;
        return hash;
    }
}
