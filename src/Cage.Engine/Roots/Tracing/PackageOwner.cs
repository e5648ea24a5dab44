using System.Text;
using Cage.Interop;

namespace Cage.Engine.Roots;

/// <summary>Which Debian package a file belongs to, as dpkg-query(1) knows it.</summary>
internal static class PackageOwner
{
    private const int Chunk = 200, OutputLimit = 16 << 20;

    /// <summary>The same with the packages of those that the host has.</summary>
    public static IReadOnlyList<CageTrace> Fill(List<CageTrace> traces)
    {
        Dictionary<string, string> owners = Of([.. traces.Where(trace => trace.OnHost).Select(trace => trace.Path).Distinct()]);
        return owners.Count == 0 ? traces : traces.ConvertAll(trace => trace with { Package = Names(trace.Path).Select(name => owners.GetValueOrDefault(name)).FirstOrDefault(owner => owner is not null) });
    }

    private static Dictionary<string, string> Of(string[] paths)
    {
        Dictionary<string, string> owners = [];
        using RootView host = new("/");
        if (new CommandPath(host).Find("dpkg-query") is not string program) return owners;
        foreach (string[] some in paths.SelectMany(Names).Distinct().Where(path => path.AsSpan().IndexOfAny('*', '?', '[') < 0).Chunk(Chunk))
            foreach (string line in Run(program, some).Split('\n'))
                if (line.LastIndexOf(": /", StringComparison.Ordinal) is var colon and > 0) owners[line[(colon + 2)..]] = line[..colon].Split(',')[0].Split(':')[0];
        return owners;
    }

    /// <summary>dpkg knows a file by the name that its package gave it: with or without /usr, where those folders are links.</summary>
    private static IEnumerable<string> Names(string path)
    {
        yield return path;
        if (path.StartsWith("/usr/", StringComparison.Ordinal)) yield return path[4..];
        else if (path.StartsWith("/bin/", StringComparison.Ordinal) || path.StartsWith("/sbin/", StringComparison.Ordinal) || path.StartsWith("/lib", StringComparison.Ordinal)) yield return $"/usr{path}";
    }

    private static string Run(string program, string[] paths)
    {
        using Descriptor nothing = Files.Open("/dev/null", Files.O_RDWR);
        (Descriptor read, Descriptor write) = Channels.Pipe();
        using (read)
        {
            SpawnedProcess process;
            using (write)
                process = Spawn.Start(new SpawnRequest
                {
                    Candidates = [program],
                    Arguments = ["dpkg-query", "-S", "--", .. paths],
                    Environment = ["PATH=/usr/bin:/bin", "LC_ALL=C"],
                    Descriptors = [nothing, write, nothing],
                });
            using (process)
            {
                string output = Encoding.UTF8.GetString(Files.ReadAll(read, OutputLimit));
                Processes.Wait(process.Id);
                return output;
            }
        }
    }
}
