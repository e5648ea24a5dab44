using System.Runtime.InteropServices;
using System.Runtime.InteropServices.Marshalling;

namespace Cage.Interop;

/// <summary>Hands paths to the kernel as <see cref="PathText"/> encodes them: marshalled as UTF-8, one that the kernel gave and that is no text would name another file.</summary>
[CustomMarshaller(typeof(string), MarshalMode.ManagedToUnmanagedIn, typeof(In))]
internal static unsafe class PathMarshaller
{
    /// <summary>One call's path: on the stack where it is short.</summary>
    public ref struct In
    {
        private byte* _text;
        private bool _isOurs;

        public static int BufferSize => 256;

        public void FromManaged(string? path, Span<byte> buffer)
        {
            if (path is null) return;
            int length = PathText.TryEncode(path, buffer[..^1]);
            if (length >= 0)
            {
                buffer[length] = 0;
                _text = (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref MemoryMarshal.GetReference(buffer));
                return;
            }
            byte[] bytes = PathText.Encode(path);
            _text = (byte*)NativeMemory.Alloc((nuint)bytes.Length + 1);
            _isOurs = true;
            bytes.CopyTo(new Span<byte>(_text, bytes.Length));
            _text[bytes.Length] = 0;
        }

        public readonly byte* ToUnmanaged() => _text;

        public readonly void Free()
        {
            if (_isOurs) NativeMemory.Free(_text);
        }
    }
}
