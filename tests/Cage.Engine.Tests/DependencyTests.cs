using Cage.Engine.Roots;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>What programs need: compared with what the loader itself says, for every program of this machine and for such as only a test has.</summary>
public sealed class DependencyTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("cage-deps-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private static IReadOnlyList<CageDependency> Of(string root, params string[] names) => Of(root, out _, names);

    private static IReadOnlyList<CageDependency> Of(string root, out List<CageException> problems, params string[] names)
    {
        List<CageException> found = problems = [];
        using DependencyResolver resolver = new DependencyQuery { Names = names, Root = root, ChoosesPacks = false }.Resolve(PackCatalog.None, found.Add);
        return resolver.Graph.All;
    }

    private void Write(string path, byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_root + path)!);
        using Descriptor file = Files.Open(_root + path, Files.O_WRONLY | Files.O_CREAT | Files.O_TRUNC);
        Files.Write(file, content);
        Files.ChangeMode(file, 0x1ed);
    }

    private void Write(string path, string text) => Write(path, System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>The libraries, as "path through", in order.</summary>
    private string[] Libraries(string program) =>
        [.. Of(_root, program).Where(one => one.Reason == DependencyReason.Needed).Select(one => one.Missing ? $"{one.Path} missing" : $"{one.Path} {one.Through}")];

    private static HashSet<string> Told(string listing, string program)
    {
        HashSet<string> told = [];
        foreach (string line in listing.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = line.Trim().Split(' ');
            if (line.Contains("not found", StringComparison.Ordinal)) told.Add($"{words[0]} missing");
            else if (words is [_, "=>", var path, ..] && path.StartsWith('/')) told.Add(Real(path));
            else if (words[0].StartsWith('/')) told.Add(Real(words[0]));
        }
        told.Remove(Real(program));
        return told;
    }

    private static HashSet<string> Ours(string root, string program) =>
        [.. Of(root, program).Where(one => one.Reason is DependencyReason.Needed or DependencyReason.Interpreter).Select(one => one.Missing ? $"{one.Path} missing" : Real(one.Path))];

    private static string Real(string path)
    {
        using Descriptor? file = Files.TryOpen(path, Files.O_PATH);
        return file is null ? path : Files.ReadLink(file.ProcPath) ?? path;
    }

    /// <summary>As ldd would have it, which runs the loader with each.</summary>
    [Fact]
    public void Every_program_of_this_machine_needs_what_its_loader_says()
    {
        string[] programs = [.. new[] { "/usr/bin", "/usr/sbin" }.SelectMany(Directory.GetFiles).Select(Real).Distinct().Where(IsDynamic).Order(StringComparer.Ordinal)];
        string listings = Shell.Run(
            """while IFS= read -r line; do set -- $line; printf '\1%s\n' "$2"; LC_ALL=C LD_TRACE_LOADED_OBJECTS=1 "$1" "$2" 2>/dev/null || :; done <"$list" """,
            ("list", Listed(programs)), ("LD_LIBRARY_PATH", ""), ("LD_PRELOAD", ""));
        List<string> wrong = [];
        int compared = 0;
        foreach (string part in listings.Split('\u0001', StringSplitOptions.RemoveEmptyEntries))
        {
            string program = part[..part.IndexOf('\n')], listing = part[(part.IndexOf('\n') + 1)..];
            HashSet<string> ours = Ours("/", program);
            HashSet<string> told = Told(listing, program);
            // A statically linked position-independent one needs nothing, not even the loader that this asked.
            if (ours.Count == 0 && told.Count == 0) continue;
            compared++;
            if (!ours.SetEquals(told)) wrong.Add($"{program}: only ours: {string.Join(' ', ours.Except(told))}; only the loader's: {string.Join(' ', told.Except(ours))}");
        }
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {compared} differ:\n{string.Join('\n', wrong.Take(5))}");
        Assert.InRange(compared, 100, int.MaxValue);
    }

    private string Listed(string[] programs)
    {
        string list = $"{_root}/list";
        File.WriteAllLines(list, programs.Select(program => $"{Of("/", program).First(one => one.Reason == DependencyReason.Interpreter).Path} {program}"));
        return list;
    }

    private static bool IsDynamic(string program) =>
        Of("/", program).Any(one => one is { Reason: DependencyReason.Interpreter, Missing: false } && one.RequiredBy == program);

    /// <summary>gcc makes them, the loader of this machine says what it would do.</summary>
    [Fact]
    public void Search_paths_count_as_the_loader_counts_them()
    {
        Shell.Run(
            """
            cd "$folder"; mkdir -p a b c d/glibc-hwcaps/x86-64-v2 sub bin
            lib() { out=$1; shift; echo "int f_$(basename "$out" .so | tr -dc a-z)(void) { return 0; }" | gcc -shared -fPIC -x c - -o "$out" -x none -Wl,--no-as-needed "$@"; }
            lib a/libdeep.so -Wl,-soname,libdeep.so
            lib b/libdeep.so -Wl,-soname,libdeep.so
            lib d/libfast.so -Wl,-soname,libfast.so
            lib d/glibc-hwcaps/x86-64-v2/libfast.so -Wl,-soname,libfast.so
            lib c/libmid.so -Wl,-soname,libmid.so -La -ldeep
            lib c/libown.so -Wl,-soname,libown.so -La -ldeep -Wl,--enable-new-dtags,-rpath,'$ORIGIN/../b'
            lib sub/libslash.so
            prog() { out=$1; shift; echo 'int main(void) { return 0; }' | gcc -x c - -o "$out" -x none -Wl,--no-as-needed "$@" -Wl,--allow-shlib-undefined -Wl,-rpath-link,a; }
            prog bin/rpath -Lc -lmid -Wl,--disable-new-dtags,-rpath,'$ORIGIN/../c:$ORIGIN/../a'
            prog bin/runpath -Lc -lmid -Wl,--enable-new-dtags,-rpath,'${ORIGIN}/../c:$ORIGIN/../a'
            prog bin/own -Lc -lown -Wl,--disable-new-dtags,-rpath,"$folder/c:$folder/a"
            prog bin/both -Lc -lown -lmid -Wl,--disable-new-dtags,-rpath,"$folder/c:$folder/a"
            prog bin/levels -Ld -lfast -Wl,--enable-new-dtags,-rpath,'$ORIGIN/../d'
            prog bin/slash "$folder/sub/libslash.so"
            prog bin/variables -Lc -lmid -Wl,--disable-new-dtags,-rpath,"$folder/c:$folder/"'a$LIB:'"$folder/"'x$PLATFORM'
            mkdir -p "a$lib"; cp a/libdeep.so "a$lib/"
            """,
            ("folder", _root), ("lib", "lib/x86_64-linux-gnu"));
        string[] programs = [.. Directory.GetFiles($"{_root}/bin").Order(StringComparer.Ordinal)];
        Assert.Equal(7, programs.Length);
        foreach (string program in programs)
            Assert.Equal(
                Told(Shell.Run("""LC_ALL=C LD_LIBRARY_PATH= LD_TRACE_LOADED_OBJECTS=1 "$loader" "$program" """, ("program", program), ("loader", "/lib64/ld-linux-x86-64.so.2")), program).Order(),
                Ours("/", program).Order());
        // RUNPATH is not for what the needed ones need.
        Assert.Contains("libdeep.so missing", Ours("/", $"{_root}/bin/runpath"));
        Assert.Contains($"{_root}/a/libdeep.so", Ours("/", $"{_root}/bin/rpath"));
        Assert.Contains($"{_root}/b/libdeep.so", Ours("/", $"{_root}/bin/own"));
        Assert.Contains($"{_root}/d/glibc-hwcaps/x86-64-v2/libfast.so", Ours("/", $"{_root}/bin/levels"));
    }

    [Fact]
    public void A_command_is_told_with_its_interpreter_libraries_and_links()
    {
        IReadOnlyList<CageDependency> all = Of("/", "bash");
        Assert.Equal(("/usr/bin/bash", DependencyReason.Requested, null), (all[0].Path, all[0].Reason, all[0].RequiredBy));
        CageDependency libc = Assert.Single(all, one => one.Path.EndsWith("/libc.so.6", StringComparison.Ordinal));
        Assert.Equal(DependencyReason.Needed, libc.Reason);
        Assert.Equal("ld.so.cache", libc.Through);
        Assert.Single(all, one => one.Reason == DependencyReason.Interpreter);
        foreach (CageDependency link in all.Where(one => one.Target is not null)) Assert.Equal(link.Target, new FileInfo(link.Path).LinkTarget);
        Assert.All(all, one => Assert.False(one.Missing));
        Assert.Equal(all.Count, all.Select(one => one.Path).Distinct().Count());
    }

    [Theory]
    [InlineData("#!/bin/tool", "/bin/tool script")]
    [InlineData("#! /bin/tool -x y\n", "/bin/tool script")]
    [InlineData("#!/usr/bin/env run\n", "/usr/bin/env script", "/bin/run script")]
    [InlineData("#!/usr/bin/env -S A=1 -i run -u\n", "/usr/bin/env script", "/bin/run script")]
    [InlineData("#!/usr/bin/env -Srun -u\n", "/usr/bin/env script", "/bin/run script")]
    [InlineData("#!/usr/bin/env run -u\n", "/usr/bin/env script", "run -u script missing")]
    [InlineData("#!/bin/nested\n", "/bin/nested script", "/bin/tool script")]
    [InlineData("#!/bin/nothing\n", "/bin/nothing script missing")]
    [InlineData("#!relative\n")]
    [InlineData("#!\n")]
    [InlineData("plain")]
    public void A_script_needs_what_runs_it(string script, params string[] expected)
    {
        Write("/bin/tool", new ElfBuilder().Build());
        Write("/usr/bin/env", new ElfBuilder().Build());
        Write("/bin/run", new ElfBuilder().Build());
        Write("/bin/nested", "#!/bin/tool\n");
        Write("/script", script);
        Assert.Equal(expected, Of(_root, "/script").Skip(1).Select(one => $"{one.Path} {one.Reason.Word()}{(one.Missing ? " missing" : "")}"));
    }

    [Fact]
    public void Scripts_that_run_each_other_end()
    {
        Write("/bin/a", "#!/bin/b\n");
        Write("/bin/b", "#!/bin/a\n");
        Assert.Equal(["/bin/a", "/bin/b"], Of(_root, "/bin/a").Select(one => one.Path));
    }

    [Theory]
    [InlineData(62, true, false, 0x303)]
    [InlineData(3, false, false, 0x3)]
    [InlineData(62, false, false, 0x803)]
    [InlineData(183, true, false, 0xa03)]
    [InlineData(22, true, true, 0x403)]
    [InlineData(8, false, true, 0x3)]
    [InlineData(243, true, false, 0x1003)]
    public void Each_machine_gets_its_own_libraries(ushort machine, bool is64, bool isBigEndian, int flags)
    {
        ElfBuilder Elf(params string[] needed) => new() { Machine = machine, Is64 = is64, IsBigEndian = isBigEndian, Needed = needed };
        byte[] other = new ElfBuilder { Machine = 99, Is64 = is64, IsBigEndian = isBigEndian }.Build();
        Write("/bin/p", new ElfBuilder { Machine = machine, Is64 = is64, IsBigEndian = isBigEndian, Interpreter = "/lib/ld.so", Needed = ["libc.so.6", "libx.so", "libold.so"] }.Build());
        Write("/lib/ld.so", Elf().Build());
        Write("/lib/libc.so.6", Elf("ld.so").Build());
        Write("/usr/lib/libx.so", other);
        Write("/opt/x/libx.so", Elf("libc.so.6").Build());
        Write("/etc/ld.so.cache", ElfBuilder.Cache(("libx.so", "/usr/lib/libx.so", 0x1234, null), ("libx.so", "/opt/x/libx.so", flags, null), ("libc.so.6", "/lib/gone.so", flags, null)));
        Assert.Equal(["/lib/libc.so.6 default folder", "/opt/x/libx.so ld.so.cache", "libold.so missing"], Libraries("/bin/p"));
    }

    [Fact]
    public void Without_a_cache_the_folders_of_ld_so_conf_count()
    {
        Write("/bin/p", new ElfBuilder { Interpreter = "/lib64/ld-linux-x86-64.so.2", Needed = ["liba.so", "libb.so", "libc.so"] }.Build());
        Write("/lib64/ld-linux-x86-64.so.2", new ElfBuilder().Build());
        Write("/opt/a/liba.so", new ElfBuilder().Build());
        Write("/opt/b/libb.so", new ElfBuilder().Build());
        Write("/etc/ld.so.conf", "# first\ninclude conf.d/*.conf\n/opt/a  # with a word\n");
        Write("/etc/conf.d/b.conf", "/opt/b=libc6\nhwcap 1 x\ninclude /etc/ld.so.conf\n");
        Write("/etc/conf.d/c.other", "/opt/c\n");
        Write("/opt/c/libc.so", new ElfBuilder().Build());
        Assert.Equal(["/opt/a/liba.so ld.so.conf", "/opt/b/libb.so ld.so.conf", "libc.so missing"], Libraries("/bin/p"));
    }

    [Fact]
    public void Auxiliary_libraries_may_be_missing_and_nodeflib_leaves_the_default_folders_out()
    {
        Write("/bin/p", new ElfBuilder { Interpreter = "/lib64/ld-linux-x86-64.so.2", Needed = ["liba.so"], Auxiliary = ["libaux.so", "libnone.so"] }.Build());
        Write("/bin/q", new ElfBuilder { Interpreter = "/lib64/ld-linux-x86-64.so.2", Needed = ["liba.so"], Flags1 = 0x800 }.Build());
        Write("/lib64/ld-linux-x86-64.so.2", new ElfBuilder().Build());
        Write("/lib64/liba.so", new ElfBuilder().Build());
        Write("/lib64/libaux.so", new ElfBuilder().Build());
        Assert.Equal(["/lib64/liba.so default folder", "/lib64/libaux.so default folder"], Libraries("/bin/p"));
        Assert.Equal(["liba.so missing"], Libraries("/bin/q"));
    }

    [Fact]
    public void A_program_for_musl_has_the_folders_of_its_path_file()
    {
        Write("/bin/p", new ElfBuilder { Interpreter = "/lib/ld-musl-x86_64.so.1", Needed = ["libc.so", "libm.so", "libz.so.1", "libown.so"], Runpath = "$ORIGIN/../own" }.Build());
        Write("/lib/ld-musl-x86_64.so.1", new ElfBuilder().Build());
        Write("/own/libown.so", new ElfBuilder { Needed = ["libdeep.so"] }.Build());
        Write("/own/libdeep.so", new ElfBuilder().Build());
        Write("/lib/libz.so.1", new ElfBuilder().Build());
        Write("/opt/m/libz.so.1", new ElfBuilder().Build());
        Assert.Equal(["/lib/libz.so.1 default folder", "/own/libown.so RUNPATH", "/own/libdeep.so RUNPATH of /bin/p"], Libraries("/bin/p"));
        Write("/etc/ld-musl-x86_64.path", "/nowhere:/opt/m\n/lib\n");
        Assert.Equal("/opt/m/libz.so.1 /etc/ld-musl-x86_64.path", Libraries("/bin/p")[0]);
    }

    [Fact]
    public void Links_are_followed_inside_the_root_only()
    {
        Write("/real/p", new ElfBuilder { Interpreter = "/lib64/ld-linux-x86-64.so.2", Needed = ["liba.so"] }.Build());
        Write("/usr/lib64/ld-linux-x86-64.so.2", new ElfBuilder().Build());
        Write("/usr/lib64/liba.so.1.2", new ElfBuilder { SoName = "liba.so" }.Build());
        File.CreateSymbolicLink($"{_root}/usr/lib64/liba.so", "liba.so.1");
        File.CreateSymbolicLink($"{_root}/usr/lib64/liba.so.1", "/usr/lib64/liba.so.1.2");
        File.CreateSymbolicLink($"{_root}/lib64", "../../../usr/lib64");
        File.CreateSymbolicLink($"{_root}/bin", "/../real");
        File.CreateSymbolicLink($"{_root}/loop", "loop");
        File.CreateSymbolicLink($"{_root}/out", "../../../../../../../../etc/passwd");
        string[] told = [.. Of(_root, "/bin/p").Select(one => $"{one.Path}{(one.Target is null ? "" : $" -> {one.Target}")} {one.Reason.Word()}")];
        Assert.Equal(
            [
                "/bin -> /../real symlink", "/bin/p requested", "/lib64 -> ../../../usr/lib64 symlink", "/lib64/ld-linux-x86-64.so.2 interpreter",
                "/lib64/liba.so -> liba.so.1 needed", "/usr/lib64/liba.so.1 -> /usr/lib64/liba.so.1.2 symlink", "/usr/lib64/liba.so.1.2 symlink",
            ],
            told);
        foreach (string nowhere in new[] { "/loop", "/out" })
        {
            Assert.Empty(Of(_root, out List<CageException> problems, nowhere));
            Assert.Equal(CageError.CageCommandNotFound, Assert.Single(problems).Error);
        }
    }

    [Fact]
    public void What_is_not_there_or_broken_is_told_and_the_rest_goes_on()
    {
        Write("/bin/good", new ElfBuilder().Build());
        Write("/bin/bad", new ElfBuilder { Needed = ["liba.so"] }.Build()[..100]);
        IReadOnlyList<CageDependency> all = Of(_root, out List<CageException> problems, "nothing", "/bin/bad", "good");
        Assert.Equal(["/bin/bad", "/bin/good"], all.Select(one => one.Path));
        Assert.Equal([CageError.CageCommandNotFound, CageError.CageFileInvalid], problems.Select(problem => problem.Error));
        Assert.Contains("/bin/bad is a broken ELF file", problems[1].Message, StringComparison.Ordinal);
    }
}
