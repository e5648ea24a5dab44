using System.IO.Enumeration;

namespace Cage.Engine.Roots;

/// <summary>Paths with <c>*</c> and <c>?</c>, as glob(7) has them: neither stands for a slash or for a dot at the beginning of a name.</summary>
internal static class PathPattern
{
    /// <summary>The paths in <paramref name="root"/> that fit, sorted; a pattern without wildcards fits what is there by that name.</summary>
    public static IEnumerable<string> Expand(RootView root, string pattern)
    {
        IEnumerable<string> paths = ["/"];
        foreach (string part in pattern.Split('/', StringSplitOptions.RemoveEmptyEntries))
            paths = part.AsSpan().IndexOfAny('*', '?') < 0
                ? paths.Select(path => RootView.Join(path, part))
                : paths.SelectMany(path => root.List(root.Find(path)).Where(name => Fits(part, name)).Select(name => RootView.Join(path, name)));
        return paths.Where(path => root.Find(path).Status is not null);
    }

    /// <summary>Whether any of <paramref name="skips"/>, a name anywhere or a whole path each, leaves <paramref name="path"/> out.</summary>
    public static bool IsSkipped(IReadOnlyList<string>? skips, string path) => skips?.Any(skip => Fits(skip, skip.Contains('/') ? path : Path.GetFileName(path))) == true;

    /// <summary>Whether <paramref name="name"/> fits a pattern without slashes.</summary>
    public static bool Fits(string pattern, string name) =>
        FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false) && (!name.StartsWith('.') || pattern.StartsWith('.'));
}
