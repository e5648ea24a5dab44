using Cage.Engine;

namespace Cage.PowerShell;

/// <summary>What to do next about each kind of error, where the engine knows nothing better: no error record is without it.</summary>
internal static class ErrorAdvice
{
    /// <summary>For a failed system call that the engine has no word for.</summary>
    public const string OfSystem = "The errno names the cause; -Verbose shows what was done before.";

    public static string Of(CageError error) => error switch
    {
        CageError.CageNotFound => "Get-Cage lists the cages there are.",
        CageError.CageAmbiguous => "Give the id of the one that is meant.",
        CageError.CageAlreadyExists => "Choose another id, or remove that one first.",
        CageError.CageNotRunning => "Start it first (Start-Cage).",
        CageError.CageAlreadyRunning => "Stop it first (Stop-Cage).",
        CageError.CageRequiresRoot => "Run pwsh as root, with sudo for instance.",
        CageError.CageMountFailed => "Get-CagePlan shows each mount of a start; dmesg may say what the kernel has against this one.",
        CageError.CageStartFailed => "Get-CagePlan shows each step of a start; Get-CageLog has what a script or service said.",
        CageError.CageStopTimeout => "Get-CageProcess shows what still runs; -Force kills at once.",
        CageError.CageWaitTimeout => "Get-Cage shows its state now; give it more time.",
        CageError.CageBusy => "End what uses it, and try again.",
        CageError.CageConfInvalid => "Mend the file at the place that is named.",
        CageError.CageArgumentInvalid => "Get-Help tells what each parameter takes.",
        CageError.CageNetworkFailed => "It is made by ip and nft (iproute2, nftables); Get-CagePlan shows the network's steps.",
        CageError.CageLimitFailed => "The host's control groups must have that controller: see /sys/fs/cgroup/cgroup.controllers.",
        CageError.CageKernelUnsupported => "A newer kernel has it; 5.15 is the least that Cage needs.",
        CageError.CageFileInvalid => "Install the package that it comes from again.",
        CageError.CageHostUnsupported => "Install or start on this host what is missing.",
        CageError.CageStoreFailed => "Get-CageConfiguration tells where the store is: it must be there, writable, and have space.",
        CageError.CageSnapshotFailed => "Get-CageConfiguration tells where snapshots are: the folder must be writable, and have space.",
        CageError.CageSnapshotNotFound => "Get-CageSnapshot lists the snapshots there are.",
        CageError.CageCommandFailed => "Enter-Cage leads to where it can be tried by hand.",
        CageError.CageCommandNotFound => "It must be in the cage, and executable: Add-CageCommand puts commands of the host in.",
        CageError.CagePowerShellMissing => "Install pwsh in the cage, or give the cage a base that has it.",
        _ => "",
    };
}
