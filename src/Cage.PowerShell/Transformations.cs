using System.Collections;
using System.Globalization;
using System.Management.Automation;
using Cage.Engine;
using Cage.Engine.Snapshots;
using Cage.Engine.Exposure;
using Cage.Engine.Roots;
using Cage.Engine.Services;
using Cage.Engine.State;
using Cage.Engine.Store;

namespace Cage.PowerShell;

/// <summary>Lets what belongs to a cage (a mount, a process, what was put in) stand for the cage.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class CageOfAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => Values.Unwrap(inputData) switch
    {
        CageMount mount => Find(mount.CageId, mount.Cage),
        CageExposure exposure => Find(exposure.CageId, exposure.Cage),
        CageUsage usage => Find(usage.CageId, usage.Cage),
        CageProcess process => Find(process.CageId, process.Cage),
        CageContent content => Find(content.CageId, content.Cage),
        CageFinding finding => Find(finding.CageId, finding.Cage),
        CageShim shim => Find(shim.CageId, shim.Cage),
        CageTrace trace => Find(trace.CageId, trace.Cage),
        CageService service => Find(service.CageId, service.Cage),
        _ => inputData,
    };

    private static CageInfo Find(Guid id, string name)
    {
        try
        {
            CageStore store = new(StoreSettings.Load());
            if (store.Get(id) is CageRecord record) return CageInfo.Of(store.Settings, record);
        }
        catch (CageException e)
        {
            throw new ArgumentTransformationMetadataException(e.Message, e);
        }
        throw new ArgumentTransformationMetadataException($"There is no cage \"{name}\" ({id}) any more.");
    }
}

/// <summary>Lets a cage, or a snapshot that one stands for, as an object, stand for its id where a name or id is wanted.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class CageReferenceAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => Values.Unwrap(inputData) switch
    {
        CageInfo cage => cage.Id.ToString("D"),
        CageSnapshot { CageId: Guid id } => id.ToString("D"),
        object?[] list => Array.ConvertAll(list, item => Transform(engineIntrinsics, item)),
        _ => inputData,
    };
}

/// <summary>Lets bytes be written as <c>"512M"</c>, as cage.conf has them, besides PowerShell's own 512MB.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ByteSizeAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        Values.Unwrap(inputData) is string text && text.Length > 0 && char.IsLetter(text[^1])
            ? Quantity.Bytes(text) ?? throw new ArgumentTransformationMetadataException($"\"{text}\" is not a number of bytes, such as 512MB.")
            : inputData;
}

/// <summary>What PowerShell's values are to the engine.</summary>
internal static class Values
{
    /// <summary>The value itself, without PowerShell's wrapper.</summary>
    public static object? Unwrap(object? value) => value is PSObject wrapped ? wrapped.BaseObject : value;

    /// <summary>A hashtable as NAME=value each.</summary>
    public static string[] Variables(IDictionary? table)
    {
        if (table is null) return [];
        List<string> variables = [];
        foreach (DictionaryEntry entry in table)
        {
            string name = Text(entry.Key);
            if (name.Contains('='))
                throw new CageException(CageError.CageArgumentInvalid, $"\"{name}\" cannot be a variable's name: it has '='.", "Write @{ NAME = 'value' }.", name);
            variables.Add($"{name}={Text(entry.Value)}");
        }
        return [.. variables];
    }

    /// <summary>The words of a command: lists among them are part of it, what is null is not, as for any native command.</summary>
    public static IEnumerable<string> Words(IEnumerable<object?> values)
    {
        foreach (object? value in values)
        {
            if (Unwrap(value) is IEnumerable list and not string)
            {
                foreach (string word in Words(list.Cast<object?>())) yield return word;
            }
            else if (value is not null)
            {
                yield return Text(value);
            }
        }
    }

    /// <summary>The text of a value; a number's is as it was typed.</summary>
    public static string Text(object? value) =>
        value is null ? "" : (string)LanguagePrimitives.ConvertTo(value, typeof(string), CultureInfo.InvariantCulture);
}
