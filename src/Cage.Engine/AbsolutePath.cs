namespace Cage.Engine;

/// <summary>Paths from the root on.</summary>
public static class AbsolutePath
{
    /// <summary>What <paramref name="path"/> means as seen from the current folder.</summary>
    /// <exception cref="CageException">CageArgumentInvalid: the current folder has been removed.</exception>
    public static string Of(string path)
    {
        try
        {
            return Path.GetFullPath(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CageException(
                CageError.CageArgumentInvalid, $"{path}: the current folder, which it starts from, has been removed (ENOENT).", "Go to another, or give an absolute path.", path, e);
        }
    }
}
