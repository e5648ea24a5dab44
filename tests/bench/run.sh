#!/usr/bin/env bash
# Measures Cage against what the kernel itself costs (the C floors here) and against its peers, side by side in one run, and prints which bounds hold.
# As root; CAGE_COMMAND is the command to measure (out/bin/cage by default), CAGE_BENCH_ROUNDS how often each is run (200), CAGE_BENCH_CROWD how
# many cages run at once (1000: about 4 GB). Status 1: a bound is missed, or a measurement failed. What needs one long-lived process is in Cage.Bench.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
cage=${CAGE_COMMAND:-$(readlink -f "$here/../../out/bin/cage")}
rounds=${CAGE_BENCH_ROUNDS:-200}
crowd=${CAGE_BENCH_CROWD:-1000}

die() { printf 'bench: %s\n' "$*" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || die 'needs root'
[ -x "$cage" ] || die "no command at $cage: ./build.sh build"
command -v cc >/dev/null || die 'needs cc (gcc, libc6-dev)'

# In a mount namespace of our own, for what a peer needs to see and nobody else is to.
[ -n "${CAGE_BENCH_PRIVATE:-}" ] || CAGE_BENCH_PRIVATE=1 exec unshare --mount --propagation private "$here/run.sh"

# crun refuses a machine whose cgroup v2 lies beside v1 and has controllers: here there are none to be seen.
controllers=/sys/fs/cgroup/unified/cgroup.controllers
[ -z "$(cat $controllers 2>/dev/null)" ] || mount --bind /dev/null "$controllers"

# The store is on disk (/tmp may be a tmpfs); on tmpfs are the hints, as /run/cage is nearly everywhere, and what is measured without a disk.
work=$(mktemp -d /var/tmp/cage-bench.XXXXXX)
memory=$(mktemp -d /dev/shm/cage-bench.XXXXXX)
table=$work/table
base=$work/base
overlay=$work/overlay
export CAGE_CONF=$work/cage.conf

# sweep CONF DATA: stops and removes every cage in a store, the bases last. After a good run there is none.
sweep() {
    local folder
    [ -e "$1" ] || return 0
    for folder in "$2"/*.w "$2"/*.r; do
        [ -e "$folder" ] || continue
        folder=$(basename "$folder")
        case $folder in *.w) CAGE_CONF=$1 "$cage" stop --force "${folder%.*}" ;; esac
        CAGE_CONF=$1 "$cage" remove --force "${folder%.*}"
    done
}

cleanup() {
    clear_peers
    crun --root "$work/crun" delete -f bench >/dev/null 2>&1 || true
    sweep "$CAGE_CONF" "$work/data" || true
    sweep "$memory/cage.conf" "$memory/data" || true
    # Never across a mount, should one be left.
    rm -rf --one-file-system "$work" "$memory"
}
# shellcheck source=tests/bench/peers.sh
. "$here/peers.sh"
trap cleanup EXIT
trap 'exit 130' INT TERM

# --- The table ------------------------------------------------------------------------------------------------------------------

row() { printf '%s\t%s\t%s\t%s\n' "$@" >>"$table"; }
skip() { row "$1" '-' "$2" "skipped: $3"; }
holds() { awk "BEGIN { exit !($1) }" && echo yes || echo no; }

# measure LABEL COMMAND... ++ LABEL COMMAND...: by turns; leaves the medians in median[LABEL] and shows all.
declare -A median
measure() {
    local label min med p95 ratio
    "$work/pairs" "$rounds" ++ "$@" >"$work/pairs.out" || return 1
    printf '%-12s %8s %8s %8s   %s\n' 'ms' min median p95 'first/this'
    while IFS=$'\t' read -r label min med p95 ratio; do
        printf '%-12s %8s %8s %8s   %s\n' "$label" "$min" "$med" "$p95" "$ratio"
        median[$label]=$med
    done <"$work/pairs.out"
}

# at_most WORK A B FACTOR: a row that says whether A's median is at most FACTOR times B's.
at_most() {
    row "$1" "${median[$2]} ms = $(awk "BEGIN { printf \"%.2f\", ${median[$2]} / ${median[$3]} }") x $3" "at most $4 x" "$(holds "${median[$2]} <= $4 * ${median[$3]}")"
}

ahead_of() { row "$1" "${median[$2]} : ${median[$3]} ms" "ahead of $3" "$(holds "${median[$2]} < ${median[$3]}")"; }

# --- What is measured with ------------------------------------------------------------------------------------------------------

for tool in cagebench ovlwrap enter pairs; do cc -O2 -static -o "$work/$tool" "$here/$tool.c"; done

# The smallest base: /bin/true and /bin/sleep as this machine has them, dynamic, with their libraries.
mkdir -p "$base"/{proc,sys,dev,tmp,run,etc,root,usr} "$overlay" "$work/data"
cp -L --parents -t "$base" /bin/true /bin/sleep
ldd /bin/true /bin/sleep | grep -o '/[^ :]*lib[^ :]*' | sort -u | xargs cp -L --parents -t "$base"

printf 'data=%s/data\nrun=%s/hints\n' "$work" "$memory" >"$CAGE_CONF"
printf 'data=%s/data\nrun=%s/run\n' "$memory" "$memory" >"$memory/cage.conf" # Cage.Bench's store, for sweep.
"$cage" new benchbase --read-only --source "$base" >/dev/null

# --- A fresh cage, whole command ------------------------------------------------------------------------------------------------

run_once() {
    local what='cage run -- /bin/true, Jail, tmpfs upper' peer=()
    printf '\n%s\n' "$what"
    if command -v bwrap >/dev/null; then
        peer=(++ bwrap "$work/ovlwrap" "$base" "$overlay" -- "$(command -v bwrap)" --bind "$overlay/m" / --unshare-pid --unshare-ipc --unshare-uts
            --unshare-cgroup --proc /proc --ro-bind /sys /sys --dev /dev --tmpfs /tmp -- /bin/true)
    fi
    if ! measure cage "$cage" run --base benchbase -- /bin/true ++ C "$work/cagebench" -b "$base" -r "$overlay" -d tmpfs -u tmpfs -x /bin/true "${peer[@]}"; then
        row "$what" failed '-' no
        return
    fi
    at_most "$what" cage C 2.5
    if [ ${#peer[@]} -gt 0 ]; then ahead_of "$what" cage bwrap; else skip "$what" 'ahead of bwrap' 'bwrap is not installed'; fi
    peers
}

# --- A command in a running cage, and what that cage holds in memory ------------------------------------------------------------

# bundle_config ROOT ARGS: what crun is told.
bundle_config() {
    cat <<JSON
{ "ociVersion": "1.0.0", "root": { "path": "$1" },
  "process": { "cwd": "/", "args": [$2], "env": ["PATH=/bin"], "user": { "uid": 0, "gid": 0 } },
  "mounts": [{ "destination": "/proc", "type": "proc", "source": "proc" }],
  "linux": { "namespaces": [{ "type": "mount" }, { "type": "pid" }, { "type": "ipc" }, { "type": "uts" }] } }
JSON
}

start_crun() {
    mkdir -p "$work/bundle"
    bundle_config "$base" '"/bin/sleep", "infinity"' >"$work/bundle/config.json"
    # No control group: that makes crun faster, and needs nothing of the machine's.
    crun --root "$work/crun" --cgroup-manager=disabled run --detach --bundle "$work/bundle" bench </dev/null >"$work/crun.log" 2>&1
}

exec_running() {
    local what='cage exec -- /bin/true in a running Jail' peer=() why='crun is not installed'
    printf '\n%s\n' "$what"
    if command -v crun >/dev/null; then
        if start_crun; then
            peer=(++ crun "$(command -v crun)" --root "$work/crun" --cgroup-manager=disabled exec bench /bin/true)
        else
            why="crun does not start here: $(tail -n 1 "$work/crun.log")"
        fi
    fi
    if ! measure cage "$cage" exec benchjail -- /bin/true ++ C "$work/enter" "$init" /bin/true "${peer[@]}"; then
        row "$what" failed '-' no
        return
    fi
    at_most "$what" cage C 2.5
    if [ ${#peer[@]} -gt 0 ]; then ahead_of "$what" cage crun; else skip "$what" 'ahead of crun' "$why"; fi
}

# Of all processes in the jail's pid namespace: nothing was started in it, so they are what Cage itself keeps there.
resident() {
    local process total=0 pss own
    own=$(readlink "/proc/$init/ns/pid")
    for process in /proc/[0-9]*; do
        [ "$(readlink "$process/ns/pid" 2>/dev/null)" = "$own" ] || continue
        pss=$(awk '/^Pss:/ { print $2 }' "$process/smaps_rollup")
        total=$((total + pss))
    done
    row 'memory of a running idle Jail (PSS)' "$(awk "BEGIN { printf \"%.2f\", $total / 1024 }") MB" 'at most 4 MB' "$(holds "$total <= 4096")"
}

running() {
    "$cage" new benchjail --base benchbase >/dev/null
    "$cage" start benchjail
    init=$("$cage" show benchjail --json | grep -o '"processId": *[0-9]*' | grep -o '[0-9]*$')
    resident
    exec_running
    "$cage" stop benchjail
    "$cage" remove benchjail benchbase
}

# --- What needs one long-lived process ------------------------------------------------------------------------------------------

# bench_program WORK N: Cage.Bench on an empty store on tmpfs; its lines "NAME MILLISECONDS" are left in figure[NAME].
declare -A figure
bench_program() {
    local name time
    rm -rf --one-file-system "$memory/data" "$memory/run"
    dotnet run -c Release --no-build --project "$here/Cage.Bench" -- "$1" "$cage" "$base" "$memory" "$2" >"$work/long.out" || return 1
    while read -r name time; do figure[$name]=$time; done <"$work/long.out"
    cat "$work/long.out"
}

middle() { sort -n | awk '{ line[NR] = $1 } END { print line[int((NR + 1) / 2)] }'; }

start_stop() {
    local what='start + stop in one process, upper on tmpfs' floors='' times=''
    printf '\n%s (ms, medians of %s)\n' "$what" "$rounds"
    # By turns, three each: the two cannot share a process.
    for _ in 1 2 3; do
        floors+=$("$work/cagebench" -l "$rounds" -v -d tmpfs -x /bin/true -b "$base" -r "$overlay" | awk '{ print $4 / 1000 }')$'\n'
        bench_program startstop "$rounds" || { row "$what" failed '-' no; return; }
        times+=${figure[start+stop]}$'\n'
    done
    median[start+stop]=$(printf %s "$times" | middle)
    median[C loop]=$(printf %s "$floors" | middle)
    printf 'C loop %s\n' "${median[C loop]}"
    at_most "$what" start+stop 'C loop' 3
}

many() {
    local first after list
    printf '\n%s Jails at once (ms)\n' "$crowd"
    bench_program crowd "$crowd" || { row "$crowd Jails" failed '-' no; return; }
    first=${figure[first]} after=${figure[after]} list=${figure[list]}
    row "start of one more while $crowd run" "$after ms = $(awk "BEGIN { printf \"%.2f\", $after / $first }") x first" 'at most 1.3 x' "$(holds "$after <= 1.3 * $first")"
    row "list of all while $crowd run" "$list ms" 'at most 60 ms' "$(holds "$list <= 60")"
}

long_lived() {
    if ! command -v dotnet >/dev/null; then skip 'what needs one long-lived process' '-' 'no dotnet'; return; fi
    dotnet build -c Release -v quiet --nologo "$here/Cage.Bench" >"$work/build.out" || { cat "$work/build.out"; row 'Cage.Bench' 'does not build' '-' no; return; }
    start_stop
    many
}

# Its lines for the table come on descriptor 3.
roots() { "$here/roots.sh" "$cage" "$work" "$rounds" 3>>"$table" || row 'roots from chosen commands' failed '-' no; }

run_once
running
long_lived
roots

printf '\n%-44s %-28s %-16s %s\n' work figure bound 'met?'
while IFS=$'\t' read -r what figure bound met; do printf '%-44s %-28s %-16s %s\n' "$what" "$figure" "$bound" "$met"; done <"$table"
printf '\n'
status=0
"$here/snapshots.sh" || status=1
! cut -f 4 "$table" | grep -qx no || status=1
exit $status
