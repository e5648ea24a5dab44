using System.Buffers;

namespace Cage.Interop;

/// <summary>
/// One mount, as a line of mountinfo has it (proc_pid_mountinfo(5)). The kernel's octal escapes are decoded in all but
/// <paramref name="SuperOptions"/>; bytes that are not UTF-8 are kept (<see cref="PathText"/>).
/// </summary>
/// <param name="Id">The mount's number; used again after the mount is gone (<see cref="MountDetails.Id"/> is not).</param>
/// <param name="ParentId">The number of the mount it lies on; one not in the table for the uppermost.</param>
/// <param name="Major">Major number of the file system's device (st_dev, stat(2)).</param>
/// <param name="Minor">Minor number of the file system's device.</param>
/// <param name="Root">Which directory of the file system is mounted; ends in <c>//deleted</c> when that was removed since.</param>
/// <param name="MountPoint">Where, as seen from the root directory of the process whose table it is.</param>
/// <param name="Options">Options of this mount, comma-separated: <c>ro,nosuid,relatime</c>.</param>
/// <param name="Propagation">The optional fields, space-separated: <c>shared:12 master:3</c>; empty when the mount is private.</param>
/// <param name="Type">The file system's type, with its subtype where it has one: <c>ext4</c>, <c>fuse.sshfs</c>.</param>
/// <param name="Source">What is mounted: a device, or anything; may be empty.</param>
/// <param name="SuperOptions">
/// Options of the file system, comma-separated, as the kernel escaped them: decoded, a comma in a value would read as the next option.
/// <see cref="SuperOption"/> has the decoded values.
/// </param>
public sealed record MountEntry(
    int Id,
    int ParentId,
    uint Major,
    uint Minor,
    string Root,
    string MountPoint,
    string Options,
    string Propagation,
    string Type,
    string Source,
    string SuperOptions)
{
    /// <summary>
    /// The decoded values of the file system's option <paramref name="name"/>, in order: none where it is not set, an empty one for a flag,
    /// several where it was given several times (overlayfs's <c>lowerdir+</c>).
    /// </summary>
    public IEnumerable<string> SuperOption(string name)
    {
        foreach (string option in SuperOptions.Split(','))
        {
            if (!option.StartsWith(name, StringComparison.Ordinal)) continue;
            if (option.Length == name.Length) yield return "";
            else if (option[name.Length] == '=') yield return MountTable.Decode(PathText.Encode(option[(name.Length + 1)..]));
        }
    }
}

/// <summary>The mounts of a mount namespace (proc_pid_mountinfo(5)).</summary>
public static class MountTable
{
    /// <summary>
    /// Reads all mounts that the process or thread of <paramref name="path"/> can see, in the kernel's order: that of age, which is not
    /// always parents first (a mount can be moved onto a younger one; <see cref="Beneath"/> puts that right). A thread that has left the
    /// mount namespace of its process sees its own mounts only in the default path.
    /// </summary>
    /// <exception cref="LinuxException">ENOENT, ESRCH or EINVAL: that process is gone. EACCES: not ours to read.</exception>
    /// <exception cref="FormatException">Not a mountinfo file.</exception>
    public static IReadOnlyList<MountEntry> Read(string path = "/proc/thread-self/mountinfo")
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            int length = ReadFile(path, ref buffer);
            ReadOnlySpan<byte> rest = buffer.AsSpan(0, length);
            List<MountEntry> mounts = new(rest.Count((byte)'\n'));
            while (!rest.IsEmpty)
            {
                int end = rest.IndexOf((byte)'\n');
                mounts.Add(Parse(end < 0 ? rest : rest[..end]));
                rest = end < 0 ? default : rest[(end + 1)..];
            }
            return mounts;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Reads one line of mountinfo, without its line feed.</summary>
    /// <exception cref="FormatException">The line is not one.</exception>
    public static MountEntry Parse(ReadOnlySpan<byte> line)
    {
        ReadOnlySpan<byte> rest = line;
        int id = Number<int>(Field(ref rest), line);
        int parent = Number<int>(Field(ref rest), line);
        ReadOnlySpan<byte> device = Field(ref rest);
        int colon = device.IndexOf((byte)':');
        if (colon < 0) throw Malformed(line);
        uint major = Number<uint>(device[..colon], line);
        uint minor = Number<uint>(device[(colon + 1)..], line);
        ReadOnlySpan<byte> root = Field(ref rest), point = Field(ref rest), options = Field(ref rest), optional = rest;
        int length = 0;
        while (true)
        {
            if (rest.IsEmpty) throw Malformed(line);
            ReadOnlySpan<byte> field = Field(ref rest);
            if (field.SequenceEqual("-"u8)) break;
            length += field.Length + 1;
        }
        // An empty source leaves two spaces in a row, so every single space counts; the last field takes what is left.
        ReadOnlySpan<byte> type = Field(ref rest), source = Field(ref rest);
        if (rest.IsEmpty) throw Malformed(line);
        return new(
            id,
            parent,
            major,
            minor,
            Decode(root),
            Decode(point),
            Decode(options),
            Decode(optional[..Math.Max(0, length - 1)]),
            Decode(type),
            Decode(source),
            PathText.Decode(rest));
    }

    /// <summary>
    /// The mounts at or beneath <paramref name="directory"/> (<c>/a/b</c> is beneath <c>/a</c>, <c>/ab</c> is not), by age, but every mount
    /// after the one it lies on: unmounted in the opposite order, none is in another's way.
    /// </summary>
    /// <param name="mounts">The table.</param>
    /// <param name="directory">An absolute path without symbolic links or <c>..</c>.</param>
    public static IEnumerable<MountEntry> Beneath(this IReadOnlyList<MountEntry> mounts, string directory)
    {
        string prefix = directory.TrimEnd('/');
        Dictionary<int, MountEntry> waiting = [];
        List<MountEntry> found = [];
        foreach (MountEntry mount in mounts)
        {
            if (!IsAtOrBeneath(mount.MountPoint, prefix)) continue;
            found.Add(mount);
            waiting[mount.Id] = mount;
        }

        List<MountEntry> ordered = new(found.Count);
        Stack<MountEntry> line = [];
        foreach (MountEntry mount in found)
        {
            int next = mount.Id;
            while (waiting.Remove(next, out MountEntry? ancestor))
            {
                line.Push(ancestor);
                next = ancestor.ParentId;
            }
            while (line.TryPop(out MountEntry? ancestor)) ordered.Add(ancestor);
        }
        return ordered;
    }

    /// <summary>Decodes a field: \ooo as the kernel writes blanks, backslashes and '#', and then the bytes.</summary>
    public static string Decode(ReadOnlySpan<byte> field)
    {
        if (!field.Contains((byte)'\\')) return PathText.Decode(field);

        byte[]? rented = null;
        Span<byte> plain = field.Length <= 512 ? stackalloc byte[512] : rented = ArrayPool<byte>.Shared.Rent(field.Length);
        int length = 0;
        for (int i = 0; i < field.Length; i++)
        {
            if (field[i] == '\\' && i + 3 < field.Length && Octal(field[i + 1], 3) && Octal(field[i + 2], 7) && Octal(field[i + 3], 7))
            {
                plain[length++] = (byte)(((field[i + 1] - '0') << 6) | ((field[i + 2] - '0') << 3) | (field[i + 3] - '0'));
                i += 3;
            }
            else
            {
                plain[length++] = field[i];
            }
        }
        string text = PathText.Decode(plain[..length]);
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        return text;
    }

    private static bool IsAtOrBeneath(string path, string prefix) =>
        path.StartsWith(prefix, StringComparison.Ordinal) && (path.Length == prefix.Length || path[prefix.Length] == '/');

    private static bool Octal(byte digit, int greatest) => (uint)(digit - '0') <= greatest;

    private static ReadOnlySpan<byte> Field(ref ReadOnlySpan<byte> rest)
    {
        int end = rest.IndexOf((byte)' ');
        ReadOnlySpan<byte> field = end < 0 ? rest : rest[..end];
        rest = end < 0 ? default : rest[(end + 1)..];
        return field;
    }

    private static T Number<T>(ReadOnlySpan<byte> field, ReadOnlySpan<byte> line)
        where T : IUtf8SpanParsable<T> =>
        T.TryParse(field, null, out T? number) ? number : throw Malformed(line);

    private static FormatException Malformed(ReadOnlySpan<byte> line) => new($"Not a line of mountinfo: '{PathText.Decode(line)}'");

    // The kernel hands out a page at a time at most, and says 0 only at the end.
    private static int ReadFile(string path, ref byte[] buffer)
    {
        using Descriptor file = Files.Open(path, Files.O_RDONLY);
        int length = 0;
        while (true)
        {
            if (length == buffer.Length)
            {
                byte[] larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
                buffer.CopyTo(larger, 0);
                ArrayPool<byte>.Shared.Return(buffer);
                buffer = larger;
            }
            int got = Files.Read(file, buffer.AsSpan(length));
            if (got == 0) return length;
            length += got;
        }
    }
}
