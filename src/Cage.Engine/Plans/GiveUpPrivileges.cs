using Cage.Engine.Privileges;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>Takes from the init what it needs no more, all but the ending of processes, and closes it to those in the cage. Commands give up the rest
/// when they are started.</summary>
internal sealed record GiveUpPrivileges(CagePrivileges Privileges) : PortableStep
{
    public override string Action => $"give up privileges: {Confinements.Describe(Privileges)}";

    public override string Target => "init (keeps KILL) and commands";

    internal override PortableStep Ready(StepContext context)
    {
        Confinements.OfInit(Privileges);
        return this;
    }

    internal override void Do(StepContext context)
    {
        if (context.Users is not null) UserNamespace.ActAs(0);
        Confinements.OfInit(Privileges).ApplyHere();
    }

    internal override void Write(WireWriter wire) => wire
        .Texts(Privileges.CapabilityAdd).Texts(Privileges.CapabilityDrop)
        .Number((long)Privileges.SystemCalls).Texts(Privileges.SystemCallAllow).Texts(Privileges.SystemCallDeny);

    public static PortableStep Read(ref WireReader wire) => new GiveUpPrivileges(new CagePrivileges
    {
        CapabilityAdd = wire.Texts(),
        CapabilityDrop = wire.Texts(),
        SystemCalls = (SystemCallMode)wire.Number(),
        SystemCallAllow = wire.Texts(),
        SystemCallDeny = wire.Texts(),
    });
}
