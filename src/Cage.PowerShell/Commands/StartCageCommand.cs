using System.Diagnostics;
using System.Management.Automation;
using Cage.Engine;
using Cage.Engine.Plans;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Start-Cage: starts cages, each wholly or not at all. -WhatIf shows the plan.</summary>
[Cmdlet(VerbsLifecycle.Start, "Cage", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(CageInfo))]
public sealed class StartCageCommand : CageTargetCmdlet
{
    /// <summary>Starts them so that nothing can be written in them this time.</summary>
    [Parameter]
    public SwitchParameter ReadOnly { get; set; }

    /// <summary>Writes the started cages.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override void Act(CageInfo cage)
    {
        StartOptions options = new() { ReadOnly = ReadOnly };
        if (IsWhatIf)
        {
            if (cage.State != CageState.Stopped) throw new CageException(CageError.CageAlreadyRunning, $"\"{cage.Name}\" runs already.", target: cage.Name);
            ShowPlan(Engine.PlanStart(cage.Record, options));
            return;
        }
        if (!ShouldProcess(Describe(cage))) return;
        long start = Stopwatch.GetTimestamp();
        CageInfo started = Work($"Starting {cage.Name}", work => Engine.Start(cage.Record, options, work.Warn, work.Show, work.Stop));
        WriteVerbose($"\"{started.Name}\" runs, its files at {started.RootPath}: started in {Stopwatch.GetElapsedTime(start).TotalMilliseconds:0.0} ms.");
        if (PassThru) WriteObject(started);
    }
}
