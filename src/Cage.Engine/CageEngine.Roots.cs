using Cage.Engine.Exposure;
using Cage.Engine.Roots;
using Cage.Engine.Runtime;
using Cage.Engine.Snapshots;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine;

/// <content>Roots from chosen commands.</content>
public sealed partial class CageEngine
{
    /// <summary>The packs there are: those that Cage brings and the user's own.</summary>
    /// <exception cref="CageException">CageConfInvalid: one that cannot be understood.</exception>
    public PackCatalog Packs => PackCatalog.Load(Settings);

    /// <summary>All files that commands need, each with the reason. None of them is run.</summary>
    /// <param name="query">What is asked about.</param>
    /// <param name="problem">Is told of each name that is not there (CageCommandNotFound) and each file that is broken (CageFileInvalid); the rest goes on.</param>
    /// <exception cref="CageException">CageArgumentInvalid: a pack or a root that is not there.</exception>
    public IReadOnlyList<CageDependency> GetDependencies(DependencyQuery query, Action<CageException> problem)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(problem);
        if (Files.StatusFollowed(query.Root) is not { IsDirectory: true })
            throw new CageException(CageError.CageArgumentInvalid, $"{query.Root}: not a directory (ENOTDIR).", target: query.Root);
        using DependencyResolver resolver = query.Resolve(query.ChoosesPacks || query.Packs.Count > 0 ? Packs : PackCatalog.None, problem);
        return resolver.Graph.All;
    }

    /// <summary>Makes a cage with commands and files in it, whole or not at all.</summary>
    /// <param name="request">The cage.</param>
    /// <param name="contents">What is to be in it.</param>
    /// <param name="warn">Is told what the user should know though it was made.</param>
    /// <param name="progress">Is told of each file.</param>
    /// <param name="cancellation">Ends it; nothing is left.</param>
    /// <exception cref="CageException">As for <see cref="Create(NewCage, Action{CopyProgress}, CancellationToken)"/>; CageCommandNotFound.</exception>
    public CageInfo Create(NewCage request, RootRequest contents, Action<string>? warn = null, Action<RootProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(contents);
        StartCheck.RequireRoot("making a cage");
        if (contents.IsEmpty) return Create(request, cancellation: cancellation);
        if (request.Source is not null)
            throw new CageException(CageError.CageArgumentInvalid, "A cage is made of a source, or of commands and files, not of both.", "Add the commands afterwards.", request.Name);
        if (request.Base.Count > 0) return AddToNew(request, contents, warn, progress, cancellation);
        PackCatalog catalog = Packs;
        IReadOnlyList<RootWish> wishes = contents.Wishes(catalog);
        return Look(MakeWithOwn(request, record =>
        {
            using Descriptor root = Files.Open(record.RootPath, Files.O_RDONLY | Files.O_DIRECTORY);
            new RootBuilder(root, record, catalog, warn ?? (_ => { })) { Progress = progress, Cancellation = cancellation, IsNew = true }.Add(wishes, contents.Force);
        }, null, cancellation));
    }

    /// <summary>Puts commands and files into a cage with all that they need, in the same places as on the host: all of it, or nothing.</summary>
    /// <param name="record">The cage. One that runs has them at once.</param>
    /// <param name="request">What.</param>
    /// <param name="warn">Is told what the user should know though it went on.</param>
    /// <param name="progress">Is told of each file.</param>
    /// <param name="cancellation">Ends it; what was put in is taken out again.</param>
    /// <exception cref="CageException">CageCommandNotFound; CageArgumentInvalid; what failed in the store.</exception>
    public void Add(CageRecord record, RootRequest request, Action<string>? warn = null, Action<RootProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        PackCatalog catalog = Packs;
        IReadOnlyList<RootWish> wishes = request.Wishes(catalog);
        Build(record, catalog, builder => builder.Add(wishes, request.Force), warn, progress, cancellation);
    }

    /// <summary>What <see cref="Add"/> would put into a cage.</summary>
    public IReadOnlyList<CageDependency> PlanAdd(RootRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        PackCatalog catalog = Packs;
        return [.. RootPlan.Of(request.Wishes(catalog), catalog, _ => { }).Dependencies.Values];
    }

    /// <summary>What Cage was asked to put into a cage, in order.</summary>
    public IReadOnlyList<CageContent> GetContents(CageRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        return [.. RootContents.Read(record).Wishes.Select(wish => new CageContent(record.Name, record.Id, wish.Kind, Path.GetFileName(wish.Name), wish.Name, wish.Temporary))];
    }

    /// <summary>Takes commands, files or packs out of a cage, and all that nothing else in it needs.</summary>
    /// <param name="record">The cage.</param>
    /// <param name="unwanted">Which, of <see cref="GetContents"/>.</param>
    /// <param name="force">Also what was changed in the cage.</param>
    /// <param name="warn">Is told what stays.</param>
    /// <param name="cancellation">Ends it; another removal goes on from there.</param>
    /// <exception cref="CageException">CageCommandNotFound: another command in the cage is no longer on the host, so that its needs are not known.</exception>
    public void RemoveContents(CageRecord record, IReadOnlyCollection<CageContent> unwanted, bool force = false, Action<string>? warn = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(unwanted);
        Build(record, Packs, builder => builder.Remove(wish => unwanted.Any(content => content.Kind == wish.Kind && content.Path == wish.Name), force), warn, cancellation: cancellation);
    }

    /// <summary>Takes out what was put in for the making only.</summary>
    /// <returns>Whether there was anything.</returns>
    public bool ClearTemporary(CageRecord record, Action<string>? warn = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (!RootContents.Read(record).Wishes.Exists(wish => wish.Temporary)) return false;
        Build(record, Packs, builder => builder.Remove(wish => wish.Temporary, force: true), warn, cancellation: cancellation);
        return true;
    }

    /// <summary>Puts accounts of the host's into a cage: without passwords, with shells that are in there, and with the groups that have to do with them. [003]</summary>
    /// <returns>Those accounts, as the cage has them.</returns>
    public IReadOnlyList<CageAccount> CopyAccounts(CageRecord record, AccountQuery query, Action<string>? warn = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        IReadOnlyList<CageAccount> accounts = [];
        Build(record, PackCatalog.None, builder => accounts = builder.AddAccounts(query), warn, cancellation: cancellation);
        return accounts;
    }

    /// <summary>What is not as it should be with a cage's settings, with the files that were put into it, and with what it has: dangerous combinations, a nil UUID that has moved, drift, changes,
    /// missing libraries, setuid files, passwords.</summary>
    public IReadOnlyList<CageFinding> Test(CageRecord record, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        StartCheck.RequireRoot("looking through a cage");
        record = CageStore.Refresh(record);
        using Descriptor root = RootTarget.OpenToRead(Store, record);
        CageFinding[] moved = HostDrift.Find(Store, record) is string text ? [new CageFinding(record.Name, record.Id, $"base={CageRecord.Nil}", FindingKind.BaseMoved, text)] : [];
        return [.. new DangerFinder(Settings, record).Find(), .. moved, .. new RootCheck(root, record) { Cancellation = cancellation }.Run()];
    }

    /// <summary>Puts into a cage again what was put there and differs from the host's files now, and what that needs since. What was changed in the cage stays.</summary>
    public void Update(CageRecord record, bool force = false, Action<string>? warn = null, Action<RootProgress>? progress = null, CancellationToken cancellation = default) =>
        Build(record, Packs, builder => builder.Refresh(force), warn, progress, cancellation);

    private CageInfo AddToNew(NewCage request, RootRequest contents, Action<string>? warn, Action<RootProgress>? progress, CancellationToken cancellation)
    {
        contents.Wishes(Packs);
        CageInfo cage = Create(request, cancellation: cancellation);
        try
        {
            Add(cage.Record, contents, warn, progress, cancellation);
            return cage;
        }
        catch
        {
            Remove(cage.Record, force: true, cancellation: CancellationToken.None);
            throw;
        }
    }

    private void Build(
        CageRecord record, PackCatalog catalog, Action<RootBuilder> act, Action<string>? warn, Action<RootProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        StartCheck.RequireRoot("changing what is in a cage");
        using CageLock held = CageLock.Take(record.Path, cancellation);
        record = CageStore.Refresh(record);
        using Descriptor root = RootTarget.Open(Store, record, warn ?? (_ => { }));
        act(new RootBuilder(root, record, catalog, warn ?? (_ => { })) { Progress = progress, Cancellation = cancellation });
    }
}
