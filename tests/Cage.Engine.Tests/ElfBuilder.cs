using System.Buffers.Binary;
using System.Text;

namespace Cage.Engine.Tests;

/// <summary>Makes the smallest ELF file that a loader would understand: a header, its segments, a dynamic section, and the names.</summary>
public sealed class ElfBuilder
{
    public ushort Machine { get; init; } = 62;

    public bool Is64 { get; init; } = true;

    public bool IsBigEndian { get; init; }

    public string? Interpreter { get; init; }

    public string[] Needed { get; init; } = [];

    public string[] Auxiliary { get; init; } = [];

    public string[] Imports { get; init; } = [];

    public string? SoName { get; init; }

    public string? Rpath { get; init; }

    public string? Runpath { get; init; }

    public ulong Flags1 { get; init; }

    public byte[] Build()
    {
        const ulong Base = 0x400000;
        int header = Is64 ? 64 : 52, segment = Is64 ? 56 : 32, word = Is64 ? 8 : 4, symbol = Is64 ? 24 : 16;
        List<byte> names = [0];
        ulong Name(string text)
        {
            ulong at = (ulong)names.Count;
            names.AddRange([.. Encoding.UTF8.GetBytes(text), 0]);
            return at;
        }
        List<(ulong Tag, ulong Value)> dynamic = [.. Needed.Select(name => (1UL, Name(name))), .. Auxiliary.Select(name => (0x7ffffffdUL, Name(name)))];
        if (SoName is not null) dynamic.Add((14, Name(SoName)));
        if (Rpath is not null) dynamic.Add((15, Name(Rpath)));
        if (Runpath is not null) dynamic.Add((29, Name(Runpath)));
        if (Flags1 != 0) dynamic.Add((0x6ffffffb, Flags1));
        ulong[] imports = [.. Imports.Select(Name)];
        byte[] interpreter = Interpreter is null ? [] : [.. Encoding.UTF8.GetBytes(Interpreter), 0];
        int segments = 2 + (interpreter.Length > 0 ? 1 : 0), dynamicAt = header + (segments * segment), dynamicSize = (dynamic.Count + 4) * word * 2;
        int interpreterAt = dynamicAt + dynamicSize, symbolsAt = interpreterAt + interpreter.Length, namesAt = symbolsAt + ((imports.Length + 1) * symbol), size = namesAt + names.Count;
        dynamic.AddRange([(5, Base + (ulong)namesAt), (10, (ulong)names.Count), (6, Base + (ulong)symbolsAt), (0, 0)]);

        byte[] file = new byte[size];
        void Put(int at, ulong value, int bytes)
        {
            Span<byte> place = file.AsSpan(at, bytes);
            for (int i = 0; i < bytes; i++) place[IsBigEndian ? bytes - 1 - i : i] = (byte)(value >> (8 * i));
        }
        void Segment(int index, uint type, ulong offset, ulong length)
        {
            int at = header + (index * segment);
            Put(at, type, 4);
            Put(at + (Is64 ? 8 : 4), offset, word);
            Put(at + (Is64 ? 16 : 8), Base + offset, word);
            Put(at + (Is64 ? 32 : 16), length, word);
        }
        new byte[] { 0x7f, (byte)'E', (byte)'L', (byte)'F', (byte)(Is64 ? 2 : 1), (byte)(IsBigEndian ? 2 : 1), 1 }.CopyTo(file, 0);
        Put(16, 3, 2);
        Put(18, Machine, 2);
        Put(20, 1, 4);
        Put(Is64 ? 32 : 28, (ulong)header, word);
        Put(Is64 ? 54 : 42, (ulong)segment, 2);
        Put(Is64 ? 56 : 44, (ulong)segments, 2);
        Segment(0, 1, 0, (ulong)size);
        Segment(1, 2, (ulong)dynamicAt, (ulong)dynamicSize);
        if (interpreter.Length > 0) Segment(2, 3, (ulong)interpreterAt, (ulong)interpreter.Length);
        for (int i = 0; i < dynamic.Count; i++)
        {
            Put(dynamicAt + (i * word * 2), dynamic[i].Tag, word);
            Put(dynamicAt + (i * word * 2) + word, dynamic[i].Value, word);
        }
        interpreter.CopyTo(file, interpreterAt);
        for (int i = 0; i < imports.Length; i++) Put(symbolsAt + ((i + 1) * symbol), imports[i], 4);
        names.CopyTo(file, namesAt);
        return file;
    }

    /// <summary>An ld.so.cache of the newer format with these entries; a level is a processor level of its own.</summary>
    public static byte[] Cache(params (string Name, string Path, int Flags, string? Level)[] entries)
    {
        string[] levels = [.. entries.Select(entry => entry.Level).OfType<string>().Distinct()];
        List<byte> texts = [];
        int textsAt = 48 + (entries.Length * 24);
        uint Text(string text)
        {
            uint at = (uint)(textsAt + texts.Count);
            texts.AddRange([.. Encoding.UTF8.GetBytes(text), 0]);
            return at;
        }
        var places = entries.Select(entry => (Name: Text(entry.Name), Path: Text(entry.Path), entry.Flags, entry.Level)).ToArray();
        uint[] levelTexts = [.. levels.Select(Text)];
        while ((textsAt + texts.Count) % 4 != 0) texts.Add(0);
        int extension = textsAt + texts.Count, end = extension + 8 + 16 + (levels.Length * 4);
        byte[] file = new byte[end];
        void Put(int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(at), value);
        "glibc-ld.so.cache1.1"u8.CopyTo(file);
        Put(20, (uint)entries.Length);
        Put(24, (uint)texts.Count);
        file[28] = 2;
        Put(32, (uint)extension);
        for (int i = 0; i < places.Length; i++)
        {
            int at = 48 + (i * 24);
            Put(at, (uint)places[i].Flags);
            Put(at + 4, places[i].Name);
            Put(at + 8, places[i].Path);
            if (places[i].Level is not string level) continue;
            Put(at + 16, (uint)Array.IndexOf(levels, level));
            Put(at + 20, 1u << 30);
        }
        texts.CopyTo(file, textsAt);
        Put(extension, 0xeaa42174);
        Put(extension + 4, 1);
        Put(extension + 8, 1);
        Put(extension + 16, (uint)(extension + 24));
        Put(extension + 20, (uint)(levels.Length * 4));
        for (int i = 0; i < levels.Length; i++) Put(extension + 24 + (i * 4), levelTexts[i]);
        return file;
    }
}
