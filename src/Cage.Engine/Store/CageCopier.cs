using Cage.Engine.Network;
using Cage.Engine.Snapshots;
using Cage.Interop;

namespace Cage.Engine.Store;

/// <summary>Copies cages: all files of the folder but those of the moment, under another id. The caller has the source's lock and knows that it does not run.</summary>
internal static class CageCopier
{
    private const long BlockSize = 4096;

    public static CageRecord Copy(CageStore store, CageRecord source, CageRecord copy, bool renewIdentity, Action<CopyProgress>? progress, CancellationToken cancellation)
    {
        CageMaker.RefuseTexts(copy.Name, copy.Memo, copy.Environment);
        if (store.Get(copy.Id) is not null)
            throw new CageException(CageError.CageAlreadyExists, $"There is a cage {copy.Id} already.", "Leave the id out for a new one.", copy.Id.ToString());
        if (renewIdentity && (source.Kind == CageKind.ReadOnly || Files.Status(source.RootPath) is { IsLink: true }))
            throw new CageException(
                CageError.CageArgumentInvalid, $"\"{source.Name}\" is read-only: an identity is renewed in a cage that is written to.", "Copy it as it is, or renew that of a cage over it.", source.Name);
        CageMaker.MakeWhole(store, copy, (hidden, finish) =>
        {
            CopyFiles(source, hidden, progress, cancellation);
            if (renewIdentity) CageIdentity.Renew(hidden, Layers.LayerChain.Resolve(store, source.Base, source).Records, cancellation);
            // Only now: nobody else waits for a turn as long as a copy takes.
            using Descriptor? turn = AddressPool.TakeTurn(store.Settings, source.Network, source.Privileges, cancellation);
            copy = WithOwn(store, copy);
            WriteConf(source, copy with { Path = hidden.Path });
            finish();
        }, cancellation);
        return copy;
    }

    /// <summary>What only one cage can have is given out anew. A port cannot be: nobody would know which.</summary>
    private static CageRecord WithOwn(CageStore store, CageRecord copy) => copy with
    {
        Network = copy.Network.Mode != NetworkMode.Private ? copy.Network : new AddressPool(store.Settings).Assign(copy.Network with { Address = null }, copy.Id, store.ReadAll()),
        Privileges = copy.Privileges.UserNamespace is null ? copy.Privileges : new IdPool(store).Assign(copy.Privileges with { UserNamespace = IdRange.Auto }, copy.Id),
    };

    /// <summary>Scripts and what else lies there come along; logs, the mount point and overlayfs's workdir are of the source's own runs.</summary>
    private static void CopyFiles(CageRecord source, CageRecord copy, Action<CopyProgress>? progress, CancellationToken cancellation)
    {
        bool IsRun(string name) => source.Kind == CageKind.Writable && (name == source.Work || name == source.MountPoint);
        using Descriptor tree = Mounts.CloneTree(source.Path);
        Descriptor Open() => Files.OpenAt(tree, ".", Files.O_RDONLY | Files.O_DIRECTORY);
        (long files, long bytes, _) = progress is null ? default : new TreeCopy().Measure(Open(), BlockSize, cancellation);
        TreeCopy copier = new()
        {
            Choose = (path, _) => path == CageLog.Folder ? FolderChoice.Skip : IsRun(path) ? FolderChoice.Empty : FolderChoice.Copy,
            Leave = path => !path.Contains('/') && (path == "cage.conf" || path.StartsWith('.') || path.EndsWith(".log", StringComparison.Ordinal)),
            All = (files, bytes),
        };
        copier.Run(Open(), Files.Open(copy.Path, Files.O_RDONLY | Files.O_DIRECTORY), progress, cancellation);
    }

    /// <summary>The source's conf with another id and name: comments and unknown keys come along.</summary>
    private static void WriteConf(CageRecord source, CageRecord copy)
    {
        ConfFile conf = ConfFile.Read(source.ConfPath);
        copy.WriteTo(conf);
        AtomicFile.Write(copy.ConfPath, conf.ToBytes());
    }
}
