#!/usr/bin/env bash
# Builds, tests and shows Cage on a machine that has the .NET SDK and perhaps nothing else: ./build.sh help
# All that is work for a shell is here, once; what only PowerShell can do (Pester) is in build.ps1, and is skipped where there is no pwsh.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"

out=$PWD/out
version=$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' Directory.Build.props)
address=${PackageProjectUrl:-$(sed -n 's:.*<PackageProjectUrl>\(.*\)</PackageProjectUrl>.*:\1:p' Directory.Build.props)}
module=$out/Cage/$version
operators=$out/Cage.Pester/$version
results=$out/test-results

# No build server stays behind: it would outlive the task, and hold a CI's pipe open.
export MSBUILDDISABLENODEREUSE=1 UseSharedCompilation=false DOTNET_CLI_USE_MSBUILD_SERVER=0
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

say() { printf '%s\n' "$*"; }
die() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" -eq 0 ]; }
# As .NET names a machine, and PowerShell the folder of a module's native files: writing-portable-modules in its documentation.
runtime_of() { case $1 in aarch64) say linux-arm64 ;; x86_64) say linux-x64 ;; *) die "Cage knows x86-64 and arm64, not $1." ;; esac; }

help() {
    cat <<'TEXT'
Usage: ./build.sh [TASK]
  build     the command to out/bin/cage and the module to out/Cage/<version>/ (the default)
  test      build, then every suite; the last line is the count. As root, or much is skipped: sudo ./build.sh test
  demo      build, then the main job end to end in a temporary store: sudo ./build.sh demo
  bench     build, then measure against the C floors and the peers: sudo ./build.sh bench
  package   build, then pack: out/cage-<version>-<machine>.tar.gz of all, out/*.nupkg of the modules for a repository;
            package --arm64: for arm64 too, by a cross compiler
  clean     remove out/
Missing Debian packages are installed when root, and named otherwise.
TEXT
}

# --- What the machine must have -------------------------------------------------------------------------------------------------

# sudo has a PATH of its own, without the tools below a home directory: those are looked for here.
find_tools() {
    local home caller
    # dotnet wants a home directory; a CI may have none.
    [ -n "${HOME:-}" ] || { HOME=$(getent passwd "$(id -u)" | cut -d: -f6); export HOME; }
    caller=$(getent passwd "${SUDO_USER:-}" | cut -d: -f6 || true)
    for home in "$HOME" ${caller:+"$caller"}; do
        PATH=$PATH:$home/.dotnet:$home/.dotnet/tools
    done
    PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/share/dotnet:/usr/share/dotnet:/usr/lib/dotnet
    export PATH
}

need_dotnet() { have dotnet || die 'the .NET SDK 10 is missing: https://dotnet.microsoft.com/download'; }

has_header() { have cc && echo "#include <$1>" | cc -E - >/dev/null 2>&1; }

# Prints the packages that are missing among PROBE=PACKAGE...; a probe is a command, a C header, or a path.
missing() {
    local pair probe
    for pair; do
        probe=${pair%%=*}
        case $probe in
            *.h) has_header "$probe" || say "${pair#*=}" ;;
            /*) [ -e "$probe" ] || say "${pair#*=}" ;;
            *) have "$probe" || say "${pair#*=}" ;;
        esac
    done
}

apt_install() { DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@"; }

# Installs what is missing among PROBE=PACKAGE..., or names it; fails when something is still missing afterwards.
need() {
    local packages log
    mapfile -t packages < <(missing "$@")
    [ ${#packages[@]} -gt 0 ] || return 0
    if ! is_root || ! have apt-get; then
        say "missing: ${packages[*]}; on Debian: sudo apt-get install ${packages[*]}"
        return 1
    fi
    say "installing ${packages[*]}"
    log=$(mktemp)
    # The package lists are fetched only when those at hand (perhaps none) do not do.
    if ! { apt_install "${packages[@]}" || { apt-get -qq update && apt_install "${packages[@]}"; }; } >"$log" 2>&1; then
        cat "$log"
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
    case " ${packages[*]} " in *' nginx-light '*) put_to_rest nginx ;; esac
    case " ${packages[*]} " in *' openssh-server '*) put_to_rest ssh ;; esac
}

# Debian starts a service on installation; ours are started inside cages only.
put_to_rest() {
    service "$1" stop >/dev/null 2>&1 || true
    ! have systemctl || systemctl disable "$1" >/dev/null 2>&1 || true
}

# NativeAOT links with cc; zlib is on its list of libraries.
need_for_build() { need cc=gcc stdlib.h=libc6-dev zlib.h=zlib1g-dev || die 'cannot build without these'; }

need_for_arm64() { need aarch64-linux-gnu-gcc=gcc-aarch64-linux-gnu /usr/aarch64-linux-gnu/lib/libc.a=libc6-dev-arm64-cross || die 'cannot build for arm64 without these'; }

need_for_test() {
    need nginx=nginx-light curl=curl strace=strace tmux=tmux unshare=util-linux ip=iproute2 nft=nftables ps=procps jq=jq \
        mkfs.btrfs=btrfs-progs mkfs.xfs=xfsprogs mkfs.ext4=e2fsprogs script=bsdutils losetup=mount sudo=sudo ping=iputils-ping getcap=libcap2-bin \
        busybox=busybox cvs=cvs musl-gcc=musl-tools sshd=openssh-server ssh=openssh-client ||
        say 'the tests that need these are skipped'
}

need_for_bench() { need bwrap=bubblewrap crun=crun unshare=util-linux schroot=schroot jk_cp=jailkit || say 'the measurements that need these are skipped'; }

# --- Tasks ----------------------------------------------------------------------------------------------------------------------

build() {
    need_dotnet
    need_for_build
    say "building Cage $version"
    dotnet build Cage.slnx -c Release -v quiet --nologo
    dotnet publish src/Cage.Cli -c Release -v quiet --nologo -o "$out/publish"
    # install, not cp: it makes a new file, and one that runs right now cannot be written to.
    install -D -m 755 "$out/publish/cage" "$out/bin/cage"
    build_module
    say "command: ${out#"$PWD/"}/bin/cage    module: ${module#"$PWD/"}"
}

build_module() {
    local built=$out/artifacts/bin/Cage.PowerShell/release
    rm -rf "$module"
    mkdir -p "$module/bin"
    place_manifest Cage.psd1 "$module"
    find module -maxdepth 1 -name '*.ps1xml' -exec cp -t "$module" {} +
    # By name: what it was compiled against (System.Management.Automation) is pwsh's own and must not come along.
    cp -t "$module/bin" "$built"/Cage.{PowerShell,PowerShell.Transport,Engine,Interop}.dll
    place_native "$(runtime_of "$(uname -m)")" "$out/bin/cage"
    packager help docs "$module" ${address:+"$address"}
    # The pages themselves too: help leads to them where they are nowhere on the web.
    cp -r docs "$module/docs"
    rm -rf "$operators"
    mkdir -p "$operators"
    place_manifest module/Cage.Pester/Cage.Pester.psd1 "$operators"
    cp -t "$operators" module/Cage.Pester/Cage.Pester.psm1
}

# place_native RUNTIME COMMAND: the module's part for a machine, where PowerShell looks for it.
place_native() {
    install -D -m 755 "$2" "$module/bin/$1/cage"
    install -m 644 "$out/native/$1/libcage-spawn.so" "$module/bin/$1/libcage-spawn.so"
}

build_arm64() {
    need_for_arm64
    say "building for arm64"
    dotnet publish src/Cage.Cli -c Release -v quiet --nologo -p:CageRuntime=linux-arm64 -o "$out/publish-arm64"
    place_native linux-arm64 "$out/publish-arm64/cage"
}

# place_manifest MANIFEST FOLDER: PowerShell wants the folder's version in it, and Directory.Build.props is where that is kept. What a repository shows goes along.
place_manifest() {
    local links="s,^\( *\)LicenseUri .*,&\n\1ProjectUri   = '$address'\n\1IconUri      = '$address/module/icon.png',"
    sed -e "s/^\( *ModuleVersion *= *\).*/\1'$version'/" ${address:+-e "$links"} "$1" >"$2/$(basename "$1")"
    cp -t "$2" CHANGELOG.md LICENSE module/icon.png
}

packager() { dotnet "$out/artifacts/bin/Cage.Packager/release/Cage.Packager.dll" "$@"; }

package() {
    local machine files=()
    case ${1:-} in '' | --arm64) ;; *) help >&2; exit 2 ;; esac
    build
    machine=$(uname -m)
    if [ "${1:-}" = --arm64 ] && [ "$machine" != aarch64 ]; then
        build_arm64
        archive aarch64 "$out/publish-arm64/cage"
    fi
    archive "$machine" "$out/bin/cage"
    packager pack "$module" "$out/Cage.$version.nupkg"
    packager pack "$operators" "$out/Cage.Pester.$version.nupkg"
    files+=(Cage."$version".nupkg Cage.Pester."$version".nupkg)
    say "${out#"$PWD/"}: ${files[*]}"
}

# archive MACHINE COMMAND: all of it, with the command for a machine.
archive() {
    local name=cage-$version-$1
    staging=$(mktemp -d)
    trap 'rm -rf "$staging"' EXIT
    mkdir -p "$staging/$name/bin"
    cp -r "$out/Cage" "$out/Cage.Pester" README.md CHANGELOG.md LICENSE docs "$staging/$name/"
    cp "$2" "$staging/$name/bin/cage"
    # The same input gives the same archive: no names, no order and no times of this machine.
    tar -C "$staging" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct 2>/dev/null || echo 0)" \
        -czf "$out/$name.tar.gz" "$name"
    rm -rf "$staging"
    files+=("$name.tar.gz")
}

bench() {
    need_for_bench
    build
    CAGE_COMMAND=$out/bin/cage tests/bench/run.sh
}

clean() { rm -rf --one-file-system "$out"; }

# --- Tests ----------------------------------------------------------------------------------------------------------------------

passed=0 failed=0 skipped=0

# count NAME PASSED FAILED SKIPPED STATUS: adds a suite up. One that ended badly without a failed test, or ran nothing, is a failure itself.
count() {
    local bad=$3
    if [ "$5" -ne 0 ] && [ "$3" -eq 0 ]; then
        say "$1: crashed or hung (status $5)"
        bad=1
    elif [ $(($2 + $3 + $4)) -eq 0 ]; then
        say "$1: ran nothing"
        bad=1
    fi
    passed=$((passed + $2)) failed=$((failed + bad)) skipped=$((skipped + $4))
    say "$1: $2 passed, $bad failed, $4 skipped"
}

# xunit_suite PROJECT. Counted from the report, not from what scrolls by: a test's own output may say anything.
xunit_suite() {
    local name status=0 report total executed ok
    name=$(basename "$1")
    report=$results/$name.trx
    timeout -k 10 600 dotnet test "$1" -c Release --no-build --nologo --logger "trx;LogFileName=$report" --logger 'console;verbosity=minimal' \
        --blame-hang --blame-hang-timeout 90s --blame-hang-dump-type none --results-directory "$results/$name" </dev/null || status=$?
    total=$(counter "$report" total) executed=$(counter "$report" executed) ok=$(counter "$report" passed)
    count "$name" "$ok" $((executed - ok)) $((total - executed)) "$status"
}

# counter REPORT NAME: a number out of <Counters total="" executed="" passed="" .../>; 0 when the suite did not live to write it.
counter() {
    local number=''
    [ ! -f "$1" ] || number=$(sed -n "s/.*<Counters [^>]*\b$2=\"\([0-9]*\)\".*/\1/p" "$1")
    say "${number:-0}"
}

pester_suite() {
    local files=(tests/*.Tests.ps1) its why='' status=0 ok=0 bad=0 skip=0
    [ -e "${files[0]}" ] || return 0
    if ! have pwsh; then
        why='no pwsh here: https://aka.ms/powershell, or dotnet tool install --global PowerShell'
    elif ! pwsh -NoProfile -Command 'exit [int] -not (Get-Module Pester -ListAvailable | Where-Object Version -ge ([version] "5.0"))' </dev/null; then
        why='pwsh has no Pester 5: Install-PSResource Pester'
    fi
    if [ -n "$why" ]; then
        its=$(cat "${files[@]}" | grep -cE '^[[:space:]]*It[[:space:]]' || true)
        [ "$its" -gt 0 ] || its=1
        skipped=$((skipped + its))
        say "Pester: $its skipped ($why)"
        return 0
    fi
    rm -f "$results/pester.counts"
    timeout -k 10 600 pwsh -NoProfile -File build.ps1 -Task Pester </dev/null || status=$?
    if [ -f "$results/pester.counts" ]; then read -r ok bad skip <"$results/pester.counts"; fi
    count Pester "$ok" "$bad" "$skip" "$status"
}

run_tests() {
    local project
    # A process of its own: set -e is off in all that an if asks about.
    if ! "$PWD/build.sh" build; then
        say 'the build failed, nothing was tested'
        say '0 passed, 1 failed'
        exit 1
    fi
    need_for_test
    is_root || say 'not root: the tests that need root are skipped'
    rm -rf "$results"
    mkdir -p "$results"
    # The suites find what was just built, and never a store of this machine's.
    export CAGE_COMMAND=$out/bin/cage CAGE_MODULE=$module/Cage.psd1
    unset CAGE_CONF
    for project in tests/*/*.Tests.csproj; do xunit_suite "$(dirname "$project")"; done
    pester_suite
    if [ "$skipped" -gt 0 ]; then
        say "$passed passed, $failed failed, $skipped skipped"
    else
        say "$passed passed, $failed failed"
    fi
    [ "$failed" -eq 0 ]
}

# --- Demo -----------------------------------------------------------------------------------------------------------------------

# show WHAT COMMAND...: says what is done, does it, and says how long it took.
show() {
    local what=$1 start word
    shift
    printf '\n# %s\n$' "$what"
    for word in "${@/#"$out/bin/"/}"; do
        case $word in *[!A-Za-z0-9_./=-]*) printf " '%s'" "$word" ;; *) printf ' %s' "$word" ;; esac
    done
    printf '\n'
    start=${EPOCHREALTIME//[!0-9]/}
    "$@"
    printf '  (%d.%d ms)\n' $(((${EPOCHREALTIME//[!0-9]/} - start) / 1000)) $(((${EPOCHREALTIME//[!0-9]/} - start) / 100 % 10))
}

demo() {
    local cage=$out/bin/cage upper
    is_root || die 'a cage needs root: sudo ./build.sh demo'
    build
    store=$(mktemp -d)
    # overlayfs cannot write on overlayfs, which is what / is in a container; /dev/shm is a tmpfs there too.
    if [ "$(stat -f -c %T "$store")" = overlayfs ]; then rmdir "$store"; store=$(mktemp -d -p /dev/shm); fi
    trap demo_cleanup EXIT
    export CAGE_CONF=$store/cage.conf
    printf 'data=%s/data\nrun=%s/run\n' "$store" "$store" >"$CAGE_CONF"

    show 'A base: this host as it is, read-only' "$cage" new base0 --read-only --source /
    show 'A cage over it' "$cage" new demo --base base0
    show 'Start it' "$cage" start demo
    show 'Go in: a host name of its own' "$cage" exec demo -- uname -n
    show 'And processes of its own' "$cage" exec demo -- sh -c 'if command -v ps >/dev/null; then ps -ef; else ls -d /proc/[0-9]*; fi'
    show 'Write a file, and remove one of the host' "$cage" exec demo -- sh -c 'echo from inside >/hello; rm /etc/passwd'
    upper=$(echo "$store"/data/*.w/root)
    show 'What changed, seen from the host: the file, and a whiteout' find "$upper" '(' -name hello -o -name passwd ')' -printf '%M %P\n'
    show 'The host still has its own' ls -l /etc/passwd
    show 'What is mounted in it' "$cage" mounts demo
    show 'All cages' "$cage" list
    show 'Stop it' "$cage" stop demo
    show 'Remove both' "$cage" remove demo base0
    show 'What is left of them: nothing' find "$store/data" -mindepth 1
    [ -z "$(ls -A "$store/data")" ] || die 'something was left'
    if grep -F " $store/" /proc/self/mounts; then die 'a mount was left'; fi
}

# Also after a failure half way: stopped, removed, and never an rm across a mount.
demo_cleanup() {
    "$out/bin/cage" stop --force demo >/dev/null 2>&1 || true
    "$out/bin/cage" remove --force demo base0 >/dev/null 2>&1 || true
    rm -rf --one-file-system "$store"
}

find_tools
case ${1:-build} in
    build | bench | clean | demo | help) "${1:-build}" ;;
    package) package "${@:2}" ;;
    test) run_tests ;;
    -h | --help) help ;;
    *) help >&2; exit 2 ;;
esac
