using System.Management.Automation;
using Cage.Engine.Plans;
using Cage.Engine.State;

namespace Cage.PowerShell;

/// <summary>A cmdlet that stops cages in a way that can be chosen.</summary>
public abstract class CageStopCmdlet : CageTargetCmdlet
{
    private bool _yesToAll, _noToAll;

    private protected CageStopCmdlet()
    {
    }

    /// <summary>How many seconds the stop script may take, and then what runs after TERM, before it is killed.</summary>
    [Parameter]
    [ValidateRange(0d, 86400d)]
    public double TimeoutSeconds { get; set; } = 10;

    /// <summary>Kills at once, without the stop script, and detaches lazily what stays busy; asks before, where something runs.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Writes the cages as they are then.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected StopOptions Options => new() { Patience = TimeSpan.FromSeconds(TimeoutSeconds), Force = Force };

    /// <summary>What -WhatIf shows of one.</summary>
    private protected virtual void Show(CageInfo cage) => ShowStop(cage, Options);

    /// <summary>Does it to one that was agreed on. Returns it as it is then.</summary>
    private protected abstract CageInfo Do(CageInfo cage);

    private protected sealed override void Act(CageInfo cage)
    {
        if (IsWhatIf)
        {
            Show(cage);
            return;
        }
        if (!IsAgreedTo(cage)) return;
        CageInfo done = Do(cage);
        if (PassThru) WriteObject(done);
    }

    /// <summary>By force it is of High impact, and a cmdlet has one ConfirmImpact: what a lower preference has asked already is not asked again.</summary>
    private bool IsAgreedTo(CageInfo cage)
    {
        if (!ShouldProcess(Describe(cage))) return false;
        if (!Force || cage.State == CageState.Stopped || IsGiven("Confirm")) return true;
        return LanguagePrimitives.ConvertTo<ConfirmImpact>(GetVariableValue("ConfirmPreference")) != ConfirmImpact.High ||
            ShouldContinue($"Kill all that runs in {Describe(cage)} at once, without its stop script?", MyInvocation.MyCommand.Name, ref _yesToAll, ref _noToAll);
    }

    private protected void StopOne(CageInfo cage)
    {
        bool did = Work($"Stopping {cage.Name}", work => Engine.Stop(cage.Record, Options, work.Warn, work.Show, work.Stop));
        WriteVerbose(did ? $"\"{cage.Name}\" is stopped." : $"\"{cage.Name}\" was stopped already.");
    }
}
