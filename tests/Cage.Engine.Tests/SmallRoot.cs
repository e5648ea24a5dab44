using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>A small root directory, copied from the host once for a class of tests: a shell, a few programs, what they link to, a passwd and
/// a group. It has no proc, sys, dev, tmp, run or resolv.conf: those are for the cage to make.</summary>
public sealed class SmallRoot : IDisposable
{
    private static readonly string[] _programs =
        ["bash", "sh", "cat", "chmod", "cp", "env", "hostname", "id", "ls", "mkdir", "mount", "mv", "readlink", "rm", "setsid", "sleep", "stat", "touch", "true", "umount", "uname"];

    public SmallRoot()
    {
        try
        {
            Fill();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Path { get; } = Directory.CreateTempSubdirectory("cage-root-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private void Fill()
    {
        // Merged as Debian's is: /bin, /sbin, /lib and /lib64 lead into /usr.
        Shell.Run(
            """
            cd "$root"
            chmod 755 .
            mkdir -p usr/bin usr/lib usr/lib64 etc home/alice root var
            ln -s usr/bin bin; ln -s usr/bin sbin; ln -s usr/lib lib; ln -s usr/lib64 lib64
            [ "$(id -u)" -ne 0 ] || chown 1000:1000 home/alice
            for name in $programs; do
                program=$(readlink -f "$(type -P "$name")")
                [ -e "usr/bin/$name" ] || cp "$program" "usr/bin/$name"
                for library in $(ldd "$program" | grep -o '/[^ ]*'); do
                    [ -e ".$library" ] || { mkdir -p ".${library%/*}"; cp -L "$library" ".$library"; }
                done
            done
            printf '%s\n' root:x:0:0:root:/root:/bin/bash alice:x:1000:1000:Alice:/home/alice:/bin/bash bob:x:1001:100::/home/none: >etc/passwd
            printf '%s\n' root:x:0: alice:x:1000: users:x:100:alice audio:x:29:bob,alice staff:x:50: >etc/group
            echo small >etc/base
            """,
            ("root", Path),
            ("programs", string.Join(' ', _programs)));
    }
}
