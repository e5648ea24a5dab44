using Cage.Engine.State;
using Cage.Interop;

namespace Cage.Engine.Store;

/// <summary>The ranges of ids that cages with a user namespace get: each its own, so that who comes out of one is nobody to the next.</summary>
/// <remarks>They are taken from what /etc/subuid and /etc/subgid both give to <c>cage</c> (subuid(5)), else from 1879048192 to 2147352575, which nobody uses: below are the
/// containers of systemd, and what useradd gives to users begins at 100000 (systemd's "Users, Groups, UIDs and GIDs").</remarks>
internal sealed class IdPool(CageStore store)
{
    private const string Owner = "cage";
    private const int SizeLimit = 1 << 20;

    private static readonly IdRange _spare = new(0x70000000, 0xffe0000);

    /// <summary>Says which range it is where it is to be chosen.</summary>
    /// <param name="privileges">The cage's.</param>
    /// <param name="id">The cage.</param>
    /// <exception cref="CageException">CageArgumentInvalid: another cage has it, or none is free.</exception>
    public CagePrivileges Assign(CagePrivileges privileges, Guid id)
    {
        if (privileges.UserNamespace is not IdRange wished) return privileges;
        List<(IdRange Range, string Name)> taken = [];
        foreach (CageRecord other in store.ReadAll())
            if (other.Id != id && other.Privileges.UserNamespace is IdRange used) taken.Add((used, $"\"{other.Name}\" ({other.Id})"));
        if (!wished.IsAuto)
            return taken.Find(other => other.Range.Overlaps(wished)).Name is string owner
                ? throw new CageException(CageError.CageArgumentInvalid, $"The ids {wished} are those of {owner}.", "Choose others, or auto for a range of its own.", wished.ToString())
                : privileges;
        (IReadOnlyList<IdRange> given, IReadOnlyList<IdRange> others) = Given(Read("/etc/subuid"), Read("/etc/subgid"));
        IEnumerable<IdRange> refused = taken.Select(other => other.Range).Concat(given.Count == 0 ? others : []).Concat(Slots().Select(slot => Slot(given, slot)).OfType<IdRange>());
        return privileges with
        {
            UserNamespace = Free(given, [.. refused]) ?? throw new CageException(
                CageError.CageArgumentInvalid, $"There is no range of {IdRange.DefaultCount} ids left for a user namespace.",
                given.Count == 0 ? "Name one: FIRST:COUNT." : $"Give more to {Owner} in /etc/subuid and /etc/subgid, or name one: FIRST:COUNT."),
        };
    }

    /// <summary>The id of a cage that is not kept, which tells its range while the cage is there; for one that is to be chosen.</summary>
    /// <exception cref="CageException">CageArgumentInvalid: none is free.</exception>
    public (Guid Id, CagePrivileges Privileges) AssignEphemeral(CagePrivileges privileges)
    {
        CagePrivileges assigned = Assign(privileges, Guid.Empty);
        if (privileges.UserNamespace is not { IsAuto: true }) return (EphemeralId.New(), assigned);
        (IReadOnlyList<IdRange> given, _) = Given(Read("/etc/subuid"), Read("/etc/subgid"));
        ushort slot = (ushort)Ranges(given).TakeWhile(range => range != assigned.UserNamespace).Count();
        return (EphemeralId.New(slot), assigned);
    }

    /// <summary>What both files give to cage, and what they give to anybody else.</summary>
    internal static (IReadOnlyList<IdRange> Given, IReadOnlyList<IdRange> Others) Given(string users, string groups)
    {
        (bool IsOurs, IdRange Range)[] inUsers = [.. Parse(users)], inGroups = [.. Parse(groups)];
        List<IdRange> given = [];
        foreach (var (_, user) in inUsers.Where(line => line.IsOurs))
            foreach (var (_, group) in inGroups.Where(line => line.IsOurs))
                if (user.Overlaps(group))
                    given.Add(new IdRange(Math.Max(user.First, group.First), (uint)(Math.Min(user.End, group.End) - Math.Max(user.First, group.First))));
        return (given, [.. inUsers.Concat(inGroups).Where(line => !line.IsOurs).Select(line => line.Range)]);
    }

    /// <summary>The first range that has no id of those refused; null when there is none.</summary>
    internal static IdRange? Free(IReadOnlyList<IdRange> given, IReadOnlyList<IdRange> refused) => Ranges(given).FirstOrDefault(range => !refused.Any(range.Overlaps));

    private static IEnumerable<IdRange> Ranges(IReadOnlyList<IdRange> given)
    {
        foreach (IdRange area in given.Count == 0 ? [_spare] : given)
            for (ulong first = area.First; first + IdRange.DefaultCount <= area.End; first += IdRange.DefaultCount) yield return new IdRange((uint)first, IdRange.DefaultCount);
    }

    private static IdRange? Slot(IReadOnlyList<IdRange> given, ushort slot) => Ranges(given).ElementAtOrDefault(slot);

    /// <summary>Those of the cages that are not kept and run now, of whichever store.</summary>
    private static IEnumerable<ushort> Slots()
    {
        if (ControlGroup.Hierarchy is not string hierarchy) yield break;
        foreach (string path in GroupFolder.Children(new GroupFolder(hierarchy, Guid.Empty).ParentPath))
            if (Guid.TryParseExact(Path.GetFileName(path), "D", out Guid id) && EphemeralId.Is(id)) yield return EphemeralId.Slot(id);
    }

    private static IEnumerable<(bool IsOurs, IdRange Range)> Parse(string text)
    {
        foreach (string[] fields in text.Split('\n').Select(line => line.Split(':')))
            if (fields.Length == 3 && uint.TryParse(fields[1], out uint first) && uint.TryParse(fields[2], out uint count) && first >= IdRange.DefaultCount && count > 0 && (ulong)first + count <= uint.MaxValue)
                yield return (fields[0] == Owner, new IdRange(first, count));
    }

    private static string Read(string path)
    {
        using Descriptor? file = Files.TryOpen(path, Files.O_RDONLY);
        return file is null ? "" : System.Text.Encoding.UTF8.GetString(Files.ReadAll(file, SizeLimit));
    }
}
