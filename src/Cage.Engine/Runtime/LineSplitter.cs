using System.Buffers;
using System.Text;

namespace Cage.Engine.Runtime;

/// <summary>Makes lines of text (UTF-8) out of pieces of bytes that end anywhere.</summary>
/// <param name="sink">Is told each line, without its <c>\n</c> or <c>\r\n</c>.</param>
public sealed class LineSplitter(Action<string> sink)
{
    private readonly ArrayBufferWriter<byte> _begun = new();

    /// <summary>Takes the next piece.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (bytes.IndexOf((byte)'\n') is int end and >= 0)
        {
            if (_begun.WrittenCount == 0)
            {
                Tell(bytes[..end]);
            }
            else
            {
                _begun.Write(bytes[..end]);
                Complete();
            }
            bytes = bytes[(end + 1)..];
        }
        _begun.Write(bytes);
    }

    /// <summary>No more comes: tells the last line, if it has no end of its own.</summary>
    public void Finish()
    {
        if (_begun.WrittenCount > 0) Complete();
    }

    private void Complete()
    {
        string line = Text(_begun.WrittenSpan);
        _begun.ResetWrittenCount();
        sink(line);
    }

    private void Tell(ReadOnlySpan<byte> line) => sink(Text(line));

    private static string Text(ReadOnlySpan<byte> line) => Encoding.UTF8.GetString(line.EndsWith("\r"u8) ? line[..^1] : line);
}
