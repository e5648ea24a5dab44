using System.Globalization;
using System.Text.Json;
using Cage.Engine;
using Cage.Engine.State;
using Cage.Engine.Store;

namespace Cage.Cli;

/// <summary>cage list, cage show</summary>
internal static class ListCommand
{
    public static int Run(Arguments arguments)
    {
        arguments.RefuseNames();
        CageInfo[] cages = Listing.Cages(Commands.OpenEngine(), [], out int status);
        Listing.Write(arguments, cages, ["NAME", "ID", "KIND", "STATE", "ISOLATION", "PID", "MEMO"], cage =>
            [cage.Name, $"{cage.Id}", cage.IsLive ? $"{cage.Kind} (live)" : $"{cage.Kind}", $"{cage.State}", $"{cage.Isolation}", Number(cage.ProcessId), cage.Memo.Split('\n')[0]], WriteMembers);
        return status;
    }

    public static int Show(Arguments arguments)
    {
        CageInfo cage = Commands.OpenEngine().Find(arguments.OneName());
        if (arguments.Has("--json"))
        {
            Json.WriteArray([cage], WriteMembers);
            return 0;
        }
        (string Name, string? Value)[] members =
        [
            ("id", $"{cage.Id}"), ("name", cage.Name), ("kind", cage.IsLive ? $"{cage.Kind} (the live host)" : $"{cage.Kind}"), ("state", $"{cage.State}"),
            ("isolation", cage.Isolation?.ToString()), ("base", string.Join(' ', cage.Base)), ("memo", cage.Memo.Replace("\n", "\n            ")), ("path", cage.Path),
            ("root path", cage.RootPath), ("process id", Number(cage.ProcessId)), ("mount point", cage.MountPoint), ("network", cage.Network.Mode == NetworkMode.Host ? null : cage.Network.ToString()), ("user ids", cage.UserNamespace?.ToString()), ("privileges", cage.Privileges.ToString()),
            ("devices", cage.Device == DeviceView.Host ? cage.Device.Word() : string.Join(' ', cage.Devices)), ("limits", cage.Limits.ToString()),
            ("binds", string.Join(' ', cage.Binds)), ("tmpfs", string.Join(' ', cage.Tmpfs)), ("environment", string.Join(' ', cage.Environment)), ("start", cage.StartScript), ("stop", cage.StopScript),
            ("started", cage.StartTime?.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)),
        ];
        foreach (var (name, value) in members)
            if (!string.IsNullOrEmpty(value)) Console.WriteLine($"{name,-11} {PlainText.Of(value)}");
        return 0;
    }

    private static void WriteMembers(Utf8JsonWriter json, CageInfo cage)
    {
        json.WriteString("id", cage.Id);
        json.WriteString("name", cage.Name);
        json.WriteString("kind", cage.Kind.ToString());
        json.WriteString("state", cage.State.ToString());
        json.WriteString("isolation", cage.Isolation?.ToString());
        json.WriteTexts("base", Array.ConvertAll([.. cage.Base], id => id.ToString("D")));
        json.WriteString("memo", cage.Memo);
        json.WriteString("path", cage.Path);
        json.WriteString("rootPath", cage.RootPath);
        json.WriteOptional("processId", cage.ProcessId);
        json.WriteString("mountPoint", cage.MountPoint);
        json.WriteOptional("startTime", cage.StartTime);
        json.WriteBoolean("isLive", cage.IsLive);
        json.WriteTexts("binds", cage.Binds.Select(bind => bind.ToString()));
        json.WriteTexts("tmpfs", cage.Tmpfs.Select(tmpfs => tmpfs.ToString()));
        json.WriteTexts("environment", cage.Environment);
        json.WriteString("startScript", cage.StartScript);
        json.WriteString("stopScript", cage.StopScript);
        json.WriteString("userNamespace", cage.UserNamespace?.ToString());
        json.WriteStartObject("network");
        json.WriteString("mode", cage.Network.Mode.ToString());
        json.WriteString("address", cage.Network.Address);
        json.WriteTexts("ports", cage.Network.Ports.Select(port => port.ToString()));
        json.WriteTexts("allowedFrom", cage.Network.AllowedFrom);
        json.WriteEndObject();
        json.WriteStartObject("limits");
        json.WriteOptional("memory", cage.Limits.Memory);
        json.WriteOptional("swap", cage.Limits.Swap);
        json.WriteOptional("cpu", cage.Limits.Cpu);
        json.WriteOptional("cpuWeight", cage.Limits.CpuWeight);
        json.WriteOptional("processes", cage.Limits.Processes);
        json.WriteOptional("ioWeight", cage.Limits.IoWeight);
        json.WriteEndObject();
        json.WriteString("device", cage.Device.ToString());
        json.WriteTexts("devices", cage.Devices);
        json.WriteStartObject("privileges");
        json.WriteTexts("capabilityAdd", cage.Privileges.CapabilityAdd);
        json.WriteTexts("capabilityDrop", cage.Privileges.CapabilityDrop);
        json.WriteString("systemCalls", cage.Privileges.SystemCalls.ToString());
        json.WriteTexts("systemCallAllow", cage.Privileges.SystemCallAllow);
        json.WriteTexts("systemCallDeny", cage.Privileges.SystemCallDeny);
        json.WriteString("setuid", cage.Privileges.Setuid.ToString());
        json.WriteString("sockets", cage.Privileges.Sockets.ToString());
        json.WriteEndObject();
    }

    private static string Number(int? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "";
}
