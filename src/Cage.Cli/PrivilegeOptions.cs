using Cage.Engine;
using Cage.Engine.Store;

namespace Cage.Cli;

/// <summary>Those of the settings that say what root may do in a cage, and which devices it has. A list replaces the one before.</summary>
internal static class PrivilegeOptions
{
    /// <summary>Their names.</summary>
    public static readonly IReadOnlyList<string> Names =
        ["--device", "--cap-add", "--cap-drop", "--seccomp", "--seccomp-allow", "--seccomp-deny", "--setuid", "--sockets"];

    /// <summary>The privileges, <paramref name="before"/> where nothing is said.</summary>
    public static CagePrivileges Privileges(Arguments arguments, CagePrivileges before) => before with
    {
        CapabilityAdd = List(arguments, "--cap-add", before.CapabilityAdd),
        CapabilityDrop = List(arguments, "--cap-drop", before.CapabilityDrop),
        SystemCalls = (SystemCallMode)arguments.Word("--seccomp", Words.Filters, (int)before.SystemCalls),
        SystemCallAllow = List(arguments, "--seccomp-allow", before.SystemCallAllow),
        SystemCallDeny = List(arguments, "--seccomp-deny", before.SystemCallDeny),
        Setuid = (SetuidMode)arguments.Word("--setuid", Words.Setuids, (int)before.Setuid),
        Sockets = (SocketView)arguments.Word("--sockets", Words.Sockets, (int)before.Sockets),
        UserNamespace = Users(arguments, before.UserNamespace),
    };

    /// <summary>What /dev is to be, and the devices given; what it was where nothing is said.</summary>
    public static (DeviceView View, IReadOnlyList<string> Given) Devices(Arguments arguments, DeviceView view, IReadOnlyList<string> given) =>
        arguments.Has("--device") ? DeviceList.Split(arguments.All("--device").Where(value => value != "none")) : (view, given);

    private static IdRange? Users(Arguments arguments, IdRange? before)
    {
        if (arguments.Value("--userns") is not string value) return before;
        try
        {
            return IdRange.ParseChoice(value);
        }
        catch (FormatException e)
        {
            throw new UsageException($"--userns cannot be \"{value}\": {e.Message}");
        }
    }

    private static IReadOnlyList<string> List(Arguments arguments, string option, IReadOnlyList<string> before) =>
        arguments.Has(option) ? [.. arguments.All(option).Where(value => value != "none")] : before;
}
