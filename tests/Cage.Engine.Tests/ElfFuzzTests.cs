using System.Globalization;
using Cage.Engine.Roots.Elf;
using Cage.Interop;

namespace Cage.Engine.Tests;

/// <summary>Files that lie about themselves: each gives an answer or an error, in good time and with little memory, never anything else.
/// CAGE_FUZZ_ROUNDS makes it as many as wanted.</summary>
public sealed class ElfFuzzTests : IDisposable
{
    private const string Interesting = "getpwnam";

    private static readonly int _rounds = int.TryParse(Environment.GetEnvironmentVariable("CAGE_FUZZ_ROUNDS"), NumberStyles.None, CultureInfo.InvariantCulture, out int rounds) ? rounds : 100_000;
    private static readonly ulong[] _values = [0, 1, 0x7f, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, ulong.MaxValue, 4096, 0x400000];

    private readonly string _path = $"/dev/shm/cage-fuzz-{Guid.NewGuid():N}";
    private readonly ElfReader _reader = new();
    private readonly ElfImports _imports = new([Interesting]);

    public void Dispose() => File.Delete(_path);

    private static byte[] Seed(int which) => which switch
    {
        0 => Elf(true, false).Build(),
        1 => Elf(false, false).Build(),
        2 => Elf(true, true).Build(),
        3 => Elf(false, true).Build(),
        _ => File.ReadAllBytes("/usr/bin/env"),
    };

    private static ElfBuilder Elf(bool is64, bool isBigEndian) => new()
    {
        Is64 = is64, IsBigEndian = isBigEndian, Interpreter = "/lib/ld.so", Needed = ["liba.so", "libb.so"], SoName = "libc.so", Rpath = "/a:$ORIGIN/b", Runpath = "/c",
        Auxiliary = ["libd.so"], Imports = [Interesting],
    };

    [Fact]
    public void The_seeds_are_understood()
    {
        for (int which = 0; which < 5; which++)
        {
            ElfImage image = Read(Seed(which))!;
            Assert.NotNull(image.Interpreter);
            Assert.NotEmpty(image.Needed);
            if (which < 4) Assert.Equal([Interesting], image.Imports);
        }
    }

    [Fact]
    public void A_mutated_file_is_understood_or_refused()
    {
        byte[][] seeds = [.. Enumerable.Range(0, 5).Select(Seed)];
        Random random = new(20261122);
        int refused = 0, understood = 0;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < _rounds; round++)
        {
            byte[] file = Mutate(seeds[round % seeds.Length], random);
            try
            {
                if (Read(file) is not null) understood++;
            }
            catch (ElfException)
            {
                refused++;
            }
        }
        Assert.True(refused > 0 && understood > 0, $"{refused} refused, {understood} understood");
        // The largest seed is 50 KB: nothing may be reserved because a file says so.
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / _rounds, 0, 1 << 20);
    }

    [Fact]
    public void A_mutated_cache_is_understood_or_refused()
    {
        byte[] small = ElfBuilder.Cache(("liba.so", "/a/liba.so", 0x303, "x86-64-v3"), ("liba.so", "/b/liba.so", 0x303, null), ("libb.so", "/b/libb.so", 0x303, "x86-64-v2"));
        byte[][] seeds = File.Exists("/etc/ld.so.cache") ? [small, File.ReadAllBytes("/etc/ld.so.cache")] : [small];
        ElfTarget target = new(ElfTarget.EM_X86_64, true, false, false);
        Random random = new(22112026);
        int refused = 0, understood = 0;
        for (int round = 0; round < _rounds; round++)
        {
            // The large one now and then: it takes as long as thirty of the small.
            byte[] file = Mutate(seeds[round % 30 == 0 ? ^1 : 0], random);
            try
            {
                LoaderCache cache = LoaderCache.Parse(file);
                foreach (var (name, _, _) in cache.All().Take(50).ToArray()) Assert.All(cache.Find(name, target, ["x86-64-v3", "x86-64-v2"]), path => Assert.NotNull(path));
                understood++;
            }
            catch (ElfException)
            {
                refused++;
            }
        }
        Assert.True(refused > 0 && understood > 0, $"{refused} refused, {understood} understood");
    }

    /// <summary>One to six changes: a bit, a byte, a word that is a limit of something, a piece moved, or the end cut off.</summary>
    private static byte[] Mutate(byte[] seed, Random random)
    {
        byte[] file = [.. seed];
        for (int changes = random.Next(1, 7); changes > 0 && file.Length > 16; changes--)
        {
            // Most that matters is at the beginning.
            int at = random.Next(3) == 0 ? random.Next(file.Length) : random.Next(Math.Min(file.Length, 512));
            switch (random.Next(6))
            {
                case 0: file[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: file[at] = (byte)random.Next(256); break;
                case 2 or 3:
                    byte[] value = BitConverter.GetBytes(_values[random.Next(_values.Length)]);
                    if (random.Next(2) == 0) Array.Reverse(value);
                    at &= ~3;
                    value.AsSpan(0, Math.Min(random.Next(2) == 0 ? 4 : 8, file.Length - at)).CopyTo(file.AsSpan(at));
                    break;
                case 4: file.AsSpan(random.Next(file.Length - 8), 8).CopyTo(file.AsSpan(Math.Min(at, file.Length - 8))); break;
                default: file = file[..random.Next(1, file.Length + 1)]; break;
            }
        }
        return file;
    }

    private ElfImage? Read(byte[] content)
    {
        File.WriteAllBytes(_path, content);
        using Descriptor file = Files.Open(_path, Files.O_RDONLY);
        _reader.Open(file, content.Length);
        return ElfImage.Read(_reader, _imports);
    }
}
