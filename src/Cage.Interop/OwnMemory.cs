using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>What the <c>cage</c> program holds in memory (Cage.Native/memory.c, linked into it alone).</summary>
public static partial class OwnMemory
{
    /// <summary>Lets go of the pages of code that were needed so far (madvise(2), MADV_DONTNEED): for an init that now only waits.</summary>
    public static void ForgetCode() => cage_forget_code();

    [LibraryImport("cage-memory")]
    private static partial void cage_forget_code();
}
