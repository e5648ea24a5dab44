using System.Management.Automation;
using Cage.Engine;
using Cage.Engine.Store;

namespace Cage.PowerShell;

/// <summary>The parameters by which New-Cage and Set-Cage say what a cage may use.</summary>
internal interface ILimitParameters
{
    long? MemoryLimit { get; }

    long? SwapLimit { get; }

    decimal? CpuLimit { get; }

    int? CpuWeight { get; }

    int? ProcessLimit { get; }

    int? IOWeight { get; }
}

/// <summary>The parameters by which New-Cage and Set-Cage say what root in a cage may do.</summary>
internal interface IPrivilegeParameters
{
    string[] Device { get; }

    string[] CapabilityAdd { get; }

    string[] CapabilityDrop { get; }

    SystemCallMode Seccomp { get; }

    string[] SeccompAllow { get; }

    string[] SeccompDeny { get; }

    SetuidMode Setuid { get; }

    SocketView Sockets { get; }

    string UserNamespace { get; }
}

/// <summary>The parameters by which New-Cage and Set-Cage say what of the host a cage sees.</summary>
internal interface IShareParameters
{
    string[] Bind { get; }

    string[] Tmpfs { get; }
}

/// <summary>The parameters by which New-Cage and Set-Cage say which network a cage has.</summary>
internal interface INetworkParameters
{
    NetworkMode Network { get; }

    string? Address { get; }

    string[] Publish { get; }

    string[] AllowFrom { get; }
}

/// <summary>Turns parameters into what the engine takes.</summary>
internal static class CageSettings
{
    /// <summary>The names of <see cref="ILimitParameters"/>.</summary>
    public static readonly IReadOnlyList<string> LimitNames =
        [nameof(ILimitParameters.MemoryLimit), nameof(ILimitParameters.SwapLimit), nameof(ILimitParameters.CpuLimit), nameof(ILimitParameters.CpuWeight), nameof(ILimitParameters.ProcessLimit), nameof(ILimitParameters.IOWeight)];

    /// <summary>The names of <see cref="IPrivilegeParameters"/>.</summary>
    public static readonly IReadOnlyList<string> PrivilegeNames =
    [
        nameof(IPrivilegeParameters.Device), nameof(IPrivilegeParameters.CapabilityAdd), nameof(IPrivilegeParameters.CapabilityDrop), nameof(IPrivilegeParameters.Seccomp),
        nameof(IPrivilegeParameters.SeccompAllow), nameof(IPrivilegeParameters.SeccompDeny), nameof(IPrivilegeParameters.Setuid), nameof(IPrivilegeParameters.Sockets), nameof(IPrivilegeParameters.UserNamespace),
    ];

    /// <summary>The names of <see cref="IShareParameters"/>.</summary>
    public static readonly IReadOnlyList<string> ShareNames = [nameof(IShareParameters.Bind), nameof(IShareParameters.Tmpfs)];

    /// <summary>The names of <see cref="INetworkParameters"/>.</summary>
    public static readonly IReadOnlyList<string> NetworkNames = [nameof(INetworkParameters.Network), nameof(INetworkParameters.Address), nameof(INetworkParameters.Publish), nameof(INetworkParameters.AllowFrom)];

    /// <summary><paramref name="before"/> with what is given. Whoever leaves the private network leaves what goes with it.</summary>
    public static CageNetwork NetworkFrom(this INetworkParameters given, CageNetwork before, Func<string, bool> isGiven, CageStore store)
    {
        NetworkMode mode = isGiven(nameof(given.Network)) ? given.Network : before.Mode;
        if (mode != before.Mode) before = CageNetwork.Host;
        return before with
        {
            Mode = mode,
            Address = isGiven(nameof(given.Address)) ? string.IsNullOrEmpty(given.Address) ? null : given.Address : before.Address,
            Ports = isGiven(nameof(given.Publish)) ? Parsed(given.Publish, nameof(given.Publish), PublishedPort.Parse) : before.Ports,
            AllowedFrom = isGiven(nameof(given.AllowFrom))
                ? Parsed(given.AllowFrom, nameof(given.AllowFrom), text => CageNetwork.IsAddress(text) ? CageNetwork.ParseAllowed(text) : store.Find(text).Id.ToString("D"))
                : before.AllowedFrom,
        };
    }

    /// <summary>What <see cref="IShareParameters.Bind"/> says.</summary>
    public static CageBind[] Binds(this IShareParameters given, SessionState session) =>
        Parsed(given.Bind, nameof(given.Bind), text => CageBind.Parse(text, session.Path.CurrentFileSystemLocation.ProviderPath));

    /// <summary>What <see cref="IShareParameters.Tmpfs"/> says.</summary>
    public static CageTmpfs[] TmpfsList(this IShareParameters given) => Parsed(given.Tmpfs, nameof(given.Tmpfs), CageTmpfs.Parse);

    /// <summary><paramref name="before"/> with what is given.</summary>
    public static CagePrivileges Privileges(this IPrivilegeParameters given, CagePrivileges before, Func<string, bool> isGiven) => before with
    {
        CapabilityAdd = isGiven(nameof(given.CapabilityAdd)) ? given.CapabilityAdd : before.CapabilityAdd,
        CapabilityDrop = isGiven(nameof(given.CapabilityDrop)) ? given.CapabilityDrop : before.CapabilityDrop,
        SystemCalls = isGiven(nameof(given.Seccomp)) ? given.Seccomp : before.SystemCalls,
        SystemCallAllow = isGiven(nameof(given.SeccompAllow)) ? given.SeccompAllow : before.SystemCallAllow,
        SystemCallDeny = isGiven(nameof(given.SeccompDeny)) ? given.SeccompDeny : before.SystemCallDeny,
        Setuid = isGiven(nameof(given.Setuid)) ? given.Setuid : before.Setuid,
        Sockets = isGiven(nameof(given.Sockets)) ? given.Sockets : before.Sockets,
        UserNamespace = isGiven(nameof(given.UserNamespace)) ? Users(given.UserNamespace) : before.UserNamespace,
    };

    /// <summary>What -UserNamespace says; null for none.</summary>
    private static IdRange? Users(string text)
    {
        try
        {
            return IdRange.ParseChoice(text);
        }
        catch (FormatException e)
        {
            throw new CageException(CageError.CageArgumentInvalid, $"-UserNamespace cannot be \"{text}\": {e.Message}.", target: text, inner: e);
        }
    }

    private static T[] Parsed<T>(string[] texts, string parameter, Func<string, T> parse)
    {
        List<T> values = [];
        foreach (string text in texts)
        {
            try
            {
                values.Add(parse(text));
            }
            catch (FormatException e)
            {
                throw new CageException(CageError.CageArgumentInvalid, $"-{parameter} cannot be \"{text}\": {e.Message}.", target: text, inner: e);
            }
        }
        return [.. values];
    }

    /// <summary><paramref name="before"/> with what is given; null takes a limit away.</summary>
    public static CageLimits Limits(this ILimitParameters given, CageLimits before, Func<string, bool> isGiven) => new()
    {
        Memory = isGiven(nameof(given.MemoryLimit)) ? given.MemoryLimit : before.Memory,
        Swap = isGiven(nameof(given.SwapLimit)) ? given.SwapLimit : before.Swap,
        Cpu = isGiven(nameof(given.CpuLimit)) ? given.CpuLimit : before.Cpu,
        CpuWeight = isGiven(nameof(given.CpuWeight)) ? given.CpuWeight : before.CpuWeight,
        Processes = isGiven(nameof(given.ProcessLimit)) ? given.ProcessLimit : before.Processes,
        IoWeight = isGiven(nameof(given.IOWeight)) ? given.IOWeight : before.IoWeight,
    };
}
