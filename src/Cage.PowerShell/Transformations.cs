using System.Collections;
using System.Globalization;
using System.Management.Automation;
using Cage.Engine;
using Cage.Engine.State;
using Cage.Engine.Store;

namespace Cage.PowerShell;

/// <summary>Lets what tells of a cage by its id stand for it: a mount, a process, what was put in, and what was exported of any of these, or of a cage, and comes back as text.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class CageOfAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => Values.Unwrap(inputData) switch
    {
        CageInfo => inputData,
        IList list => list.Cast<object?>().Select(item => Transform(engineIntrinsics, item)).ToArray(),
        // Whoever looks it up says whether it is there.
        _ => Values.CageId(inputData) is Guid id ? CageInfo.Of(new StoreSettings(), new CageRecord { Path = "", Id = id, Kind = CageKind.ReadOnly, Name = id.ToString("D") }) : inputData,
    };
}

/// <summary>Lets a cage, or a snapshot that one stands for, as an object, stand for its id where a name or id is wanted.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class CageReferenceAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => Values.Unwrap(inputData) switch
    {
        IList list => list.Cast<object?>().Select(item => Transform(engineIntrinsics, item)).ToArray(),
        _ => Values.CageId(inputData)?.ToString("D") ?? inputData,
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

    /// <summary>The id of the cage that an object tells of: its own, or the one that it belongs to. Null for all else, a text among it.</summary>
    public static Guid? CageId(object? value)
    {
        if (value is null || Unwrap(value) is string) return null;
        PSMemberInfoCollection<PSPropertyInfo> properties = PSObject.AsPSObject(value).Properties;
        foreach (string name in (string[])["CageId", "Id"])
            if (properties[name]?.Value is object found && LanguagePrimitives.TryConvertTo(found, out Guid id)) return id;
        return null;
    }

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
