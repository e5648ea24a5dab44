namespace Cage.Engine.Plans;

/// <summary>What a start or stop of one cage is going to do, in order. What is shown is what is done.</summary>
/// <param name="Cage">The cage's name.</param>
/// <param name="Steps">The steps.</param>
public sealed record Plan(string Cage, IReadOnlyList<Step> Steps)
{
    /// <summary>The steps as a user reads them.</summary>
    public IReadOnlyList<PlanLine> Lines => [.. Steps.Select((step, i) => new PlanLine(Cage, i + 1, step.Side, step.Action, step.Target, step.UndoAction))];
}

/// <summary>One step of a plan, described.</summary>
/// <param name="Cage">The cage's name.</param>
/// <param name="Order">From 1.</param>
/// <param name="Side">Where.</param>
/// <param name="Action">What.</param>
/// <param name="Target">To what; null where the action says it.</param>
/// <param name="Undo">How it is undone when a later step fails; null when it need not be.</param>
public sealed record PlanLine(string Cage, int Order, StepSide Side, string Action, string? Target, string? Undo);
