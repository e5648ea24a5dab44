using Cage.Engine.Plans;
using Cage.Engine.Privileges;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Runtime;

/// <summary>The first process in a cage's namespaces (<c>cage init</c>): builds the inside, says so, then holds the namespaces, takes in
/// orphans and, when told to end, ends what runs. In a Jail it is pid 1; in Pivot, which has no pid namespace, a subreaper.</summary>
public static class CageInit
{
    /// <summary>The descriptor on which the host's side speaks to it.</summary>
    internal const int Channel = 3;

    /// <summary>The descriptor by which one that is not pid 1 kills all that is in the cage's control group.</summary>
    private const int Group = 4;

    /// <summary>The descriptor by which one that is pid 1 holds the cage's user namespace, for the commands to come.</summary>
    internal const int UsersNumber = 4;

    private const int EndInterval = 20;

    /// <summary>That user namespace; never closed.</summary>
    internal static Descriptor Users { get; } = new(UsersNumber);

    /// <summary>Runs it. Returns the process's exit status.</summary>
    public static int Run()
    {
        using Descriptor signals = Signals.Watch([Processes.SIGCHLD, Processes.SIGTERM, Processes.SIGINT, Processes.SIGHUP, Processes.SIGPWR]);
        OwnMemory.Outlive();
        // What nearly every Jail's will need, while the host's side is still at its plan.
        if (Host.ProcessId == 1) Confinements.OfInit(new CagePrivileges());
        using (StageChannel channel = new(new Descriptor(Channel)))
        using (StepContext context = new())
        {
            try
            {
                if (channel.ReceiveAround() is not StepsAroundRoot around) return 1;
                Build(Arriving(channel, around, context), context);
                channel.SendReady();
            }
            catch (Exception e)
            {
                // Whatever it is: nobody else can say why there is no cage.
                Tell(channel, e);
                return 1;
            }
        }
        OwnMemory.ForgetCode();
        return Hold(signals, Host.ProcessId == 1);
    }

    /// <summary>All steps in order, each when it can be carried out. What can be done of the later ones is done while the root is waited for.</summary>
    internal static IEnumerable<Step> Arriving(StageChannel channel, StepsAroundRoot around, StepContext context)
    {
        foreach (PortableStep step in around.Before) yield return step;
        PortableStep[] after = [.. around.After];
        for (int i = 0; i < after.Length; i++)
        {
            try
            {
                after[i] = after[i].Ready(context);
            }
            catch (LinuxException e)
            {
                throw new StepException(after[i], e, around.Before.Count + 1 + i);
            }
        }
        PortableStep root = channel.ReceiveRoot(out Descriptor? prepared) ?? throw new OperationCanceledException("The host's side has ended.");
        context.Prepared = prepared;
        yield return root;
        foreach (PortableStep step in after) yield return step;
    }

    private static void Build(IEnumerable<Step> steps, StepContext context)
    {
        int deathSignal = Processes.DeathSignal;
        Executor.Run(steps, context);
        LeaveHostFiles();
        if (Host.ProcessId != 1) Processes.BecomeSubreaper();
        // Acting as the root of a user namespace has cleared it. Whose starter has ended meanwhile cannot say that it is ready, and ends.
        if (deathSignal != 0) Processes.DeathSignal = deathSignal;
    }

    private static void Tell(StageChannel channel, Exception e)
    {
        try
        {
            if (e is StepException step) channel.SendFailure(step.Index, step.Cause);
            else channel.SendFailure(0, e as LinuxException ?? new LinuxException(Errno.EIO, "init", detail: $"{e.GetType().Name}: {e.Message}"));
        }
        catch (LinuxException)
        {
            // The host's side has ended too.
        }
    }

    /// <summary>The standard descriptors are the host's /dev/null still; the cage's own, where it has one, takes their place.</summary>
    private static void LeaveHostFiles()
    {
        using Descriptor? nothing = Files.TryOpen("/dev/null", Files.O_RDWR);
        if (nothing is null) return;
        for (int i = 0; i < 3; i++) Files.Replace(nothing, i);
    }

    /// <summary>In Pivot the number -1 would mean the whole host. What is killed is this process too.</summary>
    private static int EndGroup()
    {
        using Descriptor group = new(Group);
        Files.Write(group, "1"u8);
        return 0;
    }

    private static int Hold(Descriptor signals, bool isFirst)
    {
        Span<byte> messages = stackalloc byte[64];
        bool ending = false;
        while (true)
        {
            if (Channels.WaitReadable(signals, ending ? EndInterval : -1))
            {
                int count = Files.Read(signals, messages);
                for (int i = 0; i < count; i += 2) ending |= messages[i] != Processes.SIGCHLD;
                if (ending && isFirst) Processes.Kill(-1, Processes.SIGTERM);
            }
            while (Processes.TryWait(-1, out _) is not null)
            {
            }
            if (ending && !isFirst) return EndGroup();
            if (ending && !Processes.AnyOther()) return 0;
        }
    }
}
