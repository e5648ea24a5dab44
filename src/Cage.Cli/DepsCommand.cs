using Cage.Engine;
using Cage.Engine.Roots;

namespace Cage.Cli;

/// <summary>cage deps</summary>
internal static class DepsCommand
{
    public static int Run(Arguments arguments)
    {
        IReadOnlyList<string> names = arguments.SomeNames("which command?");
        string root = AbsolutePath.Of(arguments.Value("--root") ?? "/");
        DependencyQuery query = new()
        {
            // In another root a path begins there, wherever we are.
            Names = [.. names.Select(name => name.Contains('/') ? root == "/" ? AbsolutePath.Of(name) : Path.GetFullPath(name, "/") : name)],
            Packs = arguments.All("--pack"),
            ChoosesPacks = !arguments.Has("--no-packs"),
            Root = root,
        };
        bool failed = false;
        IReadOnlyList<CageDependency> found = Commands.OpenEngine().GetDependencies(query, e =>
        {
            failed = true;
            Messages.Error(e.Message);
        });
        Listing.Write(arguments, found, ["PATH", "REASON", "REQUIRED BY", "THROUGH"], dependency =>
            [
                dependency.Target is null ? dependency.Path : $"{dependency.Path} -> {dependency.Target}",
                dependency.Missing ? $"{dependency.Reason.Word()}, missing" : dependency.Reason.Word(), dependency.RequiredBy ?? "", dependency.Through ?? "",
            ], (json, dependency) =>
        {
            json.WriteString("path", dependency.Path);
            json.WriteString("reason", dependency.Reason.Word());
            json.WriteString("requiredBy", dependency.RequiredBy);
            json.WriteString("through", dependency.Through);
            json.WriteString("target", dependency.Target);
            json.WriteBoolean("missing", dependency.Missing);
        });
        return failed ? ExitStatus.Failed : 0;
    }
}
