using System.Runtime.InteropServices;
using System.Text;

namespace Cage.Interop;

/// <summary>The interfaces of the calling thread's network namespace (netdevice(7)).</summary>
public static unsafe partial class NetworkInterfaces
{
    private const int AF_INET = 2, SOCK_DGRAM = 2, SOCK_CLOEXEC = 0x80000, IFNAMSIZ = 16;
    private const nuint SIOCGIFFLAGS = 0x8913, SIOCSIFFLAGS = 0x8914;
    private const short IFF_UP = 1;

    /// <summary>Turns an interface on (SIOCSIFFLAGS, IFF_UP).</summary>
    /// <exception cref="LinuxException">ENODEV: there is none of that name. EPERM.</exception>
    public static void Raise(string name)
    {
        using Descriptor socket = Check.Descriptor(NetworkInterfaces.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
        Request request = default;
        Encoding.ASCII.GetBytes(name, new Span<byte>(request.Name, IFNAMSIZ - 1));
        Check.Result(ioctl(socket.Number, SIOCGIFFLAGS, &request), "SIOCGIFFLAGS", name);
        request.Flags |= IFF_UP;
        Check.Result(ioctl(socket.Number, SIOCSIFFLAGS, &request), "SIOCSIFFLAGS", name);
    }

    [StructLayout(LayoutKind.Sequential, Size = 40)]
    private struct Request
    {
        public fixed byte Name[IFNAMSIZ];
        public short Flags;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int domain, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int file, nuint request, Request* argument);
}
