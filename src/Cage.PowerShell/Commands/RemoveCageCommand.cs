using System.Management.Automation;
using Cage.Engine;
using Cage.Engine.Plans;
using Cage.Engine.State;
using Cage.Engine.Store;

namespace Cage.PowerShell.Commands;

/// <summary>Remove-Cage: removes cages with all their files, and asks before: one that is read-only last, once those over it are gone. No mount is crossed. -WhatIf shows what would be done.</summary>
[Cmdlet(VerbsCommon.Remove, "Cage", DefaultParameterSetName = NameSet, SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(void))]
public sealed class RemoveCageCommand : CageTargetCmdlet
{
    private readonly List<CageInfo> _waiting = [];
    private readonly List<Guid> _shown = [];

    /// <summary>Does not ask, and stops by force what runs.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        foreach (CageRecord record in CageEngine.RemovalOrder([.. _waiting.Select(cage => cage.Record)]))
        {
            if (Stopping) throw new PipelineStoppedException();
            CageInfo cage = _waiting.First(cage => cage.Id == record.Id);
            Try(cage, () => Do(cage));
        }
    }

    private protected override void Act(CageInfo cage)
    {
        // Whoever says -Force is not asked, unless by -Confirm.
        if (!IsWhatIf && (!Force || IsGiven("Confirm")) && !ShouldProcess(Describe(cage))) return;
        // The cages over it may come later in the pipeline.
        if (cage.Kind == CageKind.ReadOnly) _waiting.Add(cage);
        else Do(cage);
    }

    private void Do(CageInfo cage)
    {
        if (IsWhatIf) Show(cage);
        else Remove(cage);
    }

    private void Show(CageInfo cage)
    {
        Engine.RefuseRemoval(cage.Record, Force, _shown);
        ShowStop(cage, new StopOptions { Force = Force });
        ShouldProcess($"{cage.Name}: {cage.Path}", "remove with all files");
        foreach (string path in Engine.LeadingTo(cage.Record)) ShouldProcess($"{cage.Name}: {path}", "remove");
        _shown.Add(cage.Id);
    }

    private void Remove(CageInfo cage)
    {
        Work($"Removing {cage.Name}", work => Engine.Remove(cage.Record, Force, work.Warn, work.Show, work.Stop));
        WriteVerbose($"\"{cage.Name}\" is removed: {cage.Path}.");
    }
}
