using System.Reflection;
using Cage.PowerShell;

namespace Cage.Packager;

/// <summary>A parameter in one of its parameter sets.</summary>
/// <param name="Set">The set's name; null for all of them.</param>
/// <param name="Mandatory">Whether it must be given.</param>
/// <param name="Position">Its place; null for one that only its name gives.</param>
/// <param name="FromPipeline">Whether an object of the pipeline is its value.</param>
/// <param name="FromProperty">Whether a property of that object is.</param>
/// <param name="TakesRest">Whether it takes all that is left.</param>
public sealed record ParameterUse(string? Set, bool Mandatory, int? Position, bool FromPipeline, bool FromProperty, bool TakesRest);

/// <summary>A parameter as its property declares it.</summary>
public sealed record ParameterModel(PropertyInfo Property, IReadOnlyList<ParameterUse> Uses, IReadOnlyList<string> Aliases, bool TakesWildcards, Type? Completer)
{
    /// <summary>Its name.</summary>
    public string Name => Property.Name;

    /// <summary>Its type, without Nullable.</summary>
    public Type Type => Nullable.GetUnderlyingType(Property.PropertyType) ?? Property.PropertyType;

    /// <summary>Whether it is given without a value.</summary>
    public bool IsSwitch => Type.Name == "SwitchParameter";

    /// <summary>Its use in a set; null when it is not in that.</summary>
    public ParameterUse? In(string? set) => Uses.FirstOrDefault(use => use.Set is null || use.Set == set);

    /// <summary>Its type's name as help shows it.</summary>
    public string TypeName => Short(Type);

    private static string Short(Type type) => type.IsArray ? $"{Short(type.GetElementType()!)}[]" : type.Name;
}

/// <summary>A cmdlet as its class declares it: attributes are read, nothing is run, since pwsh itself is not here.</summary>
public sealed class CmdletModel
{
    private readonly CustomAttributeData _cmdlet;

    private CmdletModel(Type type, CustomAttributeData cmdlet)
    {
        _cmdlet = cmdlet;
        Class = type;
        Verb = (string)cmdlet.ConstructorArguments[0].Value!;
        Noun = (string)cmdlet.ConstructorArguments[1].Value!;
        Parameters = [.. type.GetProperties().Select(Understand).OfType<ParameterModel>()];
        OutputTypes = [.. Of(type, "OutputTypeAttribute").SelectMany(data => data.ConstructorArguments).SelectMany(Values).Select(value => value is Type known ? known.FullName! : (string)value!)];
    }

    /// <summary>Its class.</summary>
    public Type Class { get; }

    /// <summary>The verb.</summary>
    public string Verb { get; }

    /// <summary>The noun.</summary>
    public string Noun { get; }

    /// <summary>Verb and noun.</summary>
    public string Name => $"{Verb}-{Noun}";

    /// <summary>Whether it has -WhatIf and -Confirm.</summary>
    public bool SupportsShouldProcess => Named("SupportsShouldProcess") is true;

    /// <summary>How grave what it does is: 0 None, 1 Low, 2 Medium (also where nothing is said), 3 High.</summary>
    public int ConfirmImpact => Named("ConfirmImpact") as int? ?? 2;

    /// <summary>Its parameters, without the common ones.</summary>
    public IReadOnlyList<ParameterModel> Parameters { get; }

    /// <summary>What it says that it writes.</summary>
    public IReadOnlyList<string> OutputTypes { get; }

    /// <summary>The names of its parameter sets, the default one first; a single null where there are none.</summary>
    public IReadOnlyList<string?> Sets
    {
        get
        {
            string?[] named = [.. Parameters.SelectMany(parameter => parameter.Uses).Select(use => use.Set).Where(set => set is not null).Distinct()];
            string? first = Named("DefaultParameterSetName") as string;
            return named.Length == 0 ? [null] : [.. named.OrderBy(set => set == first ? 0 : 1)];
        }
    }

    /// <summary>All cmdlets of the module, by name.</summary>
    public static IReadOnlyList<CmdletModel> All { get; } = [.. Find().OrderBy(model => model.Name, StringComparer.Ordinal)];

    /// <summary>The parameters of a set as they are typed: those by position, those that must be, the others.</summary>
    public IEnumerable<(ParameterModel Parameter, ParameterUse Use)> Syntax(string? set) =>
        Parameters.Select(parameter => (Parameter: parameter, Use: parameter.In(set)!)).Where(entry => entry.Use is not null)
            .OrderBy(entry => entry.Use.Position ?? (entry.Use.Mandatory ? 100 : 200));

    private static IEnumerable<CmdletModel> Find()
    {
        foreach (Type type in typeof(CageCmdlet).Assembly.GetExportedTypes())
            if (Of(type, "CmdletAttribute").FirstOrDefault() is CustomAttributeData cmdlet) yield return new CmdletModel(type, cmdlet);
    }

    private static ParameterModel? Understand(PropertyInfo property)
    {
        ParameterUse[] uses = [.. Of(property, "ParameterAttribute").Select(data => new ParameterUse(
            Named(data, "ParameterSetName") as string, Named(data, "Mandatory") is true, Named(data, "Position") as int?,
            Named(data, "ValueFromPipeline") is true, Named(data, "ValueFromPipelineByPropertyName") is true, Named(data, "ValueFromRemainingArguments") is true))];
        if (uses.Length == 0) return null;
        string[] aliases = [.. Of(property, "AliasAttribute").SelectMany(data => data.ConstructorArguments).SelectMany(Values).Cast<string>()];
        Type? completer = Of(property, "ArgumentCompleterAttribute").SelectMany(data => data.ConstructorArguments).Select(argument => argument.Value).OfType<Type>().FirstOrDefault();
        return new ParameterModel(property, uses, aliases, Of(property, "SupportsWildcardsAttribute").Any(), completer);
    }

    private static IEnumerable<CustomAttributeData> Of(MemberInfo member, string attribute) => member.GetCustomAttributesData().Where(data => data.AttributeType.Name == attribute);

    private static IEnumerable<object?> Values(CustomAttributeTypedArgument argument) =>
        argument.Value is IEnumerable<CustomAttributeTypedArgument> list ? list.Select(item => item.Value) : [argument.Value];

    private object? Named(string name) => Named(_cmdlet, name);

    private static object? Named(CustomAttributeData data, string name)
    {
        foreach (CustomAttributeNamedArgument argument in data.NamedArguments)
            if (argument.MemberName == name) return argument.TypedValue.Value;
        return null;
    }
}
