namespace Cage.Engine.Roots;

/// <summary>What is not as it should be with a file in a cage.</summary>
public enum FindingKind
{
    /// <summary>The host's file is another one since it was copied.</summary>
    Drifted,

    /// <summary>The host has the file no more.</summary>
    GoneFromHost,

    /// <summary>The copy was changed in the cage.</summary>
    Changed,

    /// <summary>The copy is no longer in the cage.</summary>
    Gone,

    /// <summary>A command in the cage needs it, and it is not there.</summary>
    Missing,

    /// <summary>It has a setuid or setgid bit.</summary>
    Setuid,

    /// <summary>It has the hash of a password.</summary>
    Password,

    /// <summary>Settings that undo each other, or that together lead to the host.</summary>
    Danger,

    /// <summary>The nil UUID that it stands on leads to another snapshot than when its upper was first used.</summary>
    BaseMoved,
}

/// <summary>Something about a cage's files or settings that an administrator should know.</summary>
/// <param name="Cage">The cage's name.</param>
/// <param name="CageId">The cage's id.</param>
/// <param name="Path">The file, as seen in the cage; of a Danger or a BaseMoved the settings, as they stand in cage.conf.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Message">The same in words.</param>
public sealed record CageFinding(string Cage, Guid CageId, string Path, FindingKind Kind, string Message)
{
    /// <inheritdoc/>
    public override string ToString() => Message;
}
