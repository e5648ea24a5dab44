#!/usr/bin/env bash
# Measures roots from chosen commands against plain C, cp and the peers: roots.sh CAGE WORK ROUNDS, called by run.sh, to whose table it adds lines
# "WORK <tab> FIGURE <tab> BOUND <tab> MET?" on descriptor 3. What the commands print goes to standard output. The floor `needed` is tests/bench/needed.c.
set -euo pipefail
cage=$1 work=$2 rounds=$3
here=$(dirname "$(readlink -f "$0")")
commands=(awk bash cat cp date env grep head id ls mkdir mv perl printf rm sed sh sort tar tr)

cc -O2 -static -o "$work/needed" "$here/needed.c"
[ -x "$work/pairs" ] || cc -O2 -static -o "$work/pairs" "$here/pairs.c"

# median LABEL: of the last run of pairs.
median() { awk -F'\t' -v label="$1" '$1 == label { print $3 }' "$work/pairs.out"; }
row() { printf '%s\t%s\t%s\t%s\n' "$@" >&3; }
holds() { awk "BEGIN { exit !($1) }" && echo yes || echo no; }
times() { awk "BEGIN { printf \"%.2f\", $1 / $2 }"; }

# By turns, in files that xargs could not split: all in one process, as needed is.
mapfile -t programs < <(find /usr/bin -maxdepth 1 '(' -type f -o -type l ')' -exec sh -c 'for f; do [ -f "$f" ] && printf "%s\n" "$f"; done' sh {} +)
closure() {
    local ours floor told
    "$work/pairs" 20 ++ cage "$cage" deps --no-packs "${programs[@]}" ++ needed "$work/needed" "${programs[@]}" ++ packs "$cage" deps "${programs[@]}" >"$work/pairs.out"
    cat "$work/pairs.out"
    ours=$(median cage) floor=$(median needed)
    row "closure of the ${#programs[@]} in /usr/bin" "$ours ms = $(times "$ours" "$floor") x needed" 'at most 4 x' "$(holds "$ours <= 4 * $floor")"
    # ldd once: it takes seconds, and is 20 times as long or it is not.
    told=$(TIMEFORMAT=%R; { time ldd "${programs[@]}" >/dev/null 2>&1 || :; } 2>&1)
    row "closure of the ${#programs[@]} in /usr/bin" "$ours ms : ldd $(awk "BEGIN { print $told * 1000 }") ms" '20 x ahead of ldd' "$(holds "20 * $ours <= 1000 * $told")"
}

# The same files by cp into an empty folder, each time anew; the removal is outside of what is compared, being the same for both.
root() {
    local paths options=() ours copy
    for command in "${commands[@]}"; do options+=(--command "$command"); done
    "$cage" new benchroot --read-only --no-packs "${options[@]}" >/dev/null
    paths=$(cd "$work/data" && cd "$(grep -l '^name=benchroot$' ./*/cage.conf | xargs dirname)/root" && find . ! -type d)
    "$cage" remove benchroot
    printf '%s\n' "$paths" >"$work/paths"
    printf '#!/bin/sh\n%s new benchroot --read-only --no-packs %s >/dev/null && exec %s remove benchroot\n' "$cage" "${options[*]}" "$cage" >"$work/by-cage"
    printf '#!/bin/sh\ncd / && mkdir %s/copy && xargs cp -a --parents -t %s/copy <%s/paths && exec rm -r %s/copy\n' "$work" "$work" "$work" "$work" >"$work/by-cp"
    chmod +x "$work/by-cage" "$work/by-cp"
    "$work/pairs" "$((rounds < 40 ? rounds : 40))" ++ cage "$work/by-cage" ++ cp "$work/by-cp" >"$work/pairs.out"
    cat "$work/pairs.out"
    ours=$(median cage) copy=$(median cp)
    row "root of ${#commands[@]} commands, made and removed" "$ours ms = $(times "$ours" "$copy") x cp" 'at most 3 x' "$(holds "$ours <= 3 * $copy")"
    if command -v jk_cp >/dev/null; then
        # It refuses a jail below a folder that others can write to, as the one for all else here is.
        jail=$(mktemp -d /root/cage-bench.XXXXXX)
        trap 'rm -rf "$jail"' EXIT
        printf '#!/bin/sh\nmkdir %s/copy && jk_cp -j %s/copy %s >/dev/null 2>&1 && [ -x %s/copy/usr/bin/tr ] && exec rm -r %s/copy\n' \
            "$jail" "$jail" "${commands[*]/#//usr/bin/}" "$jail" "$jail" >"$work/by-jk"
        chmod +x "$work/by-jk"
        "$work/pairs" 10 ++ cage "$work/by-cage" ++ jk_cp "$work/by-jk" >"$work/pairs.out"
        cat "$work/pairs.out"
        ours=$(median cage)
        row "root of ${#commands[@]} commands, made and removed" "$ours ms : jk_cp $(median jk_cp) ms" '8 x ahead of jk_cp' "$(holds "8 * $ours <= $(median jk_cp)")"
    else
        row "root of ${#commands[@]} commands" '-' '8 x ahead of jk_cp' 'skipped: jk_cp (jailkit) is not installed'
    fi
}

printf '\nclosure of /usr/bin (ms)\n'
closure
printf '\na root of %s commands (ms)\n' "${#commands[@]}"
root
