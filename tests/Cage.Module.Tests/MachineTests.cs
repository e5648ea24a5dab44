using System.Runtime.InteropServices;
using Cage.Tests;

namespace Cage.Module.Tests;

/// <summary>What the built module has for each kind of machine is that machine's, and whole. The part for arm64 is there after <c>build.sh package --arm64</c>.</summary>
public sealed class MachineTests
{
    private static readonly Dictionary<string, ushort> _machines = new() { ["linux-x64"] = 62, ["linux-arm64"] = 183 };

    [MachineFact("linux-x64")]
    public void ThePartForX64IsWhole() => AssertWhole("linux-x64");

    [MachineFact("linux-arm64")]
    public void ThePartForArm64IsWhole() => AssertWhole("linux-arm64");

    /// <summary>Emulated, where this machine is another.</summary>
    [MachineFact("linux-arm64", Runs = true)]
    public void TheCommandForArm64Runs() => Assert.Equal(
        $"cage {Repository.Manifest["ModuleVersion"]}",
        Shell.Run("$emulator \"$command\" --version", ("emulator", MachineFactAttribute.Emulator!), ("command", $"{Folder("linux-arm64")}/cage")).Trim());

    internal static string Folder(string machine) =>
        $"{Path.GetDirectoryName(Environment.GetEnvironmentVariable("CAGE_MODULE")) ?? $"{Repository.Root}/out/Cage/{Repository.Manifest["ModuleVersion"]}"}/bin/{machine}";

    private static void AssertWhole(string machine)
    {
        Assert.Equal(["cage", "libcage-spawn.so"], Directory.GetFiles(Folder(machine)).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.True(File.GetUnixFileMode($"{Folder(machine)}/cage").HasFlag(UnixFileMode.UserExecute | UnixFileMode.OtherExecute));
        foreach (string file in Directory.GetFiles(Folder(machine))) Assert.Equal(_machines[machine], BitConverter.ToUInt16(File.ReadAllBytes(file), 18));
        // Static: it names no interpreter (PT_INTERP), so that it runs in a root that has none.
        string library = Shell.Run("readelf -W --dyn-syms \"$file\"", ("file", $"{Folder(machine)}/libcage-spawn.so"));
        Assert.All(["cage_spawn", "cage_prepare", "cage_confine", "cage_make_user_namespace"], name => Assert.Contains($" {name}\n", library));
        Assert.DoesNotContain("INTERP", Shell.Run("readelf -W -l \"$file\"", ("file", $"{Folder(machine)}/cage")));
    }
}

/// <summary>A fact about the part of the module for a machine; skipped, and said so, where that was not built, or cannot be run here.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class MachineFactAttribute(string machine) : FactAttribute
{
    private string? _skip;

    /// <summary>Whether it is to be run, too.</summary>
    public bool Runs { get; init; }

    /// <inheritdoc/>
    public override string? Skip
    {
        get => _skip ?? (!Directory.Exists(MachineTests.Folder(machine)) ? $"the module was built without a part for {machine} (./build.sh package --arm64)"
            : Runs && Emulator is null ? "arm64 cannot be run here (qemu-user-static)" : null);
        set => _skip = value;
    }

    /// <summary>What runs a program of arm64's: nothing is needed on such a machine; null where nothing does.</summary>
    internal static string? Emulator => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? ""
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => $"{folder}/qemu-aarch64-static").FirstOrDefault(File.Exists);
}
