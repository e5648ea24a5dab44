namespace Cage.Engine.Roots;

/// <summary>Something on the host that leads into a cage.</summary>
/// <param name="Cage">The cage's name.</param>
/// <param name="CageId">The cage's id.</param>
/// <param name="Path">Where it is on the host.</param>
/// <param name="Target">The command that it runs in the cage, or what the symbolic link says.</param>
/// <param name="IsLink">Whether it is a symbolic link; a wrapper otherwise.</param>
public sealed record CageShim(string Cage, Guid CageId, string Path, string Target, bool IsLink)
{
    /// <inheritdoc/>
    public override string ToString() => Path;
}
