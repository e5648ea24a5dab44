using Cage.Interop;

namespace Cage.Engine.Roots.Elf;

/// <summary>What the dynamic loader wants to know of an ELF file (elf(5)).</summary>
internal sealed class ElfImage
{
    private const int SegmentLimit = 1 << 16, PathLimit = 4096, SearchPathLimit = 1 << 16;
    private const ulong DynamicLimit = 1 << 20;
    private const uint PT_LOAD = 1, PT_DYNAMIC = 2, PT_INTERP = 3, EF_ARM_ABI_FLOAT_HARD = 0x400;

    private const ulong DT_NULL = 0, DT_NEEDED = 1, DT_HASH = 4, DT_STRTAB = 5, DT_SYMTAB = 6, DT_STRSZ = 10, DT_SONAME = 14, DT_RPATH = 15, DT_RUNPATH = 29,
        DT_FLAGS_1 = 0x6ffffffb, DT_AUXILIARY = 0x7ffffffd, DT_FILTER = 0x7fffffff, DF_1_NODEFLIB = 0x800;

    private readonly List<(ulong Address, ulong Offset, ulong Size)> _loads = [];

    public ElfTarget Target { get; private init; }

    /// <summary>PT_INTERP; null for a library and for what is linked statically.</summary>
    public string? Interpreter { get; private set; }

    /// <summary>DT_NEEDED in order, and DT_FILTER.</summary>
    public IReadOnlyList<string> Needed { get; private set; } = [];

    /// <summary>DT_AUXILIARY: loaded where they are there.</summary>
    public IReadOnlyList<string> Wanted { get; private set; } = [];

    public string? SoName { get; private set; }

    public string? Rpath { get; private set; }

    public string? Runpath { get; private set; }

    /// <summary>DF_1_NODEFLIB: nothing of the default folders.</summary>
    public bool SkipsDefaults { get; private set; }

    /// <summary>What it calls of that which was asked for; filled by <see cref="ElfImports"/>.</summary>
    public IReadOnlyList<string> Imports { get; private set; } = [];

    /// <summary>Reads a file; null when it is no ELF file at all.</summary>
    /// <param name="reader">Has it open.</param>
    /// <param name="imports">What to look for among its imports; null for nothing.</param>
    /// <exception cref="ElfException">It is one, and broken.</exception>
    public static ElfImage? Read(ElfReader reader, ElfImports? imports)
    {
        ReadOnlySpan<byte> head = reader.Head;
        if (!head.StartsWith("\u007fELF"u8)) return null;
        if (head.Length < 52) throw new ElfException("its header is cut short");
        if (head[4] is not (1 or 2)) throw new ElfException($"its class {head[4]} is unknown");
        if (head[5] is not (1 or 2)) throw new ElfException($"its byte order {head[5]} is unknown");
        bool is64 = head[4] == 2;
        if (is64 && head.Length < 64) throw new ElfException("its header is cut short");
        reader.IsBigEndian = head[5] == 2;
        ushort machine = reader.U16(head[18..]);
        uint flags = reader.U32(head[(is64 ? 48 : 36)..]);
        ElfImage image = new()
        {
            Target = new ElfTarget(machine, is64, reader.IsBigEndian, machine == ElfTarget.EM_ARM && (flags & EF_ARM_ABI_FLOAT_HARD) != 0),
        };
        image.ReadSegments(reader, reader.Word(head[(is64 ? 32 : 28)..], is64), reader.U16(head[(is64 ? 54 : 42)..]), reader.U16(head[(is64 ? 56 : 44)..]), imports);
        return image;
    }

    /// <summary>Where in the file what is loaded at an address comes from; null when nothing of the file is there.</summary>
    private ulong? OffsetOf(ulong address)
    {
        foreach (var (start, offset, size) in _loads)
            if (address >= start && address - start < size) return offset + (address - start);
        return null;
    }

    private void ReadSegments(ElfReader reader, ulong table, int entrySize, int count, ElfImports? imports)
    {
        if (count == 0) return;
        bool is64 = Target.Is64;
        if (entrySize != (is64 ? 56 : 32)) throw new ElfException($"its program headers are of {entrySize} bytes each");
        if (count >= SegmentLimit - 1) throw new ElfException("it has too many program headers");
        ulong dynamic = 0, dynamicSize = 0;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = reader.Read(table + (ulong)(i * entrySize), (ulong)entrySize, "a program header");
            uint type = reader.U32(entry);
            if (type is not (PT_LOAD or PT_DYNAMIC or PT_INTERP)) continue;
            ulong offset = reader.Word(entry[(is64 ? 8 : 4)..], is64), address = reader.Word(entry[(is64 ? 16 : 8)..], is64), size = reader.Word(entry[(is64 ? 32 : 16)..], is64);
            if (type == PT_LOAD) _loads.Add((address, offset, size));
            else if (type == PT_DYNAMIC) (dynamic, dynamicSize) = (offset, size);
            else Interpreter = reader.Text(offset, Math.Min(size, PathLimit), "its interpreter's name");
        }
        if (Interpreter is "") Interpreter = null;
        if (dynamicSize > DynamicLimit) throw new ElfException("its dynamic section is too large");
        if (dynamicSize > 0) ReadDynamic(reader, reader.Read(dynamic, dynamicSize, "its dynamic section").ToArray(), imports);
    }

    private void ReadDynamic(ElfReader reader, ReadOnlySpan<byte> section, ElfImports? imports)
    {
        int word = Target.Is64 ? 8 : 4;
        List<ulong> needed = [], wanted = [];
        ulong? texts = null, symbols = null, hash = null, soName = null, rpath = null, runpath = null;
        ulong textsSize = ulong.MaxValue;
        for (; section.Length >= word * 2; section = section[(word * 2)..])
        {
            ulong tag = reader.Word(section, Target.Is64), value = reader.Word(section[word..], Target.Is64);
            if (tag == DT_NULL) break;
            switch (tag)
            {
                case DT_NEEDED or DT_FILTER: needed.Add(value); break;
                case DT_AUXILIARY: wanted.Add(value); break;
                case DT_STRTAB: texts = value; break;
                case DT_STRSZ: textsSize = value; break;
                case DT_SYMTAB: symbols = value; break;
                case DT_HASH: hash = value; break;
                case DT_SONAME: soName = value; break;
                case DT_RPATH: rpath = value; break;
                case DT_RUNPATH: runpath = value; break;
                case DT_FLAGS_1: SkipsDefaults = (value & DF_1_NODEFLIB) != 0; break;
            }
        }
        if (texts is not ulong address)
        {
            if (needed.Count > 0) throw new ElfException("it has no table of names");
            return;
        }
        if (OffsetOf(address) is not ulong names) throw new ElfException("its table of names is not in the file");
        string Text(ulong value, ulong limit, string what) =>
            value < textsSize ? reader.Text(names + value, Math.Min(textsSize - value, limit), what) : throw new ElfException($"{what} lies beyond its table of names");
        Needed = needed.ConvertAll(value => Text(value, PathLimit, "a needed library's name"));
        Wanted = wanted.ConvertAll(value => Text(value, PathLimit, "an auxiliary library's name"));
        if (soName is ulong own) SoName = Text(own, PathLimit, "its DT_SONAME");
        if (rpath is ulong old) Rpath = Text(old, SearchPathLimit, "its DT_RPATH");
        if (runpath is ulong path) Runpath = Text(path, SearchPathLimit, "its DT_RUNPATH");
        if (imports is not null && symbols is ulong table && OffsetOf(table) is ulong offset)
            Imports = imports.Find(reader, Target.Is64, offset, hash is ulong chains ? OffsetOf(chains) : null, names, textsSize);
    }
}
