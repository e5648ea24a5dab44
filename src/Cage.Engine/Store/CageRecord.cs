using Cage.Interop;

namespace Cage.Engine.Store;

/// <summary>Whether a cage is written to. [004]</summary>
public enum CageKind
{
    /// <summary><c>.r</c>: never written, a lowerdir for others.</summary>
    ReadOnly,

    /// <summary><c>.w</c>: has an upperdir of its own and can be started.</summary>
    Writable,
}

/// <summary>How much of the host a running cage sees.</summary>
public enum CageIsolation
{
    /// <summary>chroot(2): only the file view is its own; mounts are the host's. [000] [003] [004]</summary>
    Chroot,

    /// <summary>A mount namespace of its own, pivot_root(2), the old root gone. [001]</summary>
    Pivot,

    /// <summary>Pivot with pid, ipc, uts and cgroup namespaces and an init. [002]</summary>
    Jail,
}

/// <summary>What <c>/dev</c> is in a cage (key <c>device</c>).</summary>
public enum DeviceView
{
    /// <summary>A tmpfs with the usual nodes.</summary>
    Private,

    /// <summary>The host's own devtmpfs, as in the seed: what is removed there is removed on the host.</summary>
    Host,
}

/// <summary>How a snapshot is made.</summary>
public enum SnapshotProvider
{
    /// <summary>A read-only snapshot of a btrfs subvolume: the same time for any size. [000]</summary>
    Btrfs,

    /// <summary>A tree whose files share their blocks with the source's (FICLONE): XFS, btrfs below a subvolume's root, bcachefs.</summary>
    Reflink,

    /// <summary>A whole copy.</summary>
    Copy,

    /// <summary>A link to the source itself, which overlayfs makes no promise about once that changes. [000]</summary>
    Live,
}

/// <summary>Which snapshot a read-only cage stands for (keys <c>source</c>, <c>provider</c>, <c>host</c>).</summary>
/// <param name="Source">The directory that it was made of.</param>
/// <param name="Provider">How.</param>
/// <param name="OfHost">Whether it stands for the host, so that the nil UUID follows it.</param>
public sealed record SnapshotOrigin(string Source, SnapshotProvider Provider, bool OfHost);

/// <summary>One cage as its cage.conf has it.</summary>
public sealed record CageRecord
{
    /// <summary>The nil UUID: the host's snapshot. [004]</summary>
    public static readonly Guid Nil = Guid.Empty;

    /// <summary>Its folder.</summary>
    public required string Path { get; init; }

    /// <summary>Its id.</summary>
    public required Guid Id { get; init; }

    /// <summary>Whether it is written to.</summary>
    public required CageKind Kind { get; init; }

    /// <summary>Its name, not necessarily unique.</summary>
    public required string Name { get; init; }

    /// <summary>A description, may have several lines.</summary>
    public string Memo { get; init; } = "";

    /// <summary>The ids of the read-only cages below it, the topmost first.</summary>
    public IReadOnlyList<Guid> Base { get; init; } = [];

    /// <summary>Name of the folder (or link) with its files.</summary>
    public string Root { get; init; } = "root";

    /// <summary>Name of overlayfs's workdir.</summary>
    public string Work { get; init; } = "work";

    /// <summary>Name of the folder that it is mounted on.</summary>
    public string MountPoint { get; init; } = "mnt";

    /// <summary>Name of the script run inside after the start; empty for none.</summary>
    public string Start { get; init; } = "";

    /// <summary>Name of the script run inside before the stop; empty for none.</summary>
    public string Stop { get; init; } = "";

    /// <summary>How it is entered; without the key it is the seed's own, Chroot.</summary>
    public CageIsolation Isolation { get; init; } = CageIsolation.Chroot;

    /// <summary>What its <c>/dev</c> is.</summary>
    public DeviceView Device { get; init; } = DeviceView.Private;

    /// <summary>What its own <c>/dev</c> has besides the usual nodes, or has otherwise: lines that <see cref="DeviceRule.Parse"/> understands.</summary>
    public IReadOnlyList<string> Devices { get; init; } = [];

    /// <summary>What root may do in it, when it is a Jail.</summary>
    public CagePrivileges Privileges { get; init; } = new();

    /// <summary>Its own environment, NAME=value each.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];

    /// <summary>Which snapshot it stands for; null for a cage that is none, or was made by hand.</summary>
    public SnapshotOrigin? Origin { get; init; }

    /// <summary>Whether it is read-only and its files are a tree that goes on changing: the live host. [000]</summary>
    public bool IsLive => Kind == CageKind.ReadOnly && (Origin is { Provider: SnapshotProvider.Live } || Files.ReadLink(RootPath) == "/");

    /// <summary>What its processes together may use.</summary>
    public CageLimits Limits { get; init; } = CageLimits.None;

    /// <summary>What of the host it sees too, in the order in which it is mounted.</summary>
    public IReadOnlyList<CageBind> Binds { get; init; } = [];

    /// <summary>What in it is empty at each start and kept in memory.</summary>
    public IReadOnlyList<CageTmpfs> Tmpfs { get; init; } = [];

    /// <summary>Which network it has.</summary>
    public CageNetwork Network { get; init; } = CageNetwork.Host;

    /// <summary>The whole path of its files.</summary>
    public string RootPath => $"{Path}/{Root}";

    /// <summary>The whole path of its workdir.</summary>
    public string WorkPath => $"{Path}/{Work}";

    /// <summary>The whole path of its mount point.</summary>
    public string MountPath => $"{Path}/{MountPoint}";

    /// <summary>The whole path of its conf.</summary>
    public string ConfPath => $"{Path}/cage.conf";

    /// <inheritdoc/>
    public override string ToString() => ConfPath;

    /// <summary>The folder's name, as in the store.</summary>
    public static string FolderName(Guid id, CageKind kind) => $"{id:D}{(kind == CageKind.Writable ? ".w" : ".r")}";

    /// <summary>Reads the cage in <paramref name="path"/>.</summary>
    /// <exception cref="CageException">CageConfInvalid with file, line and key.</exception>
    public static CageRecord Read(string path) => From(ConfFile.Read($"{path}/cage.conf"), path);

    /// <summary>As <see cref="Read"/>; null when there is no such folder.</summary>
    public static CageRecord? TryRead(string path) => TryRead(null, path, path);

    /// <summary>As <see cref="TryRead(string)"/>, of the <paramref name="folder"/> in an open store.</summary>
    internal static CageRecord? TryRead(Descriptor? store, string folder, string path)
    {
        if (ConfFile.TryRead(store, $"{folder}/cage.conf", $"{path}/cage.conf") is ConfFile file) return From(file, path);
        return Files.Status(path) is null ? null : Read(path);
    }

    /// <summary>Understands <paramref name="file"/> as the cage.conf of the cage in <paramref name="path"/>.</summary>
    public static CageRecord From(ConfFile file, string path)
    {
        ReadOnlySpan<char> folder = System.IO.Path.GetFileName(path.AsSpan());
        CageKind kind = folder.EndsWith(".w") ? CageKind.Writable : CageKind.ReadOnly;
        string id = file.Value("uuid") ?? throw file.Invalid("uuid", "is missing");
        if (!Guid.TryParseExact(id, "D", out Guid guid)) throw file.Invalid("uuid", $"is \"{id}\", not a UUID");
        if (!folder[..^2].Equals(id, StringComparison.OrdinalIgnoreCase)) throw file.Invalid("uuid", $"is {id}, the folder is {folder}");
        CageRecord record = new()
        {
            Path = path,
            Id = guid,
            Kind = kind,
            Name = file.Value("name") ?? "",
            Memo = ConfText.Unescape(file.Value("memo") ?? ""),
            Base = [.. Ids(file)],
            Root = Relative(file, "root") ?? throw file.Invalid("root", "is missing"),
        };
        if (kind == CageKind.ReadOnly) return file.Value("provider") is null ? record : record with { Origin = OriginOf(file) };
        return record with
        {
            Work = Relative(file, "work") ?? throw file.Invalid("work", "is missing"),
            MountPoint = Relative(file, "mountpoint") ?? throw file.Invalid("mountpoint", "is missing"),
            Start = Relative(file, "start") ?? "",
            Stop = Relative(file, "stop") ?? "",
            Isolation = (CageIsolation)Word(file, "isolation", Words.Isolations),
            Device = View(file),
            Devices = [.. DevicesIn(file)],
            Privileges = CagePrivileges.From(file),
            Environment = [.. file.Values("environment").Select(value => Variable(file, ConfText.Unescape(value)))],
            Limits = CageLimits.From(file),
            Network = CageNetwork.From(file, (CageIsolation)Word(file, "isolation", Words.Isolations), Word(file, "network", Words.Networks)),
            Binds = Parsed(file, "bind", CageBind.Parse),
            Tmpfs = Parsed(file, "tmpfs", CageTmpfs.Parse),
        };
    }

    /// <summary>Puts this record's values into <paramref name="file"/>; what it does not know there stays.</summary>
    public void WriteTo(ConfFile file)
    {
        // An equal value in other words, as a hand may have written it, stays as it is.
        if (!Guid.TryParseExact(file.Value("uuid"), "D", out Guid id) || id != Id) file.Set("uuid", Id.ToString("D"));
        file.Set("name", Name);
        if (file.Value("memo") is not string memo || ConfText.Unescape(memo) != Memo) file.Set("memo", ConfText.Escape(Memo));
        if (!Ids(file).SequenceEqual(Base)) file.Set("base", string.Join(':', Base));
        file.Set("root", Root);
        if (Origin is not null) WriteOrigin(file, Origin);
        if (Kind == CageKind.ReadOnly) return;
        file.Set("work", Work);
        file.Set("mountpoint", MountPoint);
        file.Set("start", Start);
        file.Set("stop", Stop);
        if (Isolation != CageIsolation.Chroot || file.Value("isolation") is not null) file.Set("isolation", Isolation.Word());
        if (View(file) != Device || !DevicesIn(file).SequenceEqual(Devices)) file.Set("device", Devices.Count == 0 ? [Device.Word()] : [.. Devices.Select(ConfText.Escape)]);
        Privileges.WriteTo(file);
        if (!file.Values("environment").Select(ConfText.Unescape).SequenceEqual(Environment)) file.Set("environment", [.. Environment.Select(ConfText.Escape)]);
        Limits.WriteTo(file);
        Network.WriteTo(file);
        if (!Parsed(file, "bind", CageBind.Parse).SequenceEqual(Binds)) file.Set("bind", [.. Binds.Select(bind => ConfText.Escape(bind.ToString()))]);
        if (!Parsed(file, "tmpfs", CageTmpfs.Parse).SequenceEqual(Tmpfs)) file.Set("tmpfs", [.. Tmpfs.Select(tmpfs => ConfText.Escape(tmpfs.ToString()))]);
    }

    private static SnapshotOrigin OriginOf(ConfFile file) => new(
        ConfText.Unescape(file.Value("source") ?? throw file.Invalid("source", "is missing, where provider is given")),
        (SnapshotProvider)Word(file, "provider", Words.Providers),
        Word(file, "host", Words.NoYes) == 1);

    private static void WriteOrigin(ConfFile file, SnapshotOrigin origin)
    {
        file.Set("source", ConfText.Escape(origin.Source));
        file.Set("provider", origin.Provider.Word());
        file.Set("host", Words.NoYes[origin.OfHost ? 1 : 0]);
    }

    /// <summary>Says why <paramref name="name"/> cannot be a cage's name; null when it can.</summary>
    public static string? NameProblem(string name) =>
        name.Length == 0 ? "it is empty"
        : name.Contains('#') ? "'#' starts a comment in cage.conf"
        : name.Any(char.IsControl) ? "it has a newline or another control character"
        : char.IsWhiteSpace(name[0]) || char.IsWhiteSpace(name[^1]) ? "it begins or ends with white space"
        : System.Text.Encoding.UTF8.GetByteCount(name) > 255 ? "it is longer than 255 bytes"
        : IsUnicode(name) ? null : "it is not Unicode text";

    /// <summary>Says why <paramref name="memo"/> cannot be a memo; null when it can.</summary>
    public static string? MemoProblem(string memo) =>
        memo.Any(IsBad) ? $"it has the control character 0x{(int)memo.First(IsBad):x2}" : IsUnicode(memo) ? null : "it is not Unicode text";

    /// <summary>Says why <paramref name="variable"/> cannot stand in an environment; null when it can.</summary>
    public static string? VariableProblem(string variable) =>
        variable.IndexOf('=') <= 0 ? "it is not NAME=value"
        : variable.Any(IsBad) ? "it has a control character"
        : IsUnicode(variable) ? null : "it is not Unicode text";

    /// <summary>Says why <paramref name="device"/> cannot be given; null when it can.</summary>
    public static string? DeviceProblem(string device)
    {
        try
        {
            DeviceRule.Parse(device);
            return IsUnicode(device) ? null : "it is not Unicode text";
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }

    private static bool IsBad(char c) => char.IsControl(c) && c is not ('\n' or '\t');

    /// <summary>Whether it can be written as UTF-8: half a surrogate pair cannot.</summary>
    private static bool IsUnicode(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (!char.IsSurrogatePair(text, i)) return false;
            i++;
        }
        return true;
    }

    private static string Variable(ConfFile file, string value) =>
        VariableProblem(value) is string problem ? throw file.Invalid("environment", $"is \"{value}\": {problem}") : value;

    internal static T[] Parsed<T>(ConfFile file, string key, Func<string, T> parse)
    {
        List<T> values = [];
        foreach (string value in file.Values(key))
        {
            try
            {
                values.Add(parse(ConfText.Unescape(value)));
            }
            catch (FormatException e)
            {
                throw file.Invalid(key, $"is \"{value}\": {e.Message}");
            }
        }
        return [.. values];
    }

    private static IEnumerable<Guid> Ids(ConfFile file)
    {
        string? value = file.Value("base");
        if (string.IsNullOrEmpty(value)) yield break;
        foreach (string id in value.Split(':'))
            yield return Guid.TryParseExact(id, "D", out Guid guid) ? guid : throw file.Invalid("base", $"has \"{id}\", not a UUID");
    }

    /// <summary>One line says private or host; the others are rules.</summary>
    private static DeviceView View(ConfFile file) =>
        !file.Values("device").Contains(DeviceView.Host.Word()) ? DeviceView.Private
        : file.Values("device").Count() == 1 ? DeviceView.Host
        : throw file.Invalid("device", "is host, which has every device, and names others besides", advice: "Take one out.");

    /// <summary>What the lines <c>device=</c> of a cage.conf, or of a list of devices, say besides that.</summary>
    internal static IEnumerable<string> DevicesIn(ConfFile file)
    {
        foreach (string value in file.Values("device"))
        {
            if (value == DeviceView.Private.Word() || value == DeviceView.Host.Word()) continue;
            string device = ConfText.Unescape(value);
            yield return DeviceProblem(device) is string problem ? throw file.Invalid("device", $"is \"{device}\": {problem}") : device;
        }
    }

    private static string? Relative(ConfFile file, string key)
    {
        string? value = file.Value(key);
        if (string.IsNullOrEmpty(value)) return key is "start" or "stop" ? value : null;
        if (value.StartsWith('/') || value.Split('/').Any(part => part is ".." or "." or ""))
            throw file.Invalid(key, $"is \"{value}\", not a name inside the cage's folder");
        return value;
    }

    /// <summary>Which of the words the key has; the first where it is not there.</summary>
    internal static int Word(ConfFile file, string key, IReadOnlyList<string> words)
    {
        string? value = file.Value(key);
        if (value is null) return 0;
        for (int i = 0; i < words.Count; i++)
            if (words[i] == value) return i;
        throw file.Invalid(key, $"is \"{value}\"", advice: $"It is one of {string.Join(", ", words)}.");
    }
}
