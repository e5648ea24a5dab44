using Cage.Engine;

namespace Cage.Cli;

/// <summary>The statuses that <c>cage</c> ends with. Those of exec and run leave room for the command's own, as chroot(1) and env(1) do.</summary>
internal static class ExitStatus
{
    public const int Failed = 1, Usage = 2, CageFailed = 125, CannotRun = 126, NotFound = 127, Interrupted = 130;

    public static int For(CageException e, Command command) => !command.RunsCommand ? Failed : e.Error switch
    {
        CageError.CageCommandFailed => CannotRun,
        CageError.CageCommandNotFound => NotFound,
        _ => CageFailed,
    };
}
