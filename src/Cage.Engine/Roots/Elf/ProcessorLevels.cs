using System.Runtime.InteropServices;
using System.Text;
using Cage.Interop;

namespace Cage.Engine.Roots.Elf;

/// <summary>The processor levels of this machine: the folders below <c>glibc-hwcaps</c> that the loader looks into, the best first (ld.so(8), x86-64 psABI).</summary>
internal static class ProcessorLevels
{
    // As the kernel names what it has switched on (proc_cpuinfo(5)); an instruction set that it has not saves no registers.
    private static readonly ProcessorLevel[] _levels =
    [
        new("x86-64-v2", ["cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3"]),
        new("x86-64-v3", ["avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"]),
        new("x86-64-v4", ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]),
    ];

    private static readonly Lazy<string[]> _here = new(() => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? Of(Flags()) : []);

    /// <summary>Those that run programs for <paramref name="target"/>; none for another machine's, of which nothing is known.</summary>
    public static IReadOnlyList<string> For(ElfTarget target) => target is { Machine: ElfTarget.EM_X86_64, Is64: true } ? _here.Value : [];

    /// <summary>The levels that a processor with these flags has.</summary>
    internal static string[] Of(IReadOnlySet<string> flags) => [.. _levels.TakeWhile(level => level.Flags.All(flags.Contains)).Select(level => level.Name).Reverse()];

    private sealed record ProcessorLevel(string Name, string[] Flags);

    private static HashSet<string> Flags()
    {
        // The first processor's are enough, and the file has a block for each.
        byte[] buffer = new byte[8192];
        using Descriptor? file = Files.TryOpen("/proc/cpuinfo", Files.O_RDONLY);
        if (file is null) return [];
        string text = Encoding.ASCII.GetString(buffer, 0, Files.ReadAt(file, buffer, 0));
        string? line = text.Split('\n').FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal));
        return [.. line?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? []];
    }
}
