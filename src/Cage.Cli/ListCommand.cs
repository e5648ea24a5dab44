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
        bool broken = false;
        CageInfo[] cages = [.. Commands.OpenEngine().List(e =>
        {
            broken = true;
            Messages.Error(e.Message);
        })];
        if (arguments.Has("--json")) Json.WriteArray(cages, WriteMembers);
        else
            Table.Write(
                ["NAME", "ID", "KIND", "STATE", "ISOLATION", "PID", "MEMO"],
                cages.Select(cage => new[]
                {
                    cage.Name, $"{cage.Id}", cage.IsLive ? $"{cage.Kind} (live)" : $"{cage.Kind}", $"{cage.State}", $"{cage.Isolation}", Number(cage.ProcessId), FirstLine(cage.Memo),
                }));
        return broken ? ExitStatus.Failed : 0;
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
            ("root path", cage.RootPath), ("process id", Number(cage.ProcessId)), ("mount point", cage.MountPoint), ("network", Network(cage)), ("user ids", cage.UserNamespace?.ToString()), ("limits", cage.Limits.ToString()),
            ("binds", string.Join(' ', cage.Record.Binds)), ("tmpfs", string.Join(' ', cage.Record.Tmpfs)),
            ("started", cage.StartTime?.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)),
        ];
        foreach (var (name, value) in members)
            if (!string.IsNullOrEmpty(value)) Console.WriteLine($"{name,-11} {value}");
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
        if (cage.ProcessId is int pid) json.WriteNumber("processId", pid);
        else json.WriteNull("processId");
        json.WriteString("mountPoint", cage.MountPoint);
        if (cage.StartTime is DateTimeOffset start) json.WriteString("startTime", start);
        else json.WriteNull("startTime");
        json.WriteBoolean("isLive", cage.IsLive);
        json.WriteTexts("binds", cage.Record.Binds.Select(bind => bind.ToString()));
        json.WriteTexts("tmpfs", cage.Record.Tmpfs.Select(tmpfs => tmpfs.ToString()));
        json.WriteString("userNamespace", cage.UserNamespace?.ToString());
        json.WriteStartObject("network");
        json.WriteString("mode", cage.Network.Mode.ToString());
        json.WriteString("address", cage.Network.Address);
        json.WriteTexts("ports", cage.Network.Ports.Select(port => port.ToString()));
        json.WriteTexts("allowedFrom", cage.Network.AllowedFrom);
        json.WriteEndObject();
        json.WriteStartObject("limits");
        WriteNumber(json, "memory", cage.Limits.Memory);
        WriteNumber(json, "swap", cage.Limits.Swap);
        WriteNumber(json, "cpu", cage.Limits.Cpu);
        WriteNumber(json, "cpuWeight", cage.Limits.CpuWeight);
        WriteNumber(json, "processes", cage.Limits.Processes);
        WriteNumber(json, "ioWeight", cage.Limits.IoWeight);
        json.WriteEndObject();
    }

    private static string Network(CageInfo cage) => cage.Network.Mode == NetworkMode.Host ? ""
        : string.Join(' ', new[] { cage.Network.Mode.Word(), cage.Network.Address }.Concat(cage.Network.Ports.Select(port => port.ToString())));

    private static void WriteNumber(Utf8JsonWriter json, string name, decimal? value)
    {
        if (value is decimal number) json.WriteNumber(name, number);
        else json.WriteNull(name);
    }

    private static string Number(int? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "";

    private static string FirstLine(string text) => text.Split('\n')[0];
}
