using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Cage.Escape.Tests;

/// <summary>A host with something to lose, and four cages on it, one of each isolation and a Jail with a user namespace, with every attack in them. Made once for a class of tests.</summary>
public sealed partial class Scene : IDisposable
{
    private readonly Socket? _listener;
    private readonly Child? _victim;
    private readonly Dictionary<string, string> _words = [];
    private string? _disk;

    public Scene()
    {
        Store = new TestStore();
        if (!Environment.IsPrivilegedProcess || CageProgram.Path is null) return;
        try
        {
            Build();
            _listener = Listen();
            _victim = Store.Start($"{Helpers}/victim", Token);
            _victim.WaitFor("0x");
            Describe();
            foreach (string isolation in (string[])["chroot", "pivot", "jail", Users]) Make(isolation, isolation);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Stands where an isolation does for a Jail with a user namespace.</summary>
    public const string Users = "userns";

    public TestStore Store { get; }

    /// <summary>What only the host knows.</summary>
    public string Token { get; } = $"token-{Guid.NewGuid():N}";

    public string Secret => $"{Store.Files}/secret";

    /// <summary>Where the attacks are, compiled, on the host.</summary>
    public string Attacks => $"{Store.Files}/attacks";

    /// <summary>The programs of the host's side.</summary>
    public string Helpers => $"{Store.Files}/helpers";

    /// <summary>What the victim has said.</summary>
    public string VictimSays => _victim!.OutputSoFar;

    /// <summary>Whether this machine has what an attack is on.</summary>
    public static bool Has(string? needs) => needs switch
    {
        null => true,
        // What the cage has of the host's disk is its resolv.conf; the secret must lie there too.
        "one disk" => File.Exists("/etc/resolv.conf") && Shell.Run($"stat -Lc %d /etc/resolv.conf '{Path.GetTempPath()}' | uniq | wc -l").Trim() == "1",
        "landlock" => Interop.Confinement.CanOwnSockets,
        // Asked for nothing, it fails only where the kernel has it not.
        "iopl" => Has("x86-64") && iopl(0) == 0,
        "x86-64" => RuntimeInformation.ProcessArchitecture == Architecture.X64,
        _ => File.Exists(needs),
    };

    /// <summary>Makes a cage over the live host with the attacks in it, and starts it.</summary>
    public string Make(string name, string isolation, string options = "")
    {
        Store.Host();
        string id = Store.New([name, "--base", "host", .. isolation == Users ? (string[])["--userns"] : ["--isolation", isolation], .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Arm($"{Store.Data}/{id}.w/root");
        Store.Cage("start", id).Silently();
        return id;
    }

    /// <summary>Makes a cage over the live host, to be prepared before it is started.</summary>
    public string Stopped(string isolation, string name)
    {
        string id = Store.Stopped(isolation == Users ? "jail" : isolation, name);
        if (isolation == Users) Store.Cage("set", id, "--userns").Silently();
        return id;
    }

    /// <summary>Puts the attacks into a root.</summary>
    public void Arm(string root) => Shell.Run(
        "mkdir -p \"$root/attack\" && cp \"$from\"/* \"$root/attack/\" && chmod 4755 \"$root/attack/gain_root\" && chmod 755 \"$root/attack\"", ("root", root), ("from", Attacks));

    /// <summary>Runs an attack in a cage.</summary>
    public Outcome Run(string cage, Attack attack) => Store.Cage(["exec", "-w", "/", "-u", attack.User, cage, "--", .. Words(attack)]);

    /// <summary>Its line with the scene's words.</summary>
    public string[] Words(Attack attack) => [.. $"/attack/{attack.Line}".Split(' ').SelectMany(word => _words.TryGetValue(word, out string? value) ? value.Split(' ') : [word])];

    public void Dispose()
    {
        _listener?.Dispose();
        _victim?.Dispose();
        if (_disk is not null) Shell.Run("losetup --detach \"$disk\"", ("disk", _disk));
        Store.Dispose();
    }

    [LibraryImport("libc")]
    private static partial int iopl(int level);

    private void Build() => Shell.Run(
        """
        mkdir -p "$attacks" "$helpers"
        for source in "$from"/attacks/*.c; do cc -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wextra -Werror -static -o "$attacks/$(basename "$source" .c)" "$source"; done
        for source in "$from"/helpers/*.c; do cc -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wextra -Werror -static -o "$helpers/$(basename "$source" .c)" "$source"; done
        printf '%s\n' "$token" >"$secret"
        """,
        ("attacks", Attacks), ("helpers", Helpers), ("from", AppContext.BaseDirectory), ("token", Token), ("secret", Secret));

    private void Describe()
    {
        string label = Token[..16];
        _disk = Shell.Run(
            """
            mkdir -p "$files/on-disk"; cp "$secret" "$files/on-disk/secret"
            mkfs.ext4 -q -L "$label" -d "$files/on-disk" "$files/disk" 4M >/dev/null
            losetup --find --show "$files/disk"
            """, ("files", Store.Files), ("secret", Secret), ("label", label)).Trim();
        string[] numbers = Shell.Run("stat -Lc '%Hr %Lr' \"$disk\"; awk '$1 !~ /#|cpuset/ && $2 != 0 && $4 == 1 { print $1; exit }' /proc/cgroups", ("disk", _disk)).Split([' ', '\n']);
        string[] victim = VictimSays.Trim().Split(' ');
        _words["{secret}"] = Secret;
        _words["{token}"] = Token;
        _words["{major}"] = numbers[0];
        _words["{minor}"] = numbers[1];
        _words["{label}"] = label;
        _words["{controller}"] = numbers[2];
        _words["{pid}"] = victim[0];
        _words["{address}"] = victim[1];
        _words["{socket}"] = Token;
        _words["{handle}"] = Shell.Run("\"$helpers/handle\" \"$secret\" || true", ("helpers", Helpers), ("secret", Secret)).Trim();
    }

    private Socket Listen()
    {
        Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint($"\0{Token}"));
        listener.Listen(16);
        new Thread(() =>
        {
            try
            {
                while (true)
                {
                    using Socket client = listener.Accept();
                    client.Send(Encoding.ASCII.GetBytes(Token));
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The scene is over.
            }
        }) { IsBackground = true }.Start();
        return listener;
    }
}
