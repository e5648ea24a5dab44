namespace Cage.Engine.Roots;

/// <summary>Something that Cage was asked to put into a cage.</summary>
/// <param name="Cage">The cage's name.</param>
/// <param name="CageId">The cage's id.</param>
/// <param name="Kind">A command, a file or a pack.</param>
/// <param name="Command">The last part of its path; the pack's name.</param>
/// <param name="Path">Its path on the host and in the cage; the pack's name.</param>
/// <param name="IsTemporary">Whether Clear-Cage takes it out again.</param>
public sealed record CageContent(string Cage, Guid CageId, RootWishKind Kind, string Command, string Path, bool IsTemporary)
{
    /// <inheritdoc/>
    public override string ToString() => Command;
}
