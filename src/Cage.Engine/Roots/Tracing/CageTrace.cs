namespace Cage.Engine.Roots;

/// <summary>Something that a command in a cage did with a path.</summary>
/// <param name="Cage">The cage's name.</param>
/// <param name="CageId">The cage's id.</param>
/// <param name="Path">The path, as seen in the cage; of a connection, the socket's path or address.</param>
/// <param name="Call">The system call.</param>
/// <param name="Errno">The errno's name; null where it succeeded.</param>
/// <param name="ProcessId">The process, by its number on the host.</param>
/// <param name="Process">What that process had executed last.</param>
/// <param name="OnHost">Whether the host has it.</param>
/// <param name="Package">The Debian package that it belongs to; null where it belongs to none, or there is no dpkg.</param>
/// <param name="Missing">Whether it was looked for, is not in the cage, and is on the host: Add-CageFile puts it there.</param>
public sealed record CageTrace(
    string Cage, Guid CageId, string Path, string Call, string? Errno, int ProcessId, string? Process, bool OnHost, string? Package, bool Missing)
{
    /// <summary>Whether it is a folder that was opened to be listed.</summary>
    internal bool Lists { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Errno is null ? $"{Call} {Path}" : $"{Call} {Path}: {Errno}";
}
