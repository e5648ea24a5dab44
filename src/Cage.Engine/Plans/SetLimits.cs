using Cage.Engine.State;
using Cage.Engine.Store;

namespace Cage.Engine.Plans;

/// <summary>Makes the cage's limits hold before anything runs in it.</summary>
/// <param name="Id">The cage's id.</param>
/// <param name="Limits">What is to hold.</param>
/// <param name="Held">Whether the groups that this needs go with the command that makes them.</param>
internal sealed record SetLimits(Guid Id, CageLimits Limits, bool Held = false) : Step
{
    public override string Action => $"limit {Limits}";

    public override string Target => string.Join(' ', LimitGroups.Paths(Id, Limits));

    public override string UndoAction => "remove the control groups made for it";

    internal override CageError Failure => CageError.CageLimitFailed;

    internal override void Do(StepContext context) => LimitGroups.Apply(Id, Limits, CageLimits.None, group =>
    {
        if (Held) context.Host!.Keep(group.CreateHeld());
        else group.Create();
    });

    internal override void Undo(StepContext context) => LegacyGroups.Remove(Id);
}
