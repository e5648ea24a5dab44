using System.Reflection;
using Cage.Engine;
using Cage.Packager;
using Cage.PowerShell;

namespace Cage.Module.Tests;

/// <summary>The manners of PowerShell, of every cmdlet that there is or will be: whoever adds one that has others hears of it here.</summary>
public sealed class MannersTests
{
    private const int High = 3;

    /// <summary>Approved verbs that Cage has a use for (Get-Verb).</summary>
    private static readonly HashSet<string> _verbs =
    [
        "Add", "Backup", "Checkpoint", "Clear", "Compare", "Convert", "ConvertFrom", "ConvertTo", "Copy", "Disable", "Dismount", "Enable", "Enter", "Exit", "Expand", "Export",
        "Find", "Format", "Get", "Import", "Initialize", "Install", "Invoke", "Measure", "Merge", "Mount", "Move", "New", "Optimize", "Protect", "Publish", "Read", "Receive",
        "Register", "Remove", "Rename", "Repair", "Reset", "Resize", "Resolve", "Restart", "Restore", "Resume", "Save", "Select", "Send", "Set", "Show", "Split", "Start",
        "Stop", "Suspend", "Sync", "Test", "Trace", "Unprotect", "Unpublish", "Unregister", "Update", "Use", "Wait", "Watch", "Write",
    ];

    /// <summary>Verbs of cmdlets that only ask, or only open a way in: they change nothing themselves.</summary>
    private static readonly HashSet<string> _asking = ["Compare", "Enter", "Find", "Get", "Invoke", "Measure", "Receive", "Resolve", "Select", "Show", "Test", "Wait", "Watch"];

    /// <summary>Verbs of cmdlets that write what they have made.</summary>
    private static readonly HashSet<string> _making = ["Backup", "Checkpoint", "Convert", "Copy", "Export", "Import", "New", "Publish", "Repair", "Save", "Trace"];

    public static TheoryData<string> Cmdlets => Repository.Cmdlets;

    public static TheoryData<CageError> ErrorKinds => [.. Enum.GetValues<CageError>()];

    [Fact]
    public void TheManifestExportsThemAllByNameAndNothingElse()
    {
        Assert.Equal(CmdletModel.All.Select(model => model.Name), (IEnumerable<string>)Repository.Manifest["CmdletsToExport"]);
        foreach (string other in (string[])["FunctionsToExport", "AliasesToExport", "VariablesToExport"]) Assert.Empty((IEnumerable<string>)Repository.Manifest[other]);
    }

    [Theory]
    [MemberData(nameof(Cmdlets))]
    public void TheVerbIsApprovedAndTheNounSingular(string name)
    {
        CmdletModel model = Repository.Cmdlet(name);
        Assert.Contains(model.Verb, _verbs);
        Assert.StartsWith("Cage", model.Noun);
        Assert.DoesNotMatch("[^s]s$", model.Noun);
        Assert.Equal($"{model.Verb}{model.Noun}Command", model.Class.Name);
        Assert.True(model.Class.IsSealed, $"{model.Class.Name} is not sealed");
        Assert.NotEmpty(model.OutputTypes);
    }

    [Theory]
    [MemberData(nameof(Cmdlets))]
    public void WhatChangesSomethingAsks(string name)
    {
        CmdletModel model = Repository.Cmdlet(name);
        Assert.True(model.SupportsShouldProcess != _asking.Contains(model.Verb), $"{name} has {(model.SupportsShouldProcess ? "" : "no ")}-WhatIf");
        // What is taken out of a root, or away from the host, can be put there again; these cannot be had again.
        if (model is { Verb: "Remove" or "Restore", Noun: "Cage" or "CageSnapshot" }) Assert.Equal(High, model.ConfirmImpact);
        if (model.ConfirmImpact == High) Assert.Contains(model.Parameters, parameter => parameter.Name == "Force" && parameter.IsSwitch);
    }

    [Theory]
    [MemberData(nameof(Cmdlets))]
    public void WhatChangesInSilenceHasPassThru(string name)
    {
        CmdletModel model = Repository.Cmdlet(name);
        if (_asking.Contains(model.Verb) || _making.Contains(model.Verb) || model.Verb is "Remove" or "Unregister") return;
        Assert.Contains(model.Parameters, parameter => parameter.Name == "PassThru" && parameter.IsSwitch);
    }

    /// <summary>But for Invoke-Cage, which takes its cage as the first word, for want of a place (see there).</summary>
    [Theory]
    [MemberData(nameof(Cmdlets))]
    public void ACageIsNamedInTheSameWayEverywhere(string name)
    {
        CmdletModel model = Repository.Cmdlet(name);
        ParameterModel? cage = model.Parameters.FirstOrDefault(parameter => parameter.Name == "Name"), id = model.Parameters.FirstOrDefault(parameter => parameter.Name == "Id");
        if (!model.Class.IsSubclassOf(typeof(CageTargetCmdlet))) return;
        ParameterUse use = Assert.Single(cage!.Uses);
        Assert.Equal(("Name", 0, true, true), (use.Set, use.Position, use.FromPipeline, use.FromProperty));
        Assert.True(cage.TakesWildcards);
        Assert.NotNull(cage.Completer);
        ParameterModel literal = model.Parameters.Single(parameter => parameter.Name == "LiteralName");
        Assert.Equal(("LiteralName", true), (literal.Uses.Single().Set, literal.Uses.Single().Mandatory));
        Assert.False(literal.TakesWildcards);
        Assert.NotNull(literal.Completer);
        Assert.Equal(typeof(Guid[]), id?.Type);
        Assert.NotNull(id!.Completer);
        Assert.Equal(("Id", true, false, true), (id.Uses.Single().Set, id.Uses.Single().Mandatory, id.Uses.Single().FromPipeline, id.Uses.Single().FromProperty));
        ParameterUse input = model.Parameters.Single(parameter => parameter.Name == "InputObject").Uses.Single();
        Assert.Equal(("InputObject", true, 0, true), (input.Set, input.Mandatory, input.Position, input.FromPipeline));
    }

    /// <summary>Whatever is looked up by -Name, cage or not, is named first, with wildcards, completed, and comes from the pipeline.</summary>
    [Theory]
    [MemberData(nameof(Cmdlets))]
    public void WhatIsLookedUpByNameHasWildcards(string name)
    {
        ParameterModel? parameter = Repository.Cmdlet(name).Parameters.FirstOrDefault(candidate => candidate.Name == "Name");
        if (parameter?.Type != typeof(string[]) || name == "Invoke-Cage") return;
        Assert.True(parameter.TakesWildcards);
        Assert.NotNull(parameter.Completer);
        Assert.All(parameter.Uses, use => Assert.Equal((0, true, true), (use.Position, use.FromPipeline, use.FromProperty)));
    }

    /// <summary>What stands for something that there is can be completed. Enumerations PowerShell completes by itself; CageAccount's users are the host's.</summary>
    [Theory]
    [MemberData(nameof(Cmdlets))]
    public void WhatIsChosenFromWhatThereIsIsCompleted(string name)
    {
        HashSet<string> chosen = ["Name", "LiteralName", "Id", "Base", "Pack", "CapabilityAdd", "CapabilityDrop", "Device", "ServiceName", "User"];
        foreach (ParameterModel parameter in Repository.Cmdlet(name).Parameters.Where(parameter => chosen.Contains(parameter.Name)))
        {
            bool isNew = (name is "New-Cage" && parameter.Name is "Name" or "Id") || (name == "Start-CageProcess" && parameter.Name == "ServiceName") || name == "Copy-CageAccount";
            Assert.True(isNew || parameter.Completer is not null || parameter.Type.IsEnum, $"{name} -{parameter.Name} is not completed");
        }
        foreach (ParameterModel parameter in Repository.Cmdlet(name).Parameters.Where(parameter => parameter.Name is "Isolation" or "State" or "Kind" or "Network"))
            Assert.True((Nullable.GetUnderlyingType(parameter.Type) ?? parameter.Type.GetElementType() ?? parameter.Type).IsEnum, $"{name} -{parameter.Name} is no enumeration");
    }

    /// <summary>It is tried in a file of its own, in every way a cage is found, and with -WhatIf.</summary>
    [Theory]
    [MemberData(nameof(Cmdlets))]
    public void ItHasItsTests(string name)
    {
        string path = $"{Repository.Root}/tests/{name}.Tests.ps1";
        Assert.True(File.Exists(path), $"{name} has no tests: {path} is missing");
        string tests = File.ReadAllText(path);
        Assert.Contains($"Describe '{name}'", tests);
        CmdletModel model = Repository.Cmdlet(name);
        if (model.SupportsShouldProcess) Assert.Contains($"Test-WhatIf $store {name} ", tests);
        // It wants a terminal, and is tried on one.
        if (model.Class.IsSubclassOf(typeof(CageTargetCmdlet)) && name != "Enter-Cage") Assert.Contains($"Test-CageForm $store {name} ", tests);
    }

    /// <summary>What the engine does is done as work (<see cref="LongWork"/>), whose progress is shown; tests/Interruption.Tests.ps1 has those wait that can be made to.
    /// These only look at a file or a table of the kernel's, or show what somebody else writes as it comes.</summary>
    [Theory]
    [MemberData(nameof(Cmdlets))]
    public void WhatMayLastShowsItsProgress(string name)
    {
        HashSet<string> quick =
        [
            "Enter-Cage", "Get-Cage", "Get-CageCommand", "Get-CageConfiguration", "Get-CageLog", "Get-CageMount", "Get-CagePack", "Get-CagePlan", "Get-CageProcess", "Get-CageService",
            "Get-CageShim", "Get-CageSnapshot", "Invoke-Cage", "Set-CageConfiguration",
        ];
        Assert.Equal(!quick.Contains(name), CallsOf(Repository.Cmdlet(name).Class).Any(method => method.Name == "Work" && method.DeclaringType == typeof(CageCmdlet)));
    }

    [Theory]
    [MemberData(nameof(ErrorKinds))]
    public void EveryKindOfErrorHasANextThingToDo(CageError error) => Assert.EndsWith(".", ErrorAdvice.Of(error));

    [Theory]
    [MemberData(nameof(Cmdlets))]
    public void ParametersAreNamedAndTypedAsUsersExpect(string name)
    {
        foreach (ParameterModel parameter in Repository.Cmdlet(name).Parameters)
        {
            Assert.Matches("^[A-Z][A-Za-z]*$", parameter.Name);
            Assert.NotEqual(typeof(bool), parameter.Type);
            if (parameter.TakesWildcards) Assert.Equal(typeof(string), parameter.Type.GetElementType() ?? parameter.Type);
            foreach (ParameterUse use in parameter.Uses)
                Assert.True(use is not { Mandatory: true, Set: null } || use.Position is not null || use.FromPipeline || !parameter.IsSwitch, $"{name} -{parameter.Name} is a switch that must be given");
        }
        foreach (string? set in Repository.Cmdlet(name).Sets)
        {
            int?[] places = [.. Repository.Cmdlet(name).Syntax(set).Select(entry => entry.Use.Position).Where(place => place is not null)];
            Assert.Distinct(places);
            Assert.True(Repository.Cmdlet(name).Syntax(set).Count(entry => entry.Use.FromPipeline) <= 1, $"{name}: two parameters of {set} take the whole object of the pipeline");
        }
    }

    /// <summary>What several cmdlets have that have no base in common is typed, checked, completed and called alike in each.</summary>
    [Fact]
    public void AGroupOfParametersIsTheSameWhereverItIs()
    {
        Type[] all = typeof(CageCmdlet).Assembly.GetTypes(), groups = [.. all.Where(type => type.IsInterface && type.Name.EndsWith("Parameters", StringComparison.Ordinal))];
        Assert.NotEmpty(groups);
        foreach (Type group in groups)
        {
            Type[] owners = [.. all.Where(type => type.IsClass && group.IsAssignableFrom(type) && type.BaseType?.IsAssignableTo(group) != true)];
            Assert.True(owners.Length > 1, $"{group.Name} is no group");
            foreach (PropertyInfo property in group.GetProperties())
                Assert.Single(owners.Select(owner => Declared(owner.GetProperty(property.Name)!)).Distinct());
        }

        static string Declared(PropertyInfo property) => $"{property.PropertyType} {string.Join(' ', property.GetCustomAttributesData()
            .Where(data => data.AttributeType.Namespace != "System.Runtime.CompilerServices" && data.AttributeType.Name != "ParameterAttribute").Select(data => data.ToString()).Order(StringComparer.Ordinal))}";
    }

    /// <summary>What a class, its bases of this assembly and what the compiler has made for them call.</summary>
    private static IEnumerable<MethodBase> CallsOf(Type type)
    {
        const BindingFlags All = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        for (Type? at = type; at is not null && at.Assembly == type.Assembly && at != typeof(CageCmdlet); at = at.BaseType)
            foreach (Type part in at.GetNestedTypes(All).Prepend(at))
                foreach (MethodInfo method in part.GetMethods(All))
                    foreach (MethodBase called in CallsOf(method)) yield return called;
    }

    /// <summary>Whatever looks like a call (ECMA-335, III.3.19 and III.4.2) and names a method is one: more than there are, never fewer.</summary>
    private static IEnumerable<MethodBase> CallsOf(MethodInfo method)
    {
        const byte Call = 0x28, VirtualCall = 0x6f;
        byte[] code = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        for (int i = 0; i + sizeof(int) < code.Length; i++)
            if (code[i] is Call or VirtualCall && TryResolve(method, BitConverter.ToInt32(code, i + 1)) is MethodBase called) yield return called;
    }

    private static MethodBase? TryResolve(MethodInfo method, int token)
    {
        try
        {
            return method.Module.ResolveMethod(token, method.DeclaringType!.GetGenericArguments(), method.GetGenericArguments());
        }
        catch (Exception e) when (e is ArgumentException or BadImageFormatException or IOException or TypeLoadException or MissingMethodException)
        {
            return null;
        }
    }
}
