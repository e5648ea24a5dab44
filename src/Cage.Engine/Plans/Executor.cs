using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>A step that failed, with what the system said.</summary>
internal sealed class StepException(Step step, LinuxException cause, int index) : Exception(cause.Message, cause)
{
    private const int Shown = 500;

    public Step Step { get; } = step;

    public LinuxException Cause { get; } = cause;

    public int Index { get; } = index;

    /// <summary>As the user is told it.</summary>
    /// <param name="cage">Its name.</param>
    /// <param name="done">What was not done with it: started, stopped.</param>
    public CageException Explain(string cage, string done)
    {
        string what = Shorten(Step.Target is null ? Step.Action : $"{Step.Action} {Step.Target}");
        return new CageException(
            Cause.Number switch
            {
                Errno.EPERM when Interop.Host.EffectiveUser != 0 => CageError.CageRequiresRoot,
                Errno.ENOSYS => CageError.CageKernelUnsupported,
                _ => Step.Failure,
            },
            $"\"{cage}\" was not {done}: {what} failed: {Cause.Message}.",
            StepAdvice.For(Step, Cause),
            cage,
            Cause);
    }

    /// <summary>The paths of 500 layers would hide what is wrong with them; the plan shows all.</summary>
    private static string Shorten(string what) => what.Length <= 2 * Shown ? what : $"{what[..Shown]} … {what[^Shown..]}";
}

/// <summary>Carries out steps in order and, when one fails, undoes those done, backwards.</summary>
internal static class Executor
{
    /// <summary>Takes the steps one by one, so that those of a plan still being made can already be carried out.</summary>
    /// <exception cref="StepException">The step that failed; those before it are undone.</exception>
    public static void Run(IEnumerable<Step> steps, StepContext context)
    {
        List<Step> taken = [];
        try
        {
            using IEnumerator<Step> next = steps.GetEnumerator();
            bool more = next.MoveNext();
            while (more)
            {
                context.Cancellation.ThrowIfCancellationRequested();
                int first = taken.Count;
                if (context.Host is Runtime.HostContext host && next.Current.Side == StepSide.Inside)
                {
                    do
                    {
                        context.Progress?.Invoke(next.Current);
                        taken.Add(next.Current);
                    }
                    while ((more = next.MoveNext()) && next.Current.Side == StepSide.Inside);
                    host.RunInside(taken, first);
                }
                else
                {
                    taken.Add(next.Current);
                    Do(next.Current, context, first);
                    more = next.MoveNext();
                }
            }
        }
        catch
        {
            // The failed one may have done a part.
            Unwind(taken, context);
            throw;
        }
    }

    private static void Do(Step step, StepContext context, int index)
    {
        try
        {
            context.Progress?.Invoke(step);
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

    private static void Unwind(List<Step> steps, StepContext context)
    {
        for (int i = steps.Count - 1; i >= 0; i--)
        {
            if (context.Host is not null && steps[i].Side == StepSide.Inside) continue;
            try
            {
                steps[i].Undo(context);
            }
            catch (Exception e) when (e is LinuxException or CageException)
            {
                // The first failure is the one to tell; a stop clears what an undo could not.
            }
        }
    }
}
