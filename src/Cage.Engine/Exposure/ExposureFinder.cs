using Cage.Engine.Layers;
using Cage.Engine.Plans;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Exposure;

/// <summary>Finds what of the host can be reached from inside a cage: from what it was given and, while it runs, from what the kernel says of it.</summary>
internal sealed class ExposureFinder(CageInfo cage, LayerChain layers)
{
    private readonly List<CageExposure> _found = [];

    private CageRecord Record => cage.Record;

    /// <summary>All of it, the worst first.</summary>
    public IReadOnlyList<CageExposure> Find()
    {
        if (cage.Kind == CageKind.ReadOnly) return [];
        AddIsolation();
        AddShares();
        AddNetwork();
        AddResources();
        if (cage.ProcessId is int pid) new RunningExposure(cage, pid, Add).Find();
        return [.. _found.OrderByDescending(item => item.Risk).ThenBy(item => item.Kind, StringComparer.Ordinal)];
    }

    private void AddIsolation()
    {
        if (Record.Isolation == CageIsolation.Chroot)
            Add(ExposureRisk.High, "Isolation", "chroot", "root inside can leave the root, and is root on the host", Face.Call("--isolation jail", "-Isolation Jail"));
        if (Record.Isolation != CageIsolation.Jail)
            Add(ExposureRisk.High, "Namespace", "pid, ipc, uts, cgroup", "the host's processes are seen, and root inside can end and trace them", Face.Call("--isolation jail", "-Isolation Jail"));
        foreach (CageRecord layer in layers.Records.Where(layer => layer.IsLive))
            Add(ExposureRisk.Medium, "File", layer.Name, "all files of the live host can be read as root, its secrets included", $"a {Face.Call("--base", "-Base")} without them");
    }

    private void AddShares()
    {
        if (Record.Device == DeviceView.Host)
            Add(ExposureRisk.High, "Device", "/dev", "all devices of the host, its disks included, can be read, written and removed", Face.Call("--device private", "-Device private"));
        foreach (DeviceRule rule in Record.Devices.Select(DeviceRule.Parse).Where(rule => !rule.Hides))
        {
            if (rule.Name == DeviceRule.Log) Add(ExposureRisk.Medium, "Socket", "/dev/log", "anything can be written to the host's log, and as much as it takes", $"no {Face.Call("--device", "-Device")} log");
            else if (!DeviceSet.Usual.Any(node => node.Name == rule.Name)) Add(ExposureRisk.Medium, "Device", rule.List is null ? $"/dev/{rule.Name}" : rule.Name, "all that its driver does can be done", $"no {Face.Call("--device", "-Device")} {rule.Name}");
        }
        foreach (CageBind bind in Record.Binds)
        {
            FileStatus? source = Files.Status(bind.Source);
            bool isSocket = source is { IsSocket: true };
            ExposureRisk risk = isSocket || (!bind.IsReadOnly && HostPlaces.Vital.Contains(bind.Source)) ? ExposureRisk.High : bind.IsReadOnly ? ExposureRisk.Low : ExposureRisk.Medium;
            string what = isSocket ? "who listens there can be asked for anything" : bind.IsReadOnly ? "can be read" : "can be changed";
            Add(risk, isSocket ? "Socket" : "File", bind.Source, $"{what}, as {bind.Target}", isSocket || bind.IsReadOnly ? $"no {bind.Option}" : (bind with { IsReadOnly = true }).Option);
            if (bind.AllowsDevices) Add(ExposureRisk.High, "Device", bind.Source, "device nodes in it work", (bind with { AllowsDevices = false }).Option);
            if (bind.AllowsSetuid) Add(ExposureRisk.Medium, "File", bind.Source, "setuid programs in it give what they give on the host", (bind with { AllowsSetuid = false }).Option);
        }
    }

    private void AddNetwork()
    {
        if (Record.Network.Mode == NetworkMode.Host)
            Add(ExposureRisk.Medium, "Namespace", "net", "the host's addresses and ports, its loopback and its abstract sockets are reached and can be used", Face.Call("--network private, or none", "-Network Private, or None"));
        foreach (PublishedPort port in Record.Network.Ports) Add(ExposureRisk.Low, "Port", $"{port}", "leads into the cage from wherever the host is reached", Face.Call("--publish 127.0.0.1:…, or none", "-Publish 127.0.0.1:…, or @()"));
        foreach (string from in Record.Network.AllowedFrom) Add(ExposureRisk.Low, "Port", from, "may reach all ports of the cage", Face.Call("--allow-from none", "-AllowFrom @()"));
    }

    private void AddResources()
    {
        if (Record.Limits.Memory is null) Add(ExposureRisk.Low, "Resource", "memory", "all of the host's can be used up", Face.Call("--memory", "-MemoryLimit"));
        if (Record.Limits.Processes is null) Add(ExposureRisk.Low, "Resource", "processes", "as many can be started as the host can bear", Face.Call("--processes", "-ProcessLimit"));
        if (Record.Limits.Cpu is null && Record.Limits.CpuWeight is null) Add(ExposureRisk.Low, "Resource", "cpu", "all of the host's can be used", Face.Call("--cpu, or --cpu-weight", "-CpuLimit, or -CpuWeight"));
    }

    private void Add(ExposureRisk risk, string kind, string item, string reason, string remedy) => _found.Add(new CageExposure(cage.Name, cage.Id, risk, kind, item, reason, remedy));
}
