using Cage.Engine.State;
using Cage.Interop;

namespace Cage.Engine.Snapshots;

/// <summary>The files that the kernel swaps to: nobody can copy them (ETXTBSY), and there is nothing in them to keep.</summary>
internal static class SwapFiles
{
    /// <summary>Those below a directory, from /proc/swaps (proc_swaps(5)).</summary>
    public static IReadOnlyList<string> Beneath(string directory)
    {
        using Descriptor? file = Files.TryOpen("/proc/swaps", Files.O_RDONLY);
        if (file is null) return [];
        return [.. PathText.Decode(Files.ReadAll(file)).Split('\n').Skip(1)
            .Select(line => line.Split(' ', '\t'))
            .Where(fields => fields.Contains("file"))
            .Select(fields => MountTable.Decode(PathText.Encode(fields[0])))
            .Where(path => MountHolders.IsBeneath(path, directory.TrimEnd('/')))];
    }
}
