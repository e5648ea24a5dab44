using Cage.Interop;

namespace Cage.Engine.Roots;

/// <summary>Compares what was put into a root with what is there, and with the host.</summary>
internal static class RootCheck
{
    /// <summary>Whether a file in the root is no longer what was put there; one that is gone is not.</summary>
    public static bool IsChanged(Descriptor root, RootEntry entry)
    {
        int slash = entry.Path.LastIndexOf('/');
        using Descriptor? folder = Files.TryOpenInRoot(root, slash <= 0 ? "/" : entry.Path[..slash], Files.O_PATH | Files.O_DIRECTORY);
        if (folder is null || Files.StatusAt(folder, entry.Path[(slash + 1)..]) is not FileStatus status) return false;
        if (entry.Kind == RootEntryKind.Link) return !status.IsLink || Files.ReadLinkAt(folder, entry.Path[(slash + 1)..]) != entry.Mark;
        if (!status.IsRegular) return true;
        // Announced and never finished: whatever of it is there is ours.
        if (entry.Mark.Length == 0) return false;
        if (status.Size != entry.Size) return true;
        if (entry.Kind == RootEntryKind.File && status.Modified == entry.Modified) return false;
        using Descriptor? file = Files.TryOpenInRoot(root, entry.Path, Files.O_RDONLY | Files.O_NONBLOCK | Files.O_NOFOLLOW);
        return file is not null && ContentHash.Of(file) != entry.Mark;
    }
}
