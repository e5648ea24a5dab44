using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using Cage.Engine;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.PowerShell;

/// <summary>Completes the name of a capability, without CAP_ as a cage.conf has it.</summary>
public sealed class CapabilityCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Capabilities.Bits(Capabilities.All).Select(capability => Capabilities.Name(capability)["CAP_".Length..]).Append("ALL")
            .Where(name => name.StartsWith(wordToComplete, StringComparison.OrdinalIgnoreCase)).Select(name => new CompletionResult(name));
}

/// <summary>Completes what needs no numbers of a user namespace.</summary>
public sealed class UserNamespaceCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        IdRange.Choices.Where(name => name.StartsWith(wordToComplete, StringComparison.OrdinalIgnoreCase)).Select(name => new CompletionResult(name));
}

/// <summary>Completes a view of /dev, or the name of a device of the host.</summary>
public sealed class DeviceCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Words.Devices.Concat(Nodes()).Where(name => name.StartsWith(wordToComplete, StringComparison.OrdinalIgnoreCase)).Select(name => new CompletionResult(name));

    private static IEnumerable<string> Nodes() =>
        from path in Directory.EnumerateFileSystemEntries("/dev").Order(StringComparer.Ordinal)
        where Files.StatusFollowed(path) is { IsBlockDevice: true } or { IsCharacterDevice: true }
        select Path.GetFileName(path);
}
