using System.Globalization;
using System.Text;
using Cage.Interop;

namespace Cage.Engine.Services;

/// <summary>The log of a service as its supervisor writes it: when it has grown to four mebibytes it becomes <c>.1</c>, that <c>.2</c>, and so on to <c>.3</c>.</summary>
internal sealed class ServiceLog : IDisposable
{
    internal const int SizeLimit = 4 << 20, Kept = 3;

    private readonly string _path;
    private Descriptor _file;
    private long _size;

    public ServiceLog(string path)
    {
        _path = path;
        _file = Open();
    }

    /// <summary>Writes what the service said. A full disk must not end the service: what does not go is lost.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        try
        {
            if (_size + bytes.Length > SizeLimit) Rotate();
            Files.Write(_file, bytes);
            _size += bytes.Length;
        }
        catch (LinuxException e) when (e.Number is Errno.ENOSPC or Errno.EROFS)
        {
        }
    }

    /// <summary>Notes what became of the service, in a line that none of its own looks like.</summary>
    public void Note(string what) =>
        Write(Encoding.UTF8.GetBytes($"-- {DateTimeOffset.UtcNow.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)}Z {what}\n"));

    public void Dispose() => _file.Dispose();

    private void Rotate()
    {
        for (int i = Kept - 1; i >= 0; i--)
        {
            string from = i == 0 ? _path : $"{_path}.{i}";
            if (Files.Status(from) is not null) Files.Rename(from, $"{_path}.{i + 1}");
        }
        _file.Dispose();
        _file = Open();
    }

    private Descriptor Open()
    {
        Descriptor file = Files.Open(_path, Files.O_WRONLY | Files.O_CREAT | Files.O_APPEND | Files.O_NOFOLLOW, 0x180);
        _size = Files.Status(file).Size;
        return file;
    }
}
