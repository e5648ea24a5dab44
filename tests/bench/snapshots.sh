#!/usr/bin/env bash
# Snapshots and layers against what the kernel takes for them: prints the same table as run.sh, which calls it. On loop devices of its own, in its own
# mount namespace. As root; CAGE_COMMAND is the command (out/bin/cage by default), CAGE_BENCH_FILES how many files the large tree has (100000).
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
if [ -z "${CAGE_BENCH_INSIDE:-}" ]; then CAGE_BENCH_INSIDE=1 exec unshare --mount --propagation private "$0" "$@"; fi
cage=${CAGE_COMMAND:-$(readlink -f "$here/../../out/bin/cage")}
files=${CAGE_BENCH_FILES:-100000}
work=$(mktemp -d /var/tmp/cage-bench.XXXXXX)
memory=$(mktemp -d /dev/shm/cage-bench.XXXXXX)
export CAGE_CONF=$work/cage.conf
trap 'umount "$work"/*/ 2>/dev/null || true; rm -rf --one-file-system "$work" "$memory"' EXIT
trap 'exit 130' INT TERM

row() { printf '%-44s %-28s %-16s %s\n' "$@"; }
holds() { awk "BEGIN { exit !($1) }" && echo yes || { touch "$work/missed"; echo no; }; }
middle() { sort -n | awk '{ line[NR] = $1 } END { print line[int((NR + 1) / 2)] }'; }

# timed COMMAND...: its wall time in milliseconds.
timed() {
    local start
    start=$(date +%s%N)
    "$@" >"$work/said" 2>&1 || { cat "$work/said" >&2; return 1; }
    awk "BEGIN { printf \"%.1f\n\", ($(date +%s%N) - $start) / 1e6 }"
}

# tree DIR N: N small files in N / 20 folders.
tree() {
    awk -v n="$2" 'BEGIN { srand(1); for (i = 0; i < n; i++) printf "d%d/d%d/f%d %d\n", i % 50, int(i / 50) % (n / 1000 + 1), i, int(rand() * 12000) }' >"$work/list"
    mkdir -p "$1"
    (cd "$1" && cut -d' ' -f1 "$work/list" | sed 's,/[^/]*$,,' | sort -u | xargs mkdir -p && head -c 12000 /dev/urandom >"$work/data" &&
        perl -e 'open D, "<", $ARGV[0]; read D, $d, 12000; open L, "<", $ARGV[1]; while (<L>) { ($f, $s) = split; open F, ">", $f or die; print F substr($d, 0, $s); close F }' "$work/data" "$work/list")
    sync -f "$1"
}

loop() { truncate -s "$1" "$work/$2.img" && "mkfs.$2" -q "$work/$2.img" >/dev/null && mkdir "$work/$2" && mount -o loop "$work/$2.img" "$work/$2"; }

store() { printf 'data=%s/data\nrun=%s/run\nsnapshots=%s/snapshots\n' "$1" "$memory" "$1" >"$CAGE_CONF"; }

btrfs_snapshots() {
    local n step whole raw times floors
    command -v mkfs.btrfs >/dev/null || { row 'btrfs snapshot' '-' '-' 'skipped: btrfs-progs is not installed'; return; }
    loop 8G btrfs
    store "$work/btrfs"
    cc -O2 -o "$work/snap" "$here/snap.c"
    for n in $((files / 10)) "$files"; do
        btrfs subvolume create "$work/btrfs/tree$n" >/dev/null
        tree "$work/btrfs/tree$n" "$n"
        times='' floors='' step=''
        for i in $(seq 11); do
            "$work/snap" "$work/btrfs/tree$n" "$work/btrfs" "raw$n.$i" >"$work/raw"
            floors+=$(cat "$work/raw")$'\n'
            times+=$(timed "$cage" snapshot new --source "$work/btrfs/tree$n")$'\n'
            step+=$(strace -f -T -e trace=ioctl "$cage" snapshot new --source "$work/btrfs/tree$n" 2>&1 >/dev/null | sed -n 's/.*SNAP_CREATE_V2.*<\([0-9.]*\)>$/\1/p' | awk '{ print $1 * 1000 }')$'\n'
        done
        raw=$(printf %s "$floors" | middle) whole=$(printf %s "$times" | middle) step=$(printf %s "$step" | middle)
        row "btrfs snapshot of $n files: the ioctl" "$step : $raw ms raw" 'at most 1.2 x' "$(holds "$step <= 1.2 * $raw")"
        row "btrfs snapshot of $n files: whole command" "$whole : $raw ms raw" 'ioctl + 15 ms' "$(holds "$whole <= $raw + 15")"
    done
    umount "$work/btrfs"
    rm "$work/btrfs.img"
}

copies() {
    local provider ours theirs flag
    command -v mkfs.xfs >/dev/null || { row 'reflink and copy' '-' '-' 'skipped: xfsprogs is not installed'; return; }
    loop 16G xfs
    store "$work/xfs"
    tree "$work/xfs/tree" "$files"
    for provider in reflink copy; do
        flag=$([ $provider = reflink ] && echo always || echo never)
        ours='' theirs=''
        for i in 1 2 3; do
            theirs+=$(timed cp -a "--reflink=$flag" "$work/xfs/tree" "$work/xfs/other$i")$'\n'
            sync -f "$work/xfs"
            ours+=$(timed "$cage" snapshot new --provider "$provider" --source "$work/xfs/tree")$'\n'
            sync -f "$work/xfs"
            "$cage" snapshot remove "$(cat "$work/said")"
            rm -rf "$work/xfs/other$i"
        done
        ours=$(printf %s "$ours" | middle) theirs=$(printf %s "$theirs" | middle)
        row "$provider of $files files" "$ours : $theirs ms" "ahead of cp -a" "$(holds "$ours < $theirs")"
    done
    umount "$work/xfs"
    rm "$work/xfs.img"
}

layers() {
    local n raw ours
    declare -A floor start
    cc -O2 -o "$work/layers" "$here/layers.c"
    mkdir -p "$memory/base"/{proc,sys,dev,tmp,run,etc} "$memory/mount"
    # As deep as in a store, each in a folder of its own: overlayfs looks at every folder above a layer.
    for i in $(seq 500); do printf '%s/layers/data/%036d.r/root\n' "$memory" "$i"; done >"$work/paths"
    xargs mkdir -p <"$work/paths"
    # All by turns: the machine's pace drifts by more than 64 layers take.
    for _ in 1 2 3 4 5; do
        for n in 1 64 500; do
            floor[$n]+=$("$work/layers" "$memory/mount" "$n" <"$work/paths")$'\n'
            rm -rf "$memory/store"
            mkdir "$memory/store"
            start[$n]+=$(dotnet run -c Release --no-build --project "$here/Cage.Bench" -- layers "$cage" "$memory/base" "$memory/store" "$n" | awk '{ print $2 * 1000 }')$'\n'
        done
    done
    for n in 1 64 500; do floor[$n]=$(printf %s "${floor[$n]}" | middle) start[$n]=$(printf %s "${start[$n]}" | middle); done
    for n in 64 500; do
        raw=$(awk "BEGIN { print ${floor[$n]} - ${floor[1]} }") ours=$(awk "BEGIN { print ${start[$n]} - ${start[1]} }")
        row "start with $n layers, over that with one" "$(awk "BEGIN { printf \"%.2f ms = %.2f x raw\", $ours / 1000, $ours / $raw }")" 'at most 1.3 x' "$(holds "$ours <= 1.3 * $raw")"
    done
}

row work figure bound 'met?'
btrfs_snapshots
copies
layers
[ ! -e "$work/missed" ]
