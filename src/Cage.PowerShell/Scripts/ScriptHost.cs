using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Security;

namespace Cage.PowerShell.Scripts;

/// <summary>
/// The host that a script block sees in a cage. It keeps the status of <c>exit</c>, which must not end the caller's pwsh. It shows and asks
/// nothing: what is written comes by the streams, and a cage must not put questions to whoever sits at the host.
/// </summary>
internal sealed class ScriptHost : PSHost
{
    /// <summary>The status that the script ended with by <c>exit</c>; null when it did not.</summary>
    public int? ExitCode { get; private set; }

    public override CultureInfo CurrentCulture => CultureInfo.CurrentCulture;

    public override CultureInfo CurrentUICulture => CultureInfo.CurrentUICulture;

    public override Guid InstanceId { get; } = Guid.NewGuid();

    public override string Name => "Cage";

    public override PSHostUserInterface UI { get; } = new Mute();

    public override Version Version { get; } = typeof(ScriptHost).Assembly.GetName().Version!;

    public override void SetShouldExit(int exitCode) => ExitCode = exitCode;

    public override void EnterNestedPrompt() => throw Mute.Refusal();

    public override void ExitNestedPrompt()
    {
    }

    public override void NotifyBeginApplication()
    {
    }

    public override void NotifyEndApplication()
    {
    }

    private sealed class Mute : PSHostUserInterface
    {
        public override PSHostRawUserInterface RawUI => null!;

        public static HostException Refusal() => new("A script block in a cage cannot ask. Hand it what it needs by -ArgumentList or $using:, or enter a session: New-CageSession.");

        public override Dictionary<string, PSObject> Prompt(string caption, string message, System.Collections.ObjectModel.Collection<FieldDescription> descriptions) => throw Refusal();

        public override int PromptForChoice(string caption, string message, System.Collections.ObjectModel.Collection<ChoiceDescription> choices, int defaultChoice) => throw Refusal();

        public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName) => throw Refusal();

        public override PSCredential PromptForCredential(
            string caption, string message, string userName, string targetName, PSCredentialTypes allowedCredentialTypes, PSCredentialUIOptions options) => throw Refusal();

        public override string ReadLine() => throw Refusal();

        public override SecureString ReadLineAsSecureString() => throw Refusal();

        public override void Write(string value)
        {
        }

        public override void Write(ConsoleColor foregroundColor, ConsoleColor backgroundColor, string value)
        {
        }

        public override void WriteDebugLine(string message)
        {
        }

        public override void WriteErrorLine(string value)
        {
        }

        public override void WriteLine(string value)
        {
        }

        public override void WriteProgress(long sourceId, ProgressRecord record)
        {
        }

        public override void WriteVerboseLine(string message)
        {
        }

        public override void WriteWarningLine(string message)
        {
        }
    }
}
