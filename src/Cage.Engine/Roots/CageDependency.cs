namespace Cage.Engine.Roots;

/// <summary>Why a file is needed.</summary>
public enum DependencyReason
{
    /// <summary>It was asked for.</summary>
    Requested,

    /// <summary>It is the dynamic loader that a program names (PT_INTERP).</summary>
    Interpreter,

    /// <summary>It is a library that a program or library needs (DT_NEEDED, DT_FILTER).</summary>
    Needed,

    /// <summary>It is a symbolic link on the way to another file, or what a link leads to.</summary>
    Symlink,

    /// <summary>It runs a script (<c>#!</c>, env(1) included).</summary>
    Script,

    /// <summary>It is opened at run time by convention, and a pack names it.</summary>
    Pack,
}

/// <summary>A file that something needs, and why. Each file is there once, for the first reason that was found.</summary>
/// <param name="Path">Its path, as it was asked for: folders on the way may be symbolic links, which are entries of their own.</param>
/// <param name="Reason">Why.</param>
/// <param name="RequiredBy">The file that needs it; null for what was asked for.</param>
/// <param name="Through">How that leads here: "RUNPATH", "ld.so.cache", "nss: getpwnam"…; null where the reason says all.</param>
/// <param name="Target">What it says when it is a symbolic link; null otherwise.</param>
/// <param name="Missing">Whether it is not there.</param>
public sealed record CageDependency(string Path, DependencyReason Reason, string? RequiredBy, string? Through, string? Target, bool Missing)
{
    /// <summary>Where it is, with no links on the way; null when it is missing.</summary>
    internal string? Location { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Path;
}
