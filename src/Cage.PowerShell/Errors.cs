using System.Management.Automation;
using System.Management.Automation.Remoting;
using Cage.Engine;
using Cage.Interop;

namespace Cage.PowerShell;

/// <summary>Every error record there is. Its id is the engine's word for what went wrong, and stays.</summary>
internal static class Errors
{
    /// <summary>The id of a failed system call that the engine has no word for.</summary>
    private const string SystemFailed = "CageSystemFailed";

    /// <summary>The record for what the engine throws; null for what is not its own, such as the stop of a pipeline.</summary>
    /// <param name="exception">What was thrown.</param>
    /// <param name="target">What it happened to; the exception may know better.</param>
    public static ErrorRecord? Of(Exception exception, object? target) => exception switch
    {
        CageException e => Record(e, e.Error.ToString(), Category(e.Error), target ?? e.TargetName, e.Advice ?? ErrorAdvice.Of(e.Error)),
        LinuxException e when Host.EffectiveUser != 0 && e.Number is Errno.EPERM or Errno.EACCES => Forbidden(e, target),
        UnauthorizedAccessException e when Host.EffectiveUser != 0 => Forbidden(e, target),
        LinuxException e => Record(e, SystemFailed, ErrorCategory.NotSpecified, target, ErrorAdvice.OfSystem),
        // What the transport of a session met has gone through PowerShell's remoting.
        PSRemotingTransportException { InnerException: CageException e } => Of(e, target),
        RemoteException or PSRemotingTransportException => ((IContainsErrorRecord)exception).ErrorRecord,
        IOException or UnauthorizedAccessException => Record(exception, nameof(CageError.CageStoreFailed), ErrorCategory.WriteError, target, ErrorAdvice.Of(CageError.CageStoreFailed)),
        _ => null,
    };

    /// <summary>The record for what ended a script block in a cage: its own terminating error, as it was inside, or why it could not run.</summary>
    public static ErrorRecord OfScript(Exception exception, object target) =>
        Of(exception, target) ?? (exception as IContainsErrorRecord)?.ErrorRecord ?? Record(exception, "CageScriptFailed", ErrorCategory.NotSpecified, target, "Run it in a session (New-CageSession) to see where it stops.");

    /// <summary>The status that a command would have had, had it come to that: as chroot(1) and env(1) have it.</summary>
    public static int ExitStatus(Exception exception) => (exception as CageException)?.Error switch
    {
        CageError.CageCommandNotFound or CageError.CagePowerShellMissing => 127,
        CageError.CageCommandFailed => 126,
        _ => 125,
    };

    /// <summary>A line that a command wrote to its standard error, as PowerShell makes a native command's: by these ids its views know it.</summary>
    public static ErrorRecord Line(string line, bool isFirst) =>
        new(new RemoteException(line), isFirst ? "NativeCommandError" : "NativeCommandErrorMessage", ErrorCategory.NotSpecified, isFirst ? line : null);

    private static ErrorRecord Forbidden(Exception exception, object? target) =>
        Record(exception, nameof(CageError.CageRequiresRoot), ErrorCategory.PermissionDenied, target, "Run pwsh as root, with sudo for instance.");

    /// <summary>The views show the recommendation after the message, so that is not to have it too.</summary>
    private static ErrorRecord Record(Exception exception, string id, ErrorCategory category, object? target, string advice)
    {
        string message = exception.Message;
        if (message.EndsWith(advice, StringComparison.Ordinal)) message = message[..^advice.Length].TrimEnd();
        return new ErrorRecord(exception, id, category, target) { ErrorDetails = new ErrorDetails(message) { RecommendedAction = advice } };
    }

    private static ErrorCategory Category(CageError error) => error switch
    {
        CageError.CageNotFound or CageError.CageCommandNotFound or CageError.CageSnapshotNotFound => ErrorCategory.ObjectNotFound,
        CageError.CageAlreadyExists => ErrorCategory.ResourceExists,
        CageError.CageNotRunning or CageError.CageAlreadyRunning => ErrorCategory.InvalidOperation,
        CageError.CageRequiresRoot => ErrorCategory.PermissionDenied,
        CageError.CageNetworkFailed or CageError.CageMountFailed or CageError.CageStartFailed or CageError.CageCommandFailed => ErrorCategory.OpenError,
        CageError.CageStopTimeout or CageError.CageWaitTimeout => ErrorCategory.OperationTimeout,
        CageError.CageBusy => ErrorCategory.ResourceBusy,
        CageError.CageConfInvalid or CageError.CageFileInvalid => ErrorCategory.InvalidData,
        CageError.CageKernelUnsupported or CageError.CageHostUnsupported or CageError.CagePowerShellMissing => ErrorCategory.NotInstalled,
        CageError.CageAmbiguous or CageError.CageArgumentInvalid => ErrorCategory.InvalidArgument,
        CageError.CageStoreFailed or CageError.CageSnapshotFailed or CageError.CageLimitFailed => ErrorCategory.WriteError,
        _ => ErrorCategory.NotSpecified,
    };
}
