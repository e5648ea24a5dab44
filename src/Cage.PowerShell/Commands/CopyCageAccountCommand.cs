using System.Management.Automation;
using Cage.Engine;
using Cage.Engine.Roots;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Copy-CageAccount: puts accounts of the host's into cages: passwd and group, without passwords, with shells that are in there. [003]</summary>
[Cmdlet(VerbsCommon.Copy, "CageAccount", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(CageAccount))]
public sealed class CopyCageAccountCommand : CageTargetCmdlet
{
    /// <summary>Names of users.</summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    public string[] User { get; set; } = [];

    /// <summary>All users from this number on.</summary>
    [Parameter]
    public uint MinimumUid { get; set; }

    /// <summary>And up to this one.</summary>
    [Parameter]
    public uint MaximumUid { get; set; } = uint.MaxValue;

    private protected override void Act(CageInfo cage)
    {
        AccountQuery query = new() { Names = User, MinimumUid = IsGiven(nameof(MinimumUid)) || IsGiven(nameof(MaximumUid)) ? MinimumUid : null, MaximumUid = MaximumUid };
        if (query.Names.Count == 0 && query.MinimumUid is null)
            throw new CageException(CageError.CageArgumentInvalid, "No account is named.", "-User or -MinimumUid says which.", cage.Name);
        if (!ShouldProcess(Describe(cage))) return;
        IReadOnlyList<CageAccount> accounts = Work($"Copying accounts to {cage.Name}", work => Engine.CopyAccounts(cage.Record, query, work.Warn, work.Stop));
        WriteVerbose($"\"{cage.Name}\" has {accounts.Count} of the host's accounts now.");
        WriteObject(accounts, enumerateCollection: true);
        foreach (string name in User.Except(accounts.Select(account => account.Name)))
            Try(name, () => throw new CageException(CageError.CageArgumentInvalid, $"The host has no user \"{name}\".", "getent passwd lists them.", name));
    }
}
