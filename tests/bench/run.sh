#!/usr/bin/env bash
# Measures Cage against what the kernel itself costs (the C floors here) and against its peers, side by side in one run, and prints which bounds hold.
# As root; CAGE_COMMAND is the command to measure (out/bin/cage by default), CAGE_BENCH_ROUNDS how often each is run (200).
# Status 1: a bound is missed, or a measurement failed.
#
# Cage.Bench, where it is there, measures what needs one long-lived process. It finds CAGE_CONF (a store to itself), CAGE_BENCH_BASE (a root with
# /bin/true; `benchbase` in the store), CAGE_BENCH_FLOOR (the cagebench program) and CAGE_BENCH_RUN (an empty folder for it), and adds to the table
# by lines "row<TAB>WORK<TAB>FIGURE<TAB>BOUND<TAB>yes|no"; what else it prints is shown as it is.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
cage=${CAGE_COMMAND:-$(readlink -f "$here/../../out/bin/cage")}
rounds=${CAGE_BENCH_ROUNDS:-200}

die() { printf 'bench: %s\n' "$*" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || die 'needs root'
[ -x "$cage" ] || die "no command at $cage: ./build.sh build"
command -v cc >/dev/null || die 'needs cc (gcc, libc6-dev)'

# On disk, as a store is; /tmp may be a tmpfs. Hints lie on /run, a tmpfs, as they do in earnest.
work=$(mktemp -d /var/tmp/cage-bench.XXXXXX)
hints=$(mktemp -d /run/cage-bench.XXXXXX)
table=$work/table
base=$work/base
overlay=$work/overlay
export CAGE_CONF=$work/cage.conf

cleanup() {
    "$cage" stop --force benchjail >/dev/null 2>&1 || true
    crun --root "$work/crun" delete -f bench >/dev/null 2>&1 || true
    # Never across a mount, should one be left.
    rm -rf --one-file-system "$work" "$hints"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# --- The table ------------------------------------------------------------------------------------------------------------------

row() { printf '%s\t%s\t%s\t%s\n' "$@" >>"$table"; }
skip() { row "$1" '-' '-' "skipped: $2"; }
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
mkdir -p "$base"/{proc,sys,dev,tmp,run,etc,root} "$overlay" "$work/data"
cp -L --parents -t "$base" /bin/true /bin/sleep
ldd /bin/true /bin/sleep | grep -o '/[^ :]*lib[^ :]*' | sort -u | xargs cp -L --parents -t "$base"

printf 'data=%s/data\nrun=%s\n' "$work" "$hints" >"$CAGE_CONF"
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
    if [ ${#peer[@]} -gt 0 ]; then ahead_of "$what" cage bwrap; else skip "$what, ahead of bwrap" 'bwrap is not installed'; fi
}

# --- A command in a running cage, and what that cage holds in memory ------------------------------------------------------------

start_crun() {
    mkdir -p "$work/bundle"
    cat >"$work/bundle/config.json" <<JSON
{ "ociVersion": "1.0.0", "root": { "path": "$base" },
  "process": { "cwd": "/", "args": ["/bin/sleep", "infinity"], "env": ["PATH=/bin"], "user": { "uid": 0, "gid": 0 } },
  "mounts": [{ "destination": "/proc", "type": "proc", "source": "proc" }],
  "linux": { "namespaces": [{ "type": "mount" }, { "type": "pid" }, { "type": "ipc" }, { "type": "uts" }] } }
JSON
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
    if [ ${#peer[@]} -gt 0 ]; then ahead_of "$what" cage crun; else skip "$what, ahead of crun" "$why"; fi
}

# Of all processes in the jail's pid namespace: nothing was started in it, so they are what Cage itself keeps there.
memory() {
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
    memory
    exec_running
    "$cage" stop benchjail
    "$cage" remove benchjail
}

# --- What needs one long-lived process ------------------------------------------------------------------------------------------

long_lived() {
    local what='one long-lived process; 1000 cages'
    if [ ! -d "$here/Cage.Bench" ]; then
        skip "$what" 'no tests/bench/Cage.Bench'
        return
    fi
    printf '\n%s\n' "$what"
    mkdir -p "$work/long"
    CAGE_COMMAND=$cage CAGE_BENCH_BASE=$base CAGE_BENCH_FLOOR=$work/cagebench CAGE_BENCH_RUN=$work/long \
        dotnet run -c Release --project "$here/Cage.Bench" >"$work/long.out" || row "$what" failed '-' no
    grep -v $'^row\t' "$work/long.out" || true
    { grep $'^row\t' "$work/long.out" || true; } | cut -f 2- >>"$table"
}

run_once
running
long_lived

printf '\n%-46s %-22s %-16s %s\n' work figure bound 'met?'
while IFS=$'\t' read -r what figure bound met; do printf '%-46s %-22s %-16s %s\n' "$what" "$figure" "$bound" "$met"; done <"$table"
! cut -f 4 "$table" | grep -qx no
