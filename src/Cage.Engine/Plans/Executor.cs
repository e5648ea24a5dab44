using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>A step that failed, with what the system said.</summary>
internal sealed class StepException(Step step, LinuxException cause, int index) : Exception(cause.Message, cause)
{
    public Step Step { get; } = step;

    public LinuxException Cause { get; } = cause;

    public int Index { get; } = index;

    /// <summary>As the user is told it.</summary>
    /// <param name="cage">Its name.</param>
    /// <param name="done">What was not done with it: started, stopped.</param>
    public CageException Explain(string cage, string done)
    {
        string what = Step.Target is null ? Step.Action : $"{Step.Action} {Step.Target}";
        return new CageException(
            Cause.Number == Errno.EPERM && Interop.Host.EffectiveUser != 0 ? CageError.CageRequiresRoot : Step.Failure,
            $"\"{cage}\" was not {done}: {what} failed: {Cause.Message}.",
            StepAdvice.For(Step, Cause),
            cage,
            Cause);
    }
}

/// <summary>Carries out steps in order and, when one fails, undoes those done, backwards.</summary>
internal static class Executor
{
    /// <exception cref="StepException">The step that failed; the others are undone.</exception>
    public static void Run(IReadOnlyList<Step> steps, StepContext context)
    {
        int done = 0;
        try
        {
            while (done < steps.Count)
            {
                context.Cancellation.ThrowIfCancellationRequested();
                int count = 1;
                if (context.Host is Runtime.HostContext host && steps[done].Side == StepSide.Inside)
                {
                    while (done + count < steps.Count && steps[done + count].Side == StepSide.Inside) count++;
                    host.RunInside(steps, done, count);
                }
                else
                {
                    Do(steps[done], context, done);
                }
                done += count;
            }
        }
        catch
        {
            // The failed one may have done a part.
            Unwind(steps, Math.Min(done, steps.Count - 1), context);
            throw;
        }
    }

    private static void Do(Step step, StepContext context, int index)
    {
        try
        {
            step.Do(context);
        }
        catch (LinuxException e)
        {
            throw new StepException(step, e, index);
        }
        catch (SpawnException e)
        {
            throw new StepException(step, (LinuxException)e.InnerException!, index);
        }
    }

    private static void Unwind(IReadOnlyList<Step> steps, int from, StepContext context)
    {
        for (int i = from; i >= 0; i--)
        {
            if (context.Host is not null && steps[i].Side == StepSide.Inside) continue;
            try
            {
                steps[i].Undo(context);
            }
            catch (LinuxException)
            {
                // The first failure is the one to tell; a stop clears what an undo could not.
            }
        }
    }
}
