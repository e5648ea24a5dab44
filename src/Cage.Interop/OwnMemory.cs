using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>What the <c>cage</c> program holds in memory, and how long it may.</summary>
public static partial class OwnMemory
{
    /// <summary>Has the kernel's killer take any other process first (proc_pid_oom_score_adj(5)): for one without which a cage ends. Where that is not to be had, as for a caller
    /// without CAP_SYS_RESOURCE, it stays as it is.</summary>
    public static void Outlive()
    {
        if (!Capabilities.Has(Capability.CAP_SYS_RESOURCE)) return;
        try
        {
            using Descriptor? file = Files.TryOpen("/proc/self/oom_score_adj", Files.O_WRONLY);
            // Not -1000, which is never: where it is the last, it has to go.
            if (file is not null) Files.Write(file, "-999"u8);
        }
        catch (LinuxException e) when (e.Number is Errno.EACCES or Errno.EPERM or Errno.EROFS)
        {
        }
    }

    /// <summary>Lets go of the pages of code that were needed so far (madvise(2), MADV_DONTNEED; Cage.Native/memory.c, linked into <c>cage</c> alone): for an init that now only waits.</summary>
    public static void ForgetCode() => cage_forget_code();

    [LibraryImport("cage-memory")]
    private static partial void cage_forget_code();
}
