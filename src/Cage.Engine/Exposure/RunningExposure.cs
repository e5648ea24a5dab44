using System.Globalization;
using Cage.Engine.State;
using Cage.Interop;

namespace Cage.Engine.Exposure;

/// <summary>What the kernel says of a running cage's init: the privileges that its processes can have, and what of the kernel they can write to.</summary>
internal sealed class RunningExposure(CageInfo cage, int pid, Action<ExposureRisk, string, string, string, string> add)
{
    /// <summary>Capabilities by which root inside comes out, or does to the host as it likes (capabilities(7)).</summary>
    private static readonly Dictionary<Capability, string> _dangerous = new()
    {
        [Capability.CAP_SYS_ADMIN] = "mounts, namespaces and much else",
        [Capability.CAP_SYS_MODULE] = "kernel modules can be loaded",
        [Capability.CAP_SYS_RAWIO] = "ports and memory of the machine can be reached",
        [Capability.CAP_SYS_BOOT] = "the host can be restarted",
        [Capability.CAP_SYS_TIME] = "the host's clock can be set",
        [Capability.CAP_SYS_PTRACE] = "other processes can be traced",
        [Capability.CAP_MKNOD] = "device nodes can be made",
        [Capability.CAP_DAC_READ_SEARCH] = "files can be opened by handle, wherever they lie",
        [Capability.CAP_BPF] = "programs can be loaded into the kernel",
        [Capability.CAP_PERFMON] = "the kernel can be observed",
        [Capability.CAP_SYSLOG] = "the kernel's log can be read and cleared",
        [Capability.CAP_NET_ADMIN] = "interfaces, routes and packet filters can be changed",
        [Capability.CAP_MAC_ADMIN] = "security policies can be changed",
    };

    public void Find()
    {
        Dictionary<string, string> status = ReadStatus();
        if (status.TryGetValue("CapBnd", out string? set))
        {
            ulong bounding = ulong.Parse(set, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            foreach (var (capability, reason) in _dangerous)
                if ((bounding >> (int)capability & 1) != 0) add(Risk(capability), "Capability", Capabilities.Name(capability), reason, Face.Call($"--cap-drop {Short(capability).ToLowerInvariant()}", $"-CapabilityDrop {Short(capability)}"));
        }
        if (status.GetValueOrDefault("Seccomp") == "0") add(ExposureRisk.Medium, "Privilege", "system calls", "none is filtered: each is a way to a flaw of the kernel", Face.Call("--seccomp default", "-Seccomp Default"));
        if (!IsMapped) add(ExposureRisk.Medium, "Namespace", "user", "root inside is root on the host, wherever it gets out", Face.Call("--userns, or commands as another user (-u)", "-UserNamespace auto, or commands as another user (-User)"));
        AddKernelFiles();
    }

    /// <summary>Whether its commands enter a user namespace, which its init does not.</summary>
    private bool IsMapped => cage.UserNamespace is not null;

    /// <summary>NET_ADMIN counts for whose network it is, and none outside of the user namespace that has it.</summary>
    private ExposureRisk Risk(Capability capability) => IsMapped || (capability == Capability.CAP_NET_ADMIN && !IsShared("net")) ? ExposureRisk.Low : ExposureRisk.High;

    private static string Short(Capability capability) => Capabilities.Name(capability)["CAP_".Length..];

    private bool IsShared(string space) => Files.ReadLink($"/proc/{pid}/ns/{space}") == Files.ReadLink($"/proc/thread-self/ns/{space}");

    private void AddKernelFiles()
    {
        IReadOnlyList<CageMount> mounts = CageMount.Of(cage);
        foreach ((string path, string reason) in ((string, string)[])[("/proc/sys", "settings of the kernel can be changed"), ("/proc/sysrq-trigger", "the host can be restarted"), ("/sys", "settings of the kernel and its devices can be changed")])
        {
            // What the kernel lacks cannot be written to: not every one has sysrq.
            if (Files.Status($"/proc/{pid}/root{path}") is null) continue;
            // The mount that lies nearest above the path, the last of several, is the one that counts.
            CageMount? at = mounts.Where(mount => mount.Target == "/" || MountHolders.IsBeneath(path, mount.Target)).OrderBy(mount => mount.Target.Length).LastOrDefault();
            if (at is { Type: "proc" or "sysfs" } && !at.Options.Split(',').Contains("ro")) add(ExposureRisk.High, "Kernel", path, reason, Face.Call("--isolation jail", "-Isolation Jail"));
        }
    }

    private Dictionary<string, string> ReadStatus() =>
        File.ReadLines($"/proc/{pid}/status").Select(line => line.Split(':', 2)).Where(parts => parts.Length == 2).ToDictionary(parts => parts[0], parts => parts[1].Trim());
}
