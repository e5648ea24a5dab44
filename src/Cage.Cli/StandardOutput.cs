using System.Text;
using Cage.Interop;

namespace Cage.Cli;

/// <summary>Where data goes. A write that fails says so with its errno (the Console's own ends the program with a stack trace); one to a reader that has
/// seen enough is fine, as <c>cage list | head</c> expects.</summary>
internal sealed class StandardOutput : Stream
{
    private readonly Descriptor _output = Channels.Standard(1);

    /// <summary>Has all of <see cref="Console"/>'s output go this way.</summary>
    public static void Use() => Console.SetOut(new StreamWriter(new StandardOutput(), new UTF8Encoding(false)) { AutoFlush = true });

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            Files.Write(_output, buffer);
        }
        catch (LinuxException e) when (e.Number == Errno.EPIPE)
        {
        }
        catch (LinuxException e)
        {
            throw new LinuxException(e.Number, "write", "standard output");
        }
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
