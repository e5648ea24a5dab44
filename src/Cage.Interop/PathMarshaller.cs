using System.Runtime.InteropServices.Marshalling;

namespace Cage.Interop;

/// <summary>Hands paths to the kernel as <see cref="PathText"/> encodes them: marshalled as UTF-8, one that the kernel gave and that is no text would name another file.</summary>
[CustomMarshaller(typeof(string), MarshalMode.ManagedToUnmanagedIn, typeof(PathMarshaller))]
internal static unsafe class PathMarshaller
{
    public static byte* ConvertToUnmanaged(string? path)
    {
        if (path is null) return null;
        byte[] bytes = PathText.Encode(path);
        byte* text = (byte*)System.Runtime.InteropServices.NativeMemory.Alloc((nuint)bytes.Length + 1);
        bytes.CopyTo(new Span<byte>(text, bytes.Length));
        text[bytes.Length] = 0;
        return text;
    }

    public static void Free(byte* text) => System.Runtime.InteropServices.NativeMemory.Free(text);
}
