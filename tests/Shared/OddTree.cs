using System.Runtime.InteropServices;
using System.Text;
using Cage.Interop;

namespace Cage.Tests;

/// <summary>A tree with all that files can be and have, for what is to bring a tree along whole.</summary>
public static unsafe partial class OddTree
{
    private const string Script =
        """
        umask 022
        mkdir plain links many sparse special times modes 'odd names' empty empty/one private
        printf 'some content\n' >plain/file; : >plain/nothing; seq 1 30000 >plain/long; head -c 4096 /dev/urandom >plain/block
        chown 1000:100 plain/long; chown 12345:54321 plain

        # Hard links: in one folder, across, many names; of what is no regular file too.
        echo linked >links/a; ln links/a links/b; ln links/a many/c; ln links/a 'odd names/d'
        echo other >many/x; for i in 1 2 3 4 5 6 7 8 9; do ln many/x "links/x$i"; done
        ln -s nowhere links/s; ln links/s many/s; mkfifo links/f; ln links/f many/f; mknod links/n c 1 3; ln links/n many/n

        truncate -s 5M sparse/hole
        truncate -s 3M sparse/start; printf end >>sparse/start
        printf start >sparse/end; truncate -s 3000001 sparse/end
        dd if=/dev/urandom of=sparse/middle bs=64K count=1 status=none; dd if=/dev/urandom of=sparse/middle bs=64K seek=20 count=1 status=none
        for i in 0 4 9 11; do dd if=/dev/urandom of=sparse/comb bs=64K seek=$i count=1 conv=notrunc status=none; done
        truncate -s 2M sparse/comb; truncate -s 100 sparse/small

        mkfifo special/fifo; mknod special/null c 1 3; mknod special/disk b 7 200; mknod special/far c 300 70000; mknod special/whiteout c 0 0
        chmod 4644 special/fifo; chown 7:8 special/null

        ln -s /etc/passwd special/absolute; ln -s ../../../../outside special/outside; ln -s "$(head -c 1000 /dev/zero | tr "\0" l)" special/long
        ln -s $'to\xff\n' special/odd; chown -h 1000:1000 special/absolute; ln -s . special/self

        echo >modes/suid; chmod 6755 modes/suid; echo >modes/none; chmod 0000 modes/none; mkdir modes/sticky modes/group modes/closed
        chown 1000:50 modes/suid modes/group; chmod 6755 modes/suid; chmod 1777 modes/sticky; chmod 2775 modes/group; echo >modes/group/in; ln -s x modes/group/link
        echo >modes/closed/in; chmod 0 modes/closed; chmod 700 private

        mkdir $'odd names/new\nline' 'odd names/ ' 'odd names/-rf' 'odd names/日本' $'odd names/\xff\xfe'
        echo >$'odd names/\xc0\xaf'; echo >$'odd names/\xff\xfe/\x80'; echo >'odd names/*'; echo >"odd names/$(head -c 255 /dev/zero | tr '\0' n)"; echo >$'odd names/\\x'

        echo >times/old; touch -d '1950-01-01 00:00:00.000000001 UTC' times/old
        echo >times/nano; touch -m -d '2001-02-03 04:05:06.123456789 UTC' times/nano; touch -a -d '2002-02-03 04:05:06.987654321 UTC' times/nano
        touch -h -d '2003-03-03 03:03:03.333333333 UTC' special/absolute; touch -d '2004-04-04 04:04:04.444444444 UTC' special/fifo
        touch -d '2005-05-05 05:05:05.555555555 UTC' links many 'odd names' empty plain special sparse
        """;

    private static readonly byte[] _capability = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    /// <summary>Makes it in an empty directory.</summary>
    public static void Make(string directory)
    {
        Shell.Run($"cd \"$top\"\n{Script}", ("top", directory));
        using (System.Net.Sockets.Socket socket = new(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified))
        {
            Directory.CreateSymbolicLink("/tmp/odd-" + Environment.ProcessId, directory);
            try
            {
                socket.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint($"/tmp/odd-{Environment.ProcessId}/special/socket"));
                // It goes with the socket otherwise.
                File.Move($"{directory}/special/socket", $"{directory}/special/listens");
            }
            finally
            {
                File.Delete("/tmp/odd-" + Environment.ProcessId);
            }
        }
        foreach (string path in new[] { "plain/file", "plain", "links/a" })
        {
            Set($"{directory}/{path}", "user.note", Encoding.UTF8.GetBytes($"of {path}"));
            Set($"{directory}/{path}", "trusted.secret", [0, 1, 2, 255]);
        }
        Set($"{directory}/plain/file", "user.empty", []);
        Set($"{directory}/plain/long", "user.large", [.. Enumerable.Repeat((byte)'v', 1500)]);
        Set($"{directory}/special/absolute", "trusted.link", "on the link"u8.ToArray());
        Set($"{directory}/special/null", "trusted.node", "on the node"u8.ToArray());
        Set($"{directory}/plain/block", "security.capability", _capability);
        Set($"{directory}/plain/long", "system.posix_acl_access", AccessList(6, 7, 4, 5, 0));
        Set($"{directory}/private", "system.posix_acl_access", AccessList(7, 5, 5, 5, 5));
        Set($"{directory}/private", "system.posix_acl_default", AccessList(7, 7, 5, 7, 1));
        File.WriteAllText($"{directory}/private/inherits", "its list comes from the folder");
        Shell.Run("chmod 550 \"$folder\"", ("folder", $"{directory}/private"));
        Deep(directory, 100, 60);
        Shell.Run("sync -f \"$top\"", ("top", directory));
    }

    /// <summary>Sets an extended attribute, of a link itself where it is one (lsetxattr(2)).</summary>
    public static void Set(string path, string name, byte[] value)
    {
        if (lsetxattr(path, name, value, value.Length, 0) != 0) throw new IOException($"setxattr {path} {name}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>Folders in each other whose path is longer than any system call takes, with a file at the end and one beside each.</summary>
    private static void Deep(string directory, int depth, int length)
    {
        Descriptor folder = Files.Open(directory, Files.O_RDONLY | Files.O_DIRECTORY);
        for (int i = 0; i < depth; i++)
        {
            string name = new((char)('a' + i % 26), length);
            Files.MakeDirectoryAt(folder, name, 0x1ed);
            Descriptor next = Files.OpenAt(folder, name, Files.O_RDONLY | Files.O_DIRECTORY);
            folder.Dispose();
            folder = next;
            using Descriptor file = Files.OpenAt(folder, "file", Files.O_WRONLY | Files.O_CREAT, 0x1a4);
            Files.Write(file, Encoding.ASCII.GetBytes($"{i}"));
        }
        folder.Dispose();
    }

    /// <summary>As the kernel keeps one: owner, user 1000, group, mask, others (acl(5), linux/posix_acl_xattr.h).</summary>
    private static byte[] AccessList(int owner, int user, int group, int mask, int others)
    {
        MemoryStream list = new();
        using BinaryWriter writer = new(list);
        writer.Write(2);
        foreach (var (tag, permissions, id) in new[] { (1, owner, -1), (2, user, 1000), (4, group, -1), (0x10, mask, -1), (0x20, others, -1) })
        {
            writer.Write((short)tag);
            writer.Write((short)permissions);
            writer.Write(id);
        }
        return list.ToArray();
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int lsetxattr(string path, string name, byte[] value, nint size, int flags);
}
