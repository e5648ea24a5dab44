using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>A Jail's init that the <c>cage</c> program has started before its runtime was up (Cage.Native/headstart.c, linked into it).</summary>
/// <param name="Id">The cage's id, a UUID of version 8 (RFC 9562).</param>
/// <param name="Init">The init; it ends with the main thread.</param>
/// <param name="Channel">Our end of the socket on which it waits for its steps.</param>
/// <param name="Group">Its control group's directory, locked (flock(2)).</param>
public sealed partial record HeadStart(Guid Id, SpawnedProcess Init, Descriptor Channel, Descriptor Group)
{
    /// <summary>Takes over what was started; null where there is nothing. What is not taken, the program ends when it exits.</summary>
    public static unsafe HeadStart? Take()
    {
        Native native = default;
        return cage_take_headstart(&native) != 0
            ? new HeadStart(
                new Guid(new ReadOnlySpan<byte>(native.Id, 16), bigEndian: true),
                new SpawnedProcess(native.Pid, new Descriptor(native.PidDescriptor)),
                new Descriptor(native.Channel),
                new Descriptor(native.Group) { IsLocked = true })
            : null;
    }

    [LibraryImport("cage-headstart")]
    private static unsafe partial int cage_take_headstart(Native* taken);

    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct Native
    {
        public int Pid, PidDescriptor, Channel, Group;
        public fixed byte Id[16];
    }
}
