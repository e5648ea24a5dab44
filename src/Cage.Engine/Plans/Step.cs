using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>Where a step is carried out.</summary>
public enum StepSide
{
    /// <summary>In the command or session that asked.</summary>
    Host,

    /// <summary>In the cage's init, inside its new namespaces.</summary>
    Inside,
}

/// <summary>One step of a plan: a value that says what it does, does it, and undoes it.</summary>
public abstract record Step
{
    /// <summary>Where it is carried out.</summary>
    public StepSide Side { get; init; } = StepSide.Host;

    /// <summary>What it does, such as "mount overlay".</summary>
    public abstract string Action { get; }

    /// <summary>What it does it to; null where that says itself.</summary>
    public virtual string? Target => null;

    /// <summary>How it is undone when a later one fails; null when nothing has to be.</summary>
    public virtual string? UndoAction => null;

    /// <summary>How long it may wait for the cage before it goes on without; null where nothing bounds it.</summary>
    public virtual TimeSpan? Patience => null;

    /// <summary>What its failure is called.</summary>
    internal virtual CageError Failure => CageError.CageStartFailed;

    internal abstract void Do(StepContext context);

    internal virtual void Undo(StepContext context)
    {
    }
}

/// <summary>A step that can be sent to the cage's init. <see cref="StepCodec"/> knows them all.</summary>
public abstract record PortableStep : Step
{
    internal abstract void Write(WireWriter wire);

    /// <summary>Makes what can be made of it on the host's side, while the init comes up; null where that is nothing.</summary>
    /// <param name="guess">What was made ahead, to be taken where it is the same.</param>
    /// <returns>What was made, and the step that is left.</returns>
    internal virtual (Descriptor Made, PortableStep Left)? Prepare(OverlayGuess? guess) => null;

    /// <summary>Does what can be done of it in the init before there is a root, while the host's side still looks for the layers.</summary>
    /// <returns>The step that is left.</returns>
    internal virtual PortableStep Ready(StepContext context) => this;
}
