namespace Cage.Engine.Plans;

/// <summary>The inside steps of a plan but for the one that mounts the root: they are known before its layers are, and go to the init ahead of it.</summary>
/// <param name="Before">Those that come before it, to be carried out at once.</param>
/// <param name="After">Those that come after it, to be readied.</param>
internal sealed record StepsAroundRoot(IReadOnlyList<PortableStep> Before, IReadOnlyList<PortableStep> After)
{
    /// <summary>All of them in order.</summary>
    /// <param name="root">Makes the one between them, when its turn comes.</param>
    public IEnumerable<PortableStep> With(Func<PortableStep> root)
    {
        foreach (PortableStep step in Before) yield return step with { Side = StepSide.Inside };
        yield return root() with { Side = StepSide.Inside };
        foreach (PortableStep step in After) yield return step with { Side = StepSide.Inside };
    }
}
