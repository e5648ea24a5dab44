using System.Globalization;
using System.Text;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.State;

/// <summary>Makes a cage's limits hold: in its version 2 group where that hierarchy has the controller, in a group of version 1 otherwise.
/// Each value is read back: what the kernel does not keep to is an error.</summary>
internal static class LimitGroups
{
    private const int Period = 100_000, Rounds = 20;

    /// <summary>The groups in which <paramref name="limits"/> are to be set, as paths.</summary>
    public static IReadOnlyList<string> Paths(Guid id, CageLimits limits) => [.. Settings(limits).Select(setting => PathOf(id, setting)).OfType<string>().Distinct()];

    /// <summary>Writes the limits and reads them back. The version 2 group is there; those of version 1 are made.</summary>
    /// <param name="id">The cage's id.</param>
    /// <param name="limits">What is to hold.</param>
    /// <param name="before">What held until now; what of that is a limit no more is lifted.</param>
    /// <param name="made">Is handed each version 1 group before it is used.</param>
    /// <exception cref="CageException">CageKernelUnsupported: one cannot be enforced on this host.</exception>
    public static void Apply(Guid id, CageLimits limits, CageLimits before, Action<GroupFolder>? made = null)
    {
        HashSet<string> seen = [];
        foreach (Setting setting in Settings(limits, before))
        {
            bool isNew = ControllerIsNew(setting.Controller);
            if (setting is { Controller: "io", Value: not null } && !IoIsWeighed(isNew))
                throw Impossible(setting, "no disk's scheduler goes by weights (ENODEV)");
            string hierarchy = (isNew ? ControlGroup.Hierarchy : LegacyGroups.Hierarchy(LegacyName(setting.Controller))) ?? throw Impossible(setting, $"no hierarchy of control groups has the {setting.Controller} controller (ENODEV)");
            GroupFolder group = new(hierarchy, id);
            if (isNew) Enable(group.IsDelegated ? [group.ParentPath] : [hierarchy, group.ParentPath], setting.Controller);
            else if (seen.Add(hierarchy) && made is not null) made(group);
            else group.Create();
            foreach (var (file, value) in isNew ? setting.New : setting.Legacy) Write(setting, $"{group.Path}/{file}", value);
        }
    }

    /// <summary>Changes the limits of a running cage: all of them or none.</summary>
    /// <exception cref="CageException">CageKernelUnsupported; CageLimitFailed.</exception>
    public static void Change(CageInfo cage, CageLimits limits)
    {
        CageLimits before = cage.Record.Limits;
        try
        {
            Apply(cage.Id, limits, before);
            Enter(cage);
        }
        catch (Exception e) when (e is LinuxException or CageException)
        {
            TryRestore(cage.Id, before, limits);
            if (e is not LinuxException cause) throw;
            throw new CageException(CageError.CageLimitFailed, $"The limits of \"{cage.Name}\" were not changed: {cause.Message}.", Plans.StepAdvice.LimitAdvice(cause), cage.Name, cause);
        }
    }

    /// <summary>Puts what runs in the cage into its version 1 groups, what is forked meanwhile included.</summary>
    public static void Enter(CageInfo cage)
    {
        foreach (GroupFolder group in LegacyGroups.Of(cage.Id))
            for (int round = 0; round < Rounds; round++)
            {
                int[] outside = [.. Runtime.CageProcesses.Find(cage).Except(LegacyGroups.Processes(group))];
                if (outside.Length == 0) break;
                LegacyGroups.Move(group, outside);
            }
    }

    /// <summary>The first failure is the one to tell.</summary>
    private static void TryRestore(Guid id, CageLimits before, CageLimits limits)
    {
        try
        {
            Apply(id, before, limits);
        }
        catch (Exception e) when (e is LinuxException or CageException)
        {
        }
    }

    private static string? PathOf(Guid id, Setting setting) =>
        (ControllerIsNew(setting.Controller) ? ControlGroup.Hierarchy : LegacyGroups.Hierarchy(LegacyName(setting.Controller))) is string root ? new GroupFolder(root, id).Path : null;

    private static bool ControllerIsNew(string controller) => ControlGroup.Hierarchy is string root && Text($"{root}/cgroup.controllers").Split(' ').Contains(controller);

    private static string LegacyName(string controller) => controller == "io" ? "blkio" : controller;

    /// <summary>Groups have a controller's files once their parent hands it on (cgroup.subtree_control).</summary>
    private static void Enable(string[] folders, string controller)
    {
        foreach (string folder in folders)
        {
            string path = $"{folder}/cgroup.subtree_control";
            if (Text(path).Split(' ').Contains(controller)) continue;
            using Descriptor file = Files.Open(path, Files.O_WRONLY);
            Files.Write(file, Encoding.ASCII.GetBytes($"+{controller}"));
        }
    }

    private static void Write(Setting setting, string path, string value)
    {
        using (Descriptor file = Files.TryOpen(path, Files.O_WRONLY) ?? throw Impossible(setting, $"{path} is not there (ENOENT): this kernel's {setting.Controller} controller lacks it"))
        {
            try
            {
                Files.Write(file, Encoding.ASCII.GetBytes(value));
            }
            catch (LinuxException e)
            {
                throw new LinuxException(e.Number, "write", path, value);
            }
        }
        string kept = Text(path);
        if (kept != value && value != "-1") throw Impossible(setting, $"the kernel keeps {path} at \"{kept}\", not \"{value}\" (EINVAL)");
    }

    /// <summary>The first line of a control group's file.</summary>
    private static string Text(string path)
    {
        using Descriptor file = Files.Open(path, Files.O_RDONLY);
        return Encoding.ASCII.GetString(Files.ReadAll(file)).Split('\n')[0];
    }

    private static CageException Impossible(Setting setting, string why) => new(
        CageError.CageKernelUnsupported, $"{setting.Key}={setting.Value ?? "none"} cannot be enforced on this host: {why}.", "Take that limit away, or see docs/limits.md for what it needs.", setting.Key);

    private static IEnumerable<Setting> Settings(CageLimits limits, CageLimits? before = null)
    {
        long? memory = Pages(limits.Memory), swap = Pages(limits.Swap);
        foreach (string key in CageLimits.Keys)
        {
            string? value = limits.Text(key);
            if (value is null && before?.Text(key) is null) continue;
            if (key == "swap" && swap is not null && memory is null && !ControllerIsNew("memory"))
                throw new CageException(CageError.CageKernelUnsupported, $"swap={value} cannot be enforced alone on this host, whose memory controller is of version 1 (EINVAL).", "Limit the memory too.", key);
            yield return key switch
            {
                "memory" => new(key, value, "memory", [("memory.max", Number(memory, "max"))], [.. Unlock(), ("memory.limit_in_bytes", Number(memory, "-1"))]),
                "swap" => new(key, value, "memory", [("memory.swap.max", Number(swap, "max"))], [("memory.memsw.limit_in_bytes", Number(memory + swap, "-1"))]),
                "cpu" => new(key, value, "cpu", [("cpu.max", $"{Number((long?)(limits.Cpu * Period), "max")} {Period}")],
                    [("cpu.cfs_period_us", Number(Period, "")), ("cpu.cfs_quota_us", Number((long?)(limits.Cpu * Period), "-1"))]),
                "cpuweight" => new(key, value, "cpu", [("cpu.weight", value ?? "100")], [("cpu.shares", Number((limits.CpuWeight ?? 100) * 1024 / 100, ""))]),
                "processes" => new(key, value, "pids", [("pids.max", value ?? "max")], [("pids.max", value ?? "max")]),
                _ => new(key, value, "io", [IoWeight(value)], [("blkio.bfq.weight", value ?? "100")]),
            };
        }
    }

    /// <summary>Memory and swap together must never be less than memory: that limit is lifted while this one changes.</summary>
    private static IEnumerable<(string File, string Value)> Unlock() =>
        LegacyGroups.Hierarchy("memory") is string root && Files.Status($"{root}/memory.memsw.limit_in_bytes") is not null ? [("memory.memsw.limit_in_bytes", "-1")] : [];

    private static bool HasCostModel => ControlGroup.Hierarchy is string root && Files.Status($"{root}/io.cost.qos") is not null && File.ReadAllText($"{root}/io.cost.qos").Contains("enable=1", StringComparison.Ordinal);

    /// <summary>Two schedulers know weights: the cost model, which has to be turned on for a disk, and BFQ (cgroup-v2.rst, bfq-iosched.rst).</summary>
    private static bool IoIsWeighed(bool isNew) => (isNew && HasCostModel) ||
        Directory.GetDirectories("/sys/block").Any(disk => File.Exists($"{disk}/queue/scheduler") && File.ReadAllText($"{disk}/queue/scheduler").Contains("[bfq]", StringComparison.Ordinal));

    private static (string File, string Value) IoWeight(string? value) => HasCostModel ? ("io.weight", $"default {value ?? "100"}") : ("io.bfq.weight", $"default {value ?? "100"}");

    /// <summary>The kernel counts memory in whole pages.</summary>
    private static long? Pages(long? bytes) => bytes / Environment.SystemPageSize * Environment.SystemPageSize;

    private static string Number(long? value, string none) => value?.ToString(CultureInfo.InvariantCulture) ?? none;

    /// <summary>One limit, and the files that say it in either version.</summary>
    private sealed record Setting(string Key, string? Value, string Controller, (string File, string Value)[] New, (string File, string Value)[] Legacy);
}
