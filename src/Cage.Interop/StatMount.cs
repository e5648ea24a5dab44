using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>
/// What statmount(2) tells of a mount. Null is what the kernel did not give: it is too old for the field (then null for every mount), or
/// there is nothing to tell (no source, no options, a mount point outside the caller's root directory). Strings come without octal escapes,
/// but for <paramref name="SuperOptions"/>; bytes that are not UTF-8 are kept (<see cref="PathText"/>).
/// </summary>
/// <param name="Id">The mount's number, never used again until the machine starts anew.</param>
/// <param name="ParentId">That of the mount it lies on; its own for the uppermost of its namespace.</param>
/// <param name="TableId">The number that mountinfo has for it, <see cref="MountEntry.Id"/>.</param>
/// <param name="Root">Which directory of the file system is mounted.</param>
/// <param name="MountPoint">Where, as seen from the caller's root directory.</param>
/// <param name="Propagation">As mountinfo's optional fields: <c>shared:12 master:3</c>, empty when private.</param>
/// <param name="Type">The file system's type, with its subtype (Linux 6.13) where it has one.</param>
/// <param name="Source">What is mounted, such as a device (Linux 6.13).</param>
/// <param name="SuperOptions">
/// Options of the file system, comma-separated and escaped as in mountinfo, but without those of the super block itself, such as
/// <c>rw</c> (Linux 6.11).
/// </param>
public sealed record MountDetails(
    ulong Id,
    ulong? ParentId,
    int? TableId,
    string? Root,
    string? MountPoint,
    string? Propagation,
    string? Type,
    string? Source,
    string? SuperOptions);

/// <summary>
/// Mounts by their unique numbers (listmount(2), statmount(2); Linux 6.8). For all mounts at once, <see cref="MountTable.Read"/> is faster.
/// </summary>
public static unsafe partial class StatMount
{
    /// <summary>The uppermost mount that the caller sees (listmount(2)).</summary>
    public const ulong LSMT_ROOT = ulong.MaxValue;

    private const int SYS_statmount = 457, SYS_listmount = 458, EOVERFLOW = 75;
    private const uint MNT_ID_REQ_SIZE_VER0 = 24, MNT_ID_REQ_SIZE_VER1 = 32;
    private const ulong STATMOUNT_MNT_BASIC = 0x2, STATMOUNT_PROPAGATE_FROM = 0x4, STATMOUNT_MNT_ROOT = 0x8, STATMOUNT_MNT_POINT = 0x10,
        STATMOUNT_FS_TYPE = 0x20, STATMOUNT_MNT_OPTS = 0x80, STATMOUNT_FS_SUBTYPE = 0x100, STATMOUNT_SB_SOURCE = 0x200;
    private const ulong MS_UNBINDABLE = 1 << 17;

    /// <summary>Whether this kernel has both calls, and lets us make them (a seccomp filter may answer ENOSYS or EPERM).</summary>
    public static bool IsSupported { get; } = Probe();

    /// <summary>The unique numbers of all mounts beneath <paramref name="mountId"/>, at any depth and without itself; with
    /// <see cref="LSMT_ROOT"/> of all that the caller sees (listmount(2)).</summary>
    /// <param name="mountId">Beneath which mount.</param>
    /// <param name="namespaceId">In which mount namespace, by its unique number (NS_GET_MNTNS_ID, ioctl_nsfs(2); Linux 6.11); 0 for the
    /// caller's.</param>
    /// <exception cref="LinuxException">ENOENT: no such mount or namespace. EPERM: not ours to see. ENOSYS: before Linux 6.8.</exception>
    public static ulong[] List(ulong mountId = LSMT_ROOT, ulong namespaceId = 0)
    {
        MountRequest request = Request(mountId, namespaceId);
        ulong[] ids = new ulong[256];
        int count = 0;
        while (true)
        {
            long got;
            fixed (ulong* free = &ids[count]) got = syscall(SYS_listmount, &request, free, (nuint)(ids.Length - count), 0);
            count += (int)Check.Result(got, "listmount");
            if (count < ids.Length) return ids[..count];
            request.Param = ids[count - 1];
            Array.Resize(ref ids, ids.Length * 2);
        }
    }

    /// <summary>What the kernel tells of the mount <paramref name="mountId"/> (statmount(2)).</summary>
    /// <param name="mountId">Its unique number, as from <see cref="List"/>.</param>
    /// <param name="namespaceId">As in <see cref="List"/>.</param>
    /// <exception cref="LinuxException">ENOENT: no such mount or namespace. EPERM: not ours to see. ENOSYS: before Linux 6.8.</exception>
    public static MountDetails Read(ulong mountId, ulong namespaceId = 0)
    {
        MountRequest request = Request(mountId, namespaceId);
        request.Param = STATMOUNT_MNT_BASIC | STATMOUNT_PROPAGATE_FROM | STATMOUNT_MNT_ROOT | STATMOUNT_MNT_POINT | STATMOUNT_FS_TYPE |
            STATMOUNT_MNT_OPTS | STATMOUNT_FS_SUBTYPE | STATMOUNT_SB_SOURCE;
        for (int size = 2048; ; size *= 2)
        {
            byte[] buffer = new byte[size];
            fixed (byte* start = buffer)
            {
                if (syscall(SYS_statmount, &request, start, (nuint)size, 0) == 0) return Details(mountId, (MountStatus*)start, buffer);
                int error = Marshal.GetLastPInvokeError();
                if (error != EOVERFLOW) throw new LinuxException(error, "statmount", $"mount {mountId}");
            }
        }
    }

    private static MountDetails Details(ulong mountId, MountStatus* given, byte[] buffer)
    {
        bool basic = Has(STATMOUNT_MNT_BASIC);
        string? type = Text(STATMOUNT_FS_TYPE, given->Type), subtype = Text(STATMOUNT_FS_SUBTYPE, given->Subtype);
        return new(
            mountId,
            basic ? given->ParentId : null,
            basic ? (int)given->TableId : null,
            Text(STATMOUNT_MNT_ROOT, given->Root),
            Text(STATMOUNT_MNT_POINT, given->MountPoint),
            basic ? Propagation(given, Has(STATMOUNT_PROPAGATE_FROM)) : null,
            subtype is null ? type : $"{type}.{subtype}",
            Text(STATMOUNT_SB_SOURCE, given->Source),
            Text(STATMOUNT_MNT_OPTS, given->Options));

        bool Has(ulong field) => (given->Mask & field) != 0;

        string? Text(ulong field, uint offset)
        {
            if (!Has(field)) return null;
            ReadOnlySpan<byte> text = buffer.AsSpan(sizeof(MountStatus) + (int)offset);
            return PathText.Decode(text[..text.IndexOf((byte)0)]);
        }
    }

    private static string Propagation(MountStatus* given, bool from)
    {
        List<string> fields = [];
        if (given->PeerGroup != 0) fields.Add($"shared:{given->PeerGroup}");
        if (given->Master != 0) fields.Add($"master:{given->Master}");
        // As in mountinfo: only where it is another group than the master.
        if (from && given->PropagateFrom != 0 && given->PropagateFrom != given->Master)
            fields.Add($"propagate_from:{given->PropagateFrom}");
        if ((given->Propagation & MS_UNBINDABLE) != 0) fields.Add("unbindable");
        return string.Join(' ', fields);
    }

    // The first kernels with these calls know only the shorter request, without a namespace.
    private static MountRequest Request(ulong mountId, ulong namespaceId) => new()
    {
        Size = namespaceId == 0 ? MNT_ID_REQ_SIZE_VER0 : MNT_ID_REQ_SIZE_VER1,
        MountId = mountId,
        NamespaceId = namespaceId,
    };

    private static bool Probe()
    {
        // No request at all: EFAULT from a kernel that has the call.
        if (syscall(SYS_statmount, null, null, 0, 0) >= 0) return true;
        return Marshal.GetLastPInvokeError() is not (Errno.ENOSYS or Errno.EPERM);
    }

    // struct mnt_id_req
    [StructLayout(LayoutKind.Sequential)]
    private struct MountRequest
    {
        public uint Size, Spare;
        public ulong MountId, Param, NamespaceId;
    }

    // struct statmount. The strings follow it; their offsets count from its end.
    [StructLayout(LayoutKind.Explicit, Size = 512)]
    private struct MountStatus
    {
        [FieldOffset(4)] public uint Options;
        [FieldOffset(8)] public ulong Mask;
        [FieldOffset(36)] public uint Type;
        [FieldOffset(48)] public ulong ParentId;
        [FieldOffset(56)] public uint TableId;
        [FieldOffset(72)] public ulong Propagation;
        [FieldOffset(80)] public ulong PeerGroup;
        [FieldOffset(88)] public ulong Master;
        [FieldOffset(96)] public ulong PropagateFrom;
        [FieldOffset(104)] public uint Root;
        [FieldOffset(108)] public uint MountPoint;
        [FieldOffset(120)] public uint Subtype;
        [FieldOffset(124)] public uint Source;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, MountRequest* request, void* buffer, nuint size, nuint flags);
}
