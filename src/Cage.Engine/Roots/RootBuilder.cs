using Cage.Engine.Roots.Elf;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Roots;

/// <summary>Fills a root with what is wanted in it, and empties it of what is wanted no more.</summary>
/// <param name="root">The root.</param>
/// <param name="record">The cage, in whose folder it is noted what was put there.</param>
/// <param name="catalog">The packs there are.</param>
/// <param name="warn">Is told what the user should know though it went on.</param>
internal sealed class RootBuilder(Descriptor root, CageRecord record, PackCatalog catalog, Action<string> warn)
{
    private const string CachePath = "/etc/ld.so.cache";

    /// <summary>Whether nobody sees the cage yet: it will be there whole or not at all.</summary>
    public bool IsNew { get; init; }

    public Action<RootProgress>? Progress { get; init; }

    public CancellationToken Cancellation { get; init; }

    /// <summary>Puts in what is wanted: all of it, or nothing.</summary>
    public void Add(IReadOnlyList<RootWish> wishes, bool force)
    {
        RootContents contents = RootContents.Read(record), before = RootContents.Read(record);
        RootPlan plan = RootPlan.Of(wishes, catalog, Tell);
        TellMissing(plan);
        foreach (RootWish wish in wishes)
        {
            int at = contents.Wishes.FindIndex(known => known.Kind == wish.Kind && known.Name == wish.Name);
            // What was to stay is not made temporary by being wanted again for a moment.
            if (at < 0) contents.Wishes.Add(wish);
            else contents.Wishes[at] = wish with { Temporary = wish.Temporary && contents.Wishes[at].Temporary };
        }
        Announce(contents, plan);
        Fill(before, contents, plan, wishes.Any(wish => wish.KeepsSetuid), force);
    }

    /// <summary>Puts in again what differs from the host's files now, and what they need since.</summary>
    public void Refresh(bool force)
    {
        RootContents contents = RootContents.Read(record), before = RootContents.Read(record);
        RootPlan plan = RootPlan.Of(contents.Wishes, catalog, Tell);
        TellMissing(plan);
        Announce(contents, plan);
        Fill(before, contents, plan, contents.Wishes.Any(wish => wish.KeepsSetuid), force);
        EraseUnneeded(contents, plan, force);
    }

    /// <summary>Takes out what is needed for none of the other wishes. What the user has changed stays, unless by force.</summary>
    public void Remove(Predicate<RootWish> unwanted, bool force)
    {
        RootContents contents = RootContents.Read(record);
        contents.Wishes.RemoveAll(unwanted);
        List<CageException> problems = [];
        RootPlan plan = RootPlan.Of(contents.Wishes, catalog, problems.Add);
        if (problems.Find(problem => problem.Error == CageError.CageCommandNotFound) is CageException gone)
            throw new CageException(gone.Error, $"What is still needed cannot be known: {gone.Message}", "Remove that command as well.", gone.TargetName, gone);
        EraseUnneeded(contents, plan, force);
    }

    /// <summary>Puts accounts of the host's in.</summary>
    public IReadOnlyList<CageAccount> AddAccounts(AccountQuery query)
    {
        RootContents contents = RootContents.Read(record);
        using RootView inside = new(root.ProcPath);
        using RootWriter writer = new(root, contents) { Warn = warn };
        IReadOnlyList<CageAccount> accounts = RootAccounts.Copy(writer, inside, query, RootAccounts.Asked);
        contents.Write(record);
        return accounts;
    }

    /// <summary>Before anything is copied it is written down what is going to be: should this be killed, no file is there that nobody knows of.</summary>
    private void Announce(RootContents contents, RootPlan plan)
    {
        if (IsNew) return;
        HashSet<string> added = [];
        foreach (CageDependency dependency in plan.Dependencies.Values)
        {
            if (contents.Entries.ContainsKey(dependency.Location!) || Exists(dependency.Location!)) continue;
            RootEntryKind kind = dependency.Target is not null ? RootEntryKind.Link : Files.Status(dependency.Location!) is { IsDirectory: true } ? RootEntryKind.Folder : RootEntryKind.File;
            contents.Entries[dependency.Location!] = new RootEntry(dependency.Location!, kind, dependency.Target ?? "", 0, default, dependency.Reason.Word(), dependency.RequiredBy ?? "");
            added.Add(dependency.Location!);
        }
        contents.Write(record);
        foreach (string path in added) contents.Entries.Remove(path);
    }

    private bool Exists(string path)
    {
        int slash = path.LastIndexOf('/');
        try
        {
            using Descriptor? folder = Files.TryOpenInRoot(root, slash <= 0 ? "/" : path[..slash], Files.O_PATH | Files.O_DIRECTORY);
            return folder is not null && Files.StatusAt(folder, path[(slash + 1)..]) is not null;
        }
        catch (LinuxException e) when (e.Number == Errno.ELOOP)
        {
            // Whoever puts something there says so.
            return false;
        }
    }

    private void Fill(RootContents before, RootContents contents, RootPlan plan, bool keepsSetuid, bool force)
    {
        double all = Progress is null ? 0 : plan.Dependencies.Values.Sum(Weight), done = 0;
        string path = "";
        void Tell(long part) => Progress?.Invoke(new RootProgress((done += part) / all, path));
        using RootWriter writer = new(root, contents) { Warn = warn, KeepsSetuid = keepsSetuid, Force = force, Copied = Tell, Cancellation = Cancellation };
        try
        {
            foreach (CageDependency dependency in plan.Dependencies.Values)
            {
                Cancellation.ThrowIfCancellationRequested();
                path = dependency.Path;
                Tell(0);
                double end = done + (Progress is null ? 0 : Weight(dependency));
                writer.Put(dependency);
                done = end;
            }
            foreach (PackFolder folder in plan.Folders) writer.PutFolder(folder);
            foreach (PackLink link in plan.Links) writer.PutLink(link);
            // As it is seen now that all files are there.
            using RootView inside = new(root.ProcPath);
            if (plan.Accounts.Count > 0) RootAccounts.Copy(writer, inside, new AccountQuery { Names = plan.Accounts }, "pack");
            if (plan.Makes.Contains(Pack.LoaderCacheWord) && LoaderCacheWriter.Make(inside) is byte[] cache) writer.PutMade(CachePath, cache);
            writer.Finish();
            contents.Write(record, IsNew);
        }
        catch
        {
            writer.Undo();
            if (!IsNew) before.Write(record);
            throw;
        }
    }

    /// <summary>In bytes; a file costs about as much as 32 KiB of content does.</summary>
    private static double Weight(CageDependency dependency) => 32768.0 + (Files.Status(dependency.Location!) is { IsRegular: true, Size: long size } ? size : 0);

    private void EraseUnneeded(RootContents contents, RootPlan plan, bool force)
    {
        HashSet<string> needed = [.. plan.Dependencies.Keys, .. plan.Folders.Select(folder => folder.Path), .. plan.Links.Select(link => link.Path)];
        if (plan.Makes.Count > 0) needed.Add(CachePath);
        if (plan.Accounts.Count > 0) needed.UnionWith([RootAccounts.PasswdPath, RootAccounts.GroupPath]);
        RootEraser eraser = new(root);
        // What lies deepest first, so that folders are empty when it is their turn.
        foreach (RootEntry entry in contents.Entries.Values.Where(entry => !needed.Contains(entry.Path) && entry.Reason != RootAccounts.Asked).OrderByDescending(entry => entry.Path, StringComparer.Ordinal).ToArray())
        {
            Cancellation.ThrowIfCancellationRequested();
            if (entry.Kind == RootEntryKind.Folder)
            {
                if (eraser.TryErase(entry.Path, isFolder: true)) contents.Entries.Remove(entry.Path);
                continue;
            }
            if (!force && RootCheck.IsChanged(root, entry, Cancellation))
            {
                warn($"{entry.Path} was changed in the cage: it stays there. {Face.Call("--force", "-Force")} removes it.");
                contents.Entries.Remove(entry.Path);
                continue;
            }
            if (eraser.TryErase(entry.Path, isFolder: false)) contents.Entries.Remove(entry.Path);
        }
        contents.Write(record);
        if (plan.Makes.Contains(Pack.LoaderCacheWord)) MakeCache(contents);
    }

    private void MakeCache(RootContents contents)
    {
        using RootView inside = new(root.ProcPath);
        using RootWriter writer = new(root, contents) { Warn = warn };
        if (LoaderCacheWriter.Make(inside) is byte[] cache) writer.PutMade(CachePath, cache);
        contents.Write(record);
    }

    private void Tell(CageException problem)
    {
        if (problem.Error != CageError.CageFileInvalid) throw problem;
        warn(problem.Message);
    }

    private void TellMissing(RootPlan plan)
    {
        foreach (CageDependency missing in plan.Missing) warn($"{missing.RequiredBy} needs {missing.Path}, which is not on the host either (ENOENT).");
    }
}
