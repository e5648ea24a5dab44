using System.Diagnostics.CodeAnalysis;
using Cage.Engine.Privileges;
using Cage.Interop;

namespace Cage.Engine;

/// <summary>What went wrong, in a word that stays: the error ids of the cmdlets and the text behind <c>cage:</c> are made from it.</summary>
public enum CageError
{
    /// <summary>No cage has that name, id or id prefix.</summary>
    CageNotFound,

    /// <summary>Several cages fit.</summary>
    CageAmbiguous,

    /// <summary>A cage of that id is there already.</summary>
    CageAlreadyExists,

    /// <summary>It has to run for this.</summary>
    CageNotRunning,

    /// <summary>It runs already.</summary>
    CageAlreadyRunning,

    /// <summary>Only root may do this.</summary>
    CageRequiresRoot,

    /// <summary>A mount failed.</summary>
    CageMountFailed,

    /// <summary>A start failed for another reason than a mount.</summary>
    CageStartFailed,

    /// <summary>A stop did not come to its end in time.</summary>
    CageStopTimeout,

    /// <summary>What was waited for did not come in time.</summary>
    CageWaitTimeout,

    /// <summary>Something or somebody uses it.</summary>
    CageBusy,

    /// <summary>A configuration file cannot be understood.</summary>
    CageConfInvalid,

    /// <summary>An argument cannot be used.</summary>
    CageArgumentInvalid,

    /// <summary>A cage's network could not be made.</summary>
    CageNetworkFailed,

    /// <summary>A limit could not be set.</summary>
    CageLimitFailed,

    /// <summary>The kernel lacks what is needed.</summary>
    CageKernelUnsupported,

    /// <summary>A program, library or cache is not what it should be.</summary>
    CageFileInvalid,

    /// <summary>The host lacks what is needed, such as systemd.</summary>
    CageHostUnsupported,

    /// <summary>The store cannot be read or written.</summary>
    CageStoreFailed,

    /// <summary>A snapshot could not be made or removed.</summary>
    CageSnapshotFailed,

    /// <summary>No snapshot has that name.</summary>
    CageSnapshotNotFound,

    /// <summary>A command could not be started in the cage.</summary>
    CageCommandFailed,

    /// <summary>A command is not there.</summary>
    CageCommandNotFound,

    /// <summary>There is no PowerShell in the cage.</summary>
    CagePowerShellMissing,
}

/// <summary>A failure that the user is to understand: what failed, the errno's name where there is one, and what to do next.</summary>
[SuppressMessage("Design", "CA1032:Implement standard exception constructors", Justification = "One without an error word would say nothing.")]
public sealed class CageException : Exception
{
    /// <summary>Makes one. The message is a sentence; the advice, if any, a second one.</summary>
    /// <param name="error">The kind.</param>
    /// <param name="message">What failed, with the errno's name.</param>
    /// <param name="advice">What to do next; null where there is nothing to say.</param>
    /// <param name="target">The cage, file or value it is about.</param>
    /// <param name="inner">The cause.</param>
    public CageException(CageError error, string message, string? advice = null, string? target = null, Exception? inner = null)
        : base(advice is null ? message : $"{message} {advice}", inner)
    {
        Error = error;
        Advice = advice;
        TargetName = target;
    }

    /// <summary>The kind.</summary>
    public CageError Error { get; }

    /// <summary>What to do next, or null.</summary>
    public string? Advice { get; }

    /// <summary>What it is about, or null.</summary>
    public string? TargetName { get; }

    /// <summary>A failed system call on the store, with the advice that its errno calls for.</summary>
    internal static CageException Store(string action, string path, LinuxException cause) => new(
        cause.Number is Errno.EPERM or Errno.EACCES && Host.EffectiveUser != 0 ? CageError.CageRequiresRoot : CageError.CageStoreFailed,
        $"{action} {path}: {cause.Message}.",
        cause.Number switch
        {
            Errno.ENOSPC => "Free space on that file system, or name another folder with data= in cage.conf.",
            Errno.EROFS => "That file system is read-only: remount it writable, or name another folder with data= in cage.conf.",
            Errno.EPERM or Errno.EACCES => RootRights.Advice(),
            _ => null,
        },
        path,
        cause);
}
