using Cage.Engine.Privileges;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>Takes from the init what it needs no more, all but the ending of processes, and closes it to those in the cage. Commands give up the rest
/// when they are started.</summary>
internal sealed record GiveUpPrivileges(CagePrivileges Privileges) : PortableStep
{
    private Confinement? _received;

    public override string Action => $"give up privileges: {Confinements.Describe(Privileges)}";

    public override string Target => "init (keeps KILL) and commands";

    internal override void Do(StepContext context)
    {
        if (context.Users is not null) UserNamespace.ActAs(0);
        (_received ?? Confinements.OfInit(Privileges)).ApplyHere();
    }

    internal override void Write(WireWriter wire)
    {
        Confinement confinement = Confinements.OfInit(Privileges);
        wire.Number((long)confinement.Capabilities).Number(confinement.Filter?.Length ?? -1);
        foreach (ulong instruction in confinement.Filter ?? []) wire.Number((long)instruction);
    }

    public static PortableStep Read(ref WireReader wire)
    {
        ulong capabilities = (ulong)wire.Number();
        int length = (int)wire.Number();
        ulong[]? filter = length < 0 ? null : new ulong[length];
        for (int i = 0; i < length; i++) filter![i] = (ulong)wire.Number();
        return new GiveUpPrivileges(new CagePrivileges()) { _received = new Confinement { Capabilities = capabilities, Filter = filter, NoNewPrivileges = true } };
    }
}
