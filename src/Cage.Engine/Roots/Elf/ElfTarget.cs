namespace Cage.Engine.Roots.Elf;

/// <summary>What kind of machine an ELF file is for: files of one program agree in it (elf(5), e_machine, e_ident).</summary>
/// <param name="Machine">EM_*.</param>
/// <param name="Is64">ELFCLASS64.</param>
/// <param name="IsBigEndian">ELFDATA2MSB.</param>
/// <param name="IsHardFloat">On ARM, whether floating-point arguments are in registers (EF_ARM_ABI_FLOAT_HARD); both kinds can be on one host.</param>
internal readonly record struct ElfTarget(ushort Machine, bool Is64, bool IsBigEndian, bool IsHardFloat)
{
    public const ushort EM_386 = 3, EM_MIPS = 8, EM_PPC64 = 21, EM_S390 = 22, EM_ARM = 40, EM_X86_64 = 62, EM_AARCH64 = 183, EM_RISCV = 243, EM_LOONGARCH = 258;

    /// <summary>What the loader puts for <c>$PLATFORM</c>: the kernel's AT_PLATFORM (getauxval(3)).</summary>
    public string Platform => Machine switch
    {
        EM_386 => "i686",
        EM_X86_64 => "x86_64",
        EM_AARCH64 => "aarch64",
        EM_ARM => "v7l",
        EM_PPC64 => "power8",
        EM_S390 => "z900",
        _ => "",
    };

    /// <summary>Debian's name for its library folders (multiarch tuple); null where there is none here.</summary>
    public string? Tuple => (Machine, Is64, IsBigEndian) switch
    {
        (EM_386, false, _) => "i386-linux-gnu",
        (EM_X86_64, true, _) => "x86_64-linux-gnu",
        (EM_X86_64, false, _) => "x86_64-linux-gnux32",
        (EM_AARCH64, true, false) => "aarch64-linux-gnu",
        (EM_ARM, false, false) => IsHardFloat ? "arm-linux-gnueabihf" : "arm-linux-gnueabi",
        (EM_PPC64, true, false) => "powerpc64le-linux-gnu",
        (EM_PPC64, true, true) => "powerpc64-linux-gnu",
        (EM_S390, true, true) => "s390x-linux-gnu",
        (EM_RISCV, true, false) => "riscv64-linux-gnu",
        (EM_LOONGARCH, true, false) => "loongarch64-linux-gnu",
        (EM_MIPS, true, false) => "mips64el-linux-gnuabi64",
        (EM_MIPS, false, false) => "mipsel-linux-gnu",
        _ => null,
    };

    /// <summary>Where the interpreter of glibc usually is; null where that is not known. For libraries, which name none.</summary>
    public string? UsualInterpreter => (Machine, Is64, IsBigEndian) switch
    {
        (EM_386, false, _) => "/lib/ld-linux.so.2",
        (EM_X86_64, true, _) => "/lib64/ld-linux-x86-64.so.2",
        (EM_X86_64, false, _) => "/libx32/ld-linux-x32.so.2",
        (EM_AARCH64, true, false) => "/lib/ld-linux-aarch64.so.1",
        (EM_ARM, false, false) => IsHardFloat ? "/lib/ld-linux-armhf.so.3" : "/lib/ld-linux.so.3",
        (EM_PPC64, true, false) => "/lib64/ld64.so.2",
        (EM_PPC64, true, true) => "/lib64/ld64.so.1",
        (EM_S390, true, true) => "/lib/ld64.so.1",
        (EM_RISCV, true, false) => "/lib/ld-linux-riscv64-lp64d.so.1",
        (EM_LOONGARCH, true, false) => "/lib64/ld-linux-loongarch-lp64d.so.1",
        _ => null,
    };

    /// <summary>The kind that an entry of ld.so.cache has for this machine (glibc, sysdeps/generic/ldconfig.h).</summary>
    public int CacheFlags => (Machine, Is64) switch
    {
        (EM_X86_64, true) => 0x0303,
        (EM_X86_64, false) => 0x0803,
        (EM_S390, true) => 0x0403,
        (EM_PPC64, true) => 0x0503,
        (EM_MIPS, true) => 0x0703,
        (EM_ARM, false) => IsHardFloat ? 0x0903 : 0x0b03,
        (EM_AARCH64, true) => 0x0a03,
        (EM_RISCV, true) => 0x1003,
        (EM_LOONGARCH, true) => 0x1203,
        _ => 0x0003,
    };
}
