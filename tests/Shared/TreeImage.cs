using System.Globalization;
using System.Security.Cryptography;
using System.Runtime.InteropServices;
using System.Text;
using Cage.Interop;

namespace Cage.Tests;

/// <summary>All that can be known of a tree, entry by entry, to be compared with another's: type, mode, owner, size, times, device, what a link says,
/// attributes, which names are one file, content, and where it has holes.</summary>
public static unsafe partial class TreeImage
{
    private const int SEEK_DATA = 3, SEEK_HOLE = 4, O_NOATIME = 0x40000;

    /// <summary>One line for each entry, by path; the top is an empty one. Bytes that are no letters of ASCII are written as numbers.</summary>
    public static SortedDictionary<string, string> Of(string directory)
    {
        SortedDictionary<string, string> lines = new(StringComparer.Ordinal);
        Dictionary<(ulong, ulong), List<string>> names = [];
        using Descriptor top = Files.Open(directory, Files.O_RDONLY | Files.O_DIRECTORY);
        Stack<(Descriptor Folder, string Path)> open = new([(Channels.Duplicate(top.Number), "")]);
        lines[""] = Line(top, [(byte)'.', 0], Files.Status(top));
        while (open.TryPop(out var next))
        {
            using Descriptor folder = next.Folder;
            while (Directories.ReadSome(folder) is { Count: > 0 } entries)
                foreach ((byte[] name, _) in entries)
                {
                    FileStatus status = Files.StatusAt(folder, name)!.Value;
                    string path = $"{next.Path}/{Text(name.AsSpan(0, name.Length - 1))}";
                    lines[path] = Line(folder, name, status);
                    if (status.IsDirectory) open.Push((Directories.Open(folder, name), path));
                    else if (status.Links > 1) (CollectionsMarshal.GetValueRefOrAddDefault(names, (status.Device, status.Inode), out _) ??= []).Add(path);
                }
        }
        foreach (List<string> paths in names.Values)
            foreach (string path in paths) lines[path] += $" names={string.Join('|', paths.Order(StringComparer.Ordinal))}";
        return lines;
    }

    /// <summary>That both trees are the same, but for the paths of the first that <paramref name="without"/> names.</summary>
    public static void AssertSame(SortedDictionary<string, string> expected, string directory, Func<string, bool>? without = null)
    {
        SortedDictionary<string, string> actual = Of(directory);
        List<string> different = [];
        foreach (var (path, line) in expected)
        {
            if (without?.Invoke(path) == true) continue;
            if (!actual.Remove(path, out string? other)) different.Add($"missing {path}");
            else if (other != line) different.Add($"{path}\n  {line}\n  {other}");
        }
        different.AddRange(actual.Keys.Select(path => $"too many {path}"));
        Assert.True(different.Count == 0, $"{different.Count} of {expected.Count} differ:\n{string.Join('\n', different.Take(20))}");
    }

    private static string Line(Descriptor folder, byte[] name, FileStatus status)
    {
        StringBuilder line = new();
        line.Append(CultureInfo.InvariantCulture, $"mode={status.Mode:x} owner={status.Uid}:{status.Gid} node={status.Node:x}");
        line.Append(CultureInfo.InvariantCulture, $" mtime={status.Modified.Seconds}.{status.Modified.Nanoseconds} atime={status.Accessed.Seconds}.{status.Accessed.Nanoseconds}");
        byte[] path = [.. Encoding.ASCII.GetBytes($"/proc/self/fd/{folder.Number}/"), .. name];
        if (status.IsLink) line.Append(" -> ").Append(LinkText(folder, name));
        AppendAttributes(line, path);
        if (status.IsRegular) AppendContent(line, folder, name, status);
        return line.ToString();
    }

    private static void AppendContent(StringBuilder line, Descriptor folder, byte[] name, FileStatus status)
    {
        line.Append(CultureInfo.InvariantCulture, $" size={status.Size}");
        if (status.Size == 0) return;
        int number;
        fixed (byte* text = name) number = openat(folder.Number, text, Files.O_RDONLY | O_NOATIME | Files.O_CLOEXEC);
        using Descriptor file = new(number);
        Assert.True(number >= 0, $"open: {Marshal.GetLastPInvokeErrorMessage()}");
        if (status.Size > 4096)
            for (long at = 0; at < status.Size;)
            {
                long data = lseek(file.Number, at, SEEK_DATA);
                if (data < 0) data = status.Size;
                if (data > at) line.Append(CultureInfo.InvariantCulture, $" hole={at}+{data - at}");
                at = data < status.Size ? lseek(file.Number, data, SEEK_HOLE) : data;
            }
        _ = lseek(file.Number, 0, 0);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        byte[] buffer = new byte[Math.Min(status.Size, 1 << 18)];
        for (int count; (count = Files.Read(file, buffer)) > 0;) hash.AppendData(buffer.AsSpan(0, count));
        line.Append(" content=").Append(Convert.ToHexString(hash.GetHashAndReset()));
    }

    private static void AppendAttributes(StringBuilder line, byte[] path)
    {
        byte* list = stackalloc byte[8192], value = stackalloc byte[8192];
        fixed (byte* file = path)
        {
            nint length = llistxattr(file, list, 8192);
            List<string> attributes = [];
            for (nint at = 0; at < length;)
            {
                ReadOnlySpan<byte> name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(list + at);
                nint size = lgetxattr(file, list + at, value, 8192);
                // XFS shows access lists twice.
                if (!name.StartsWith("trusted.SGI_ACL_"u8)) attributes.Add($" {Text(name)}={Convert.ToHexString(new ReadOnlySpan<byte>(value, (int)size))}");
                at += name.Length + 1;
            }
            foreach (string attribute in attributes.Order(StringComparer.Ordinal)) line.Append(attribute);
        }
    }

    private static string LinkText(Descriptor folder, byte[] name)
    {
        byte* target = stackalloc byte[4096];
        nint length;
        fixed (byte* text = name) length = readlinkat(folder.Number, text, target, 4096);
        return Text(new ReadOnlySpan<byte>(target, (int)length));
    }

    private static string Text(ReadOnlySpan<byte> bytes)
    {
        StringBuilder text = new(bytes.Length);
        foreach (byte b in bytes)
            if (b is > 0x20 and < 0x7f and not (byte)'\\') text.Append((char)b);
            else text.Append(CultureInfo.InvariantCulture, $"\\{b:x2}");
        return text.ToString();
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int openat(int directory, byte* path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long lseek(int file, long offset, int whence);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint readlinkat(int directory, byte* path, byte* buffer, nint size);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint llistxattr(byte* path, byte* list, nint size);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint lgetxattr(byte* path, byte* name, byte* value, nint size);
}
