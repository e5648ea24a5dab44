namespace Cage.Escape.Tests;

/// <summary>Every attack in every isolation: it ends as the catalogue says, and as the table in docs/security.md says.</summary>
public sealed class AttackTests(Scene scene) : IClassFixture<Scene>
{
    private static readonly string[] _isolations = ["chroot", "pivot", "jail", Scene.Users];

    public static TheoryData<Attack> Present => [.. AttackCatalogue.All.Where(attack => Scene.Has(attack.Needs))];

    public static TheoryData<Attack> WithGuardOff => [.. AttackCatalogue.All.Where(attack => attack.GuardOff is not null && Scene.Has(attack.Needs))];

    [CageTheory]
    [MemberData(nameof(Present), DisableDiscoveryEnumeration = true)]
    public void EndsAsExpected(Attack attack)
    {
        Result[] expected = [attack.Chroot, attack.Pivot, attack.Jail, attack.Users];
        for (int i = 0; i < expected.Length; i++)
        {
            if (expected[i] == Result.None) continue;
            int hits = Hits();
            Outcome outcome = scene.Run(_isolations[i], attack);
            Expect(expected[i], outcome, _isolations[i]);
            if (attack.Line.StartsWith("send_signal", StringComparison.Ordinal)) Wait.Until(() => Hits() == hits + (expected[i] == Result.Escaped ? 1 : 0), () => "the victim was hit another number of times");
        }
        // One that nothing lets through proves nothing.
        Assert.Contains(Result.Escaped, expected);
    }

    [CageTheory]
    [MemberData(nameof(WithGuardOff), DisableDiscoveryEnumeration = true)]
    public void GoesThroughAJailWhoseGuardIsOff(Attack attack)
    {
        string id = scene.Make("open", "jail", attack.GuardOff!);
        try
        {
            Expect(Result.Escaped, scene.Run(id, attack), $"jail {attack.GuardOff}");
        }
        finally
        {
            scene.Store.Cage("remove", "--force", id).Ended(0);
        }
    }

    [CageTheory]
    [MemberData(nameof(WithGuardOff), DisableDiscoveryEnumeration = true)]
    public void AUserNamespaceHoldsWhatCapabilitiesWouldLetThrough(Attack attack)
    {
        string id = scene.Make("open", Scene.Users, attack.GuardOff!);
        try
        {
            Expect(attack.HeldByUsers ? Result.Held : Result.Escaped, scene.Run(id, attack), $"jail --userns {attack.GuardOff}");
        }
        finally
        {
            scene.Store.Cage("remove", "--force", id).Ended(0);
        }
    }

    [Fact]
    public void TheTableInTheManualIsTheCatalogue()
    {
        using StreamReader manual = new(typeof(AttackTests).Assembly.GetManifestResourceStream("security.md")!);
        string[] rows = [.. manual.ReadToEnd().Split('\n').SkipWhile(line => !line.StartsWith("| attack |", StringComparison.Ordinal)).Skip(2).TakeWhile(line => line.StartsWith('|'))];
        string[] expected =
        [
            .. AttackCatalogue.All.Select(attack => $"| {attack.Name} | {Say(attack.Chroot)} | {Say(attack.Pivot)} | {Say(attack.Jail)} | {Say(attack.Users)} |"), .. StagedAttackTests.Rows,
        ];
        Assert.Equal(expected, rows);
    }

    /// <summary>What this machine lacks was attacked in none of the isolations: the name that a run shows says which, and it is counted as skipped.</summary>
    [PresentFact]
    public void EveryAttackWasTried() => Assert.All(AttackCatalogue.All, attack => Assert.True(Scene.Has(attack.Needs)));

    private static string Say(Result result) => result switch { Result.Escaped => "no", Result.Held => "holds", _ => "–" };

    private int Hits() => scene.VictimSays.Split("hit").Length - 1;

    private static void Expect(Result expected, Outcome outcome, string where)
    {
        // What is killed by a signal has not got through.
        Result actual = outcome.Status is 0 ? Result.Escaped : outcome.Status is 1 or > 128 ? Result.Held : Result.None;
        Assert.True(actual == expected, $"{where}: {outcome.CommandLine}\n{actual} (status {outcome.Status}), not {expected}.\n{outcome.Output}{outcome.Error}");
    }
}

/// <summary>Skipped, with their names, where attacks cannot be made on this machine.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PresentFactAttribute : FactAttribute
{
    public PresentFactAttribute()
    {
        string[] absent = [.. AttackCatalogue.All.Where(attack => !Scene.Has(attack.Needs)).Select(attack => attack.Name)];
        if (absent.Length == 0) return;
        DisplayName = $"Not tried, since this machine lacks what they attack: {string.Join(", ", absent)}";
        Skip = "the kernel of this machine has none of them";
    }
}
