using System.Management.Automation;
using System.Text;
using Cage.Engine;
using Cage.Engine.Runtime;
using Cage.Engine.State;

namespace Cage.PowerShell;

/// <summary>A command in a cage joined to a cmdlet's pipeline: objects in, lines and error records out.</summary>
internal sealed class RunningCommand : IRunning
{
    private readonly CommandPump _pump;
    private readonly NativeErrors _errors;
    private readonly LineSplitter _outputLines, _errorLines;

    public RunningCommand(PSCmdlet cmdlet, CageEngine engine, CageInfo cage, CageCommand command, bool takesInput, CancellationToken cancellation)
    {
        _errors = new NativeErrors(cmdlet.SessionState);
        _outputLines = new LineSplitter(cmdlet.WriteObject);
        _errorLines = new LineSplitter(_errors.Write);
        _pump = new CommandPump(engine, cage, command, takesInput, _outputLines.Append, _errorLines.Append, cancellation);
        cmdlet.WriteVerbose($"Running {string.Join(' ', command.Arguments)} in \"{cage.Name}\" ({cage.Id}) as {command.User ?? "root"}.");
    }

    /// <summary>Gives it an object as input: bytes as they are, all else as a line of text.</summary>
    public void Feed(object? item)
    {
        switch (Values.Unwrap(item))
        {
            case byte[] bytes:
                _pump.Write(bytes);
                break;
            case byte one:
                _pump.Write([one]);
                break;
            case object value:
                _pump.Write(Encoding.UTF8.GetBytes($"{Values.Text(value)}\n"));
                break;
        }
    }

    /// <summary>Waits for its end. Returns its exit status.</summary>
    public int Finish()
    {
        int status = _pump.Finish();
        _outputLines.Finish();
        _errorLines.Finish();
        return status;
    }

    public void Dispose()
    {
        _pump.Dispose();
        _errors.Dispose();
    }
}
