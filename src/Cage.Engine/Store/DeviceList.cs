namespace Cage.Engine.Store;

/// <summary>The list that <c>--device</c> and -Device take: a view of /dev, or rules about what its own /dev has.</summary>
public static class DeviceList
{
    /// <summary>Takes it apart. The words private and host name a view; all others are rules, whose names may have /dev/ before them.</summary>
    /// <exception cref="CageException">CageArgumentInvalid: both views.</exception>
    public static (DeviceView View, IReadOnlyList<string> Given) Split(IEnumerable<string> words)
    {
        string[] all = [.. words.Where(word => word.Length > 0)];
        string[] views = [.. all.Where(IsView).Select(word => word.ToLowerInvariant()).Distinct()];
        if (views.Length > 1) throw new CageException(CageError.CageArgumentInvalid, "/dev cannot be private and the host's.", "Choose one.");
        return (views is [string view] && view == DeviceView.Host.Word() ? DeviceView.Host : DeviceView.Private,
            [.. all.Where(word => !IsView(word)).Select(word => word.StartsWith("/dev/", StringComparison.Ordinal) ? word["/dev/".Length..] : word).Distinct()]);
    }

    private static bool IsView(string word) => Words.Devices.Contains(word.ToLowerInvariant());
}
