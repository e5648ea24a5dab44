# shellcheck shell=bash
# What others take for the work of `cage run -- /bin/true`, for orientation: no bound but being ahead of bwrap, which run.sh sees to.
# Sourced by run.sh; uses its $work, $base, $overlay, measure, median. Each mounts a fresh overlay on tmpfs (ovlwrap) around the peer.

# Each prints the words of its command, one a line; nothing where it is not installed.
peer_unshare() {
    command -v unshare >/dev/null || return 0
    # shellcheck disable=SC2016 # The inner shell is to expand these.
    printf '%s\n' unshare --mount --pid --ipc --uts --cgroup --fork --propagation private --kill-child \
        sh -c 'mount -t proc proc "$1/proc" && mount -t sysfs -o ro sys "$1/sys" && mount -t tmpfs tmp "$1/tmp" && exec chroot "$1" /bin/true' sh "$overlay/m"
}

peer_systemd-nspawn() {
    command -v systemd-nspawn >/dev/null || return 0
    printf '%s\n' systemd-nspawn --quiet --register=no --keep-unit --directory="$overlay/m" /bin/true
}

peer_crun() {
    command -v crun >/dev/null || return 0
    mkdir -p "$work/peer"
    bundle_config "$overlay/m" '"/bin/true"' >"$work/peer/config.json"
    printf '%s\n' crun --root "$work/crun" --cgroup-manager=disabled run --bundle "$work/peer" peer
}

peer_podman() {
    command -v podman >/dev/null || return 0
    printf '%s\n' podman --root "$work/podman" --runroot "$work/podman-run" --cgroup-manager=cgroupfs --events-backend=none run --rm \
        --cgroups=disabled --network=host --log-driver=none --rootfs "$overlay/m" /bin/true
}

# schroot makes the overlay itself, below /var/lib/schroot; its configuration is in /etc, where ours is laid over in this mount namespace alone.
peer_schroot() {
    local own=$work/schroot
    command -v schroot >/dev/null || return 0
    mkdir -p "$own"
    printf '[cage-bench]\ntype=directory\ndirectory=%s\nunion-type=overlay\nprofile=minimal\nroot-users=root\n' "$base" >"$own/cage-bench"
    mountpoint -q /etc/schroot/chroot.d || mount --bind "$own" /etc/schroot/chroot.d
    printf '%s\n' schroot --chroot cage-bench --directory / -- /bin/true
}

# try_peer NAME: whether it does the work here at all. Its own last words otherwise, or that it is not there, in why[NAME].
declare -A why
try_peer() {
    mapfile -t peer < <("peer_$1")
    if [ ${#peer[@]} -eq 0 ]; then why[$1]='not installed'; return 1; fi
    peer[0]=$(command -v "${peer[0]}")
    [ "$1" = schroot ] || peer=("$work/ovlwrap" "$base" "$overlay" -- "${peer[@]}")
    if "${peer[@]}" </dev/null >"$work/peer.out" 2>&1; then return 0; fi
    why[$1]="does not start here: $(grep -v '^$' "$work/peer.out" | tail -n 1)"
    return 1
}

peers() {
    local name all=(++ cage "$cage" run --base benchbase -- /bin/true) known=(unshare systemd-nspawn crun schroot podman) ran=(cage)
    printf '\nthe same work by others, for orientation\n'
    for name in "${known[@]}"; do
        try_peer "$name" || continue
        all+=(++ "$name" "${peer[@]}")
        ran+=("$name")
    done
    # A peer may take a second: a tenth of the rounds is enough for these.
    rounds=$(((rounds + 9) / 10)) measure "${all[@]:1}" 2>"$work/peer.out" || printf 'one of them failed: %s\n' "$(tail -n 1 "$work/peer.out")"
    for name in "${known[@]}"; do
        [ -z "${why[$name]:-}" ] || printf '%-14s %s\n' "$name" "${why[$name]}"
    done
}

clear_peers() {
    crun --root "$work/crun" delete -f peer >/dev/null 2>&1 || true
    # systemd-nspawn leaves it.
    rmdir /run/systemd/nspawn/propagate/m 2>/dev/null || true
    umount /etc/schroot/chroot.d 2>/dev/null || true
    [ ! -e "$work/podman" ] || podman --root "$work/podman" --runroot "$work/podman-run" system reset --force >/dev/null 2>&1 || true
}
