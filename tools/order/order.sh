#!/usr/bin/env bash
# Writes src/Cage.Cli/start.order and start.ld anew: what `cage run`, exec, start, stop and list call, in the order of the first calls. The compiler places methods in the one
# order, the linker the functions of the runtime and of libc in the other, so that a start maps few pages of code. As root, on x86-64, after ./build.sh build; the next
# build takes them up. A name that is no longer there does no harm, and what is not named comes last: it is worth doing again when much has changed.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
cage=$PWD/out/publish/cage

# A tmpfs: overlayfs cannot write on overlayfs, which is what / is in a container.
work=$(mktemp -d -p /dev/shm)
cleanup() {
    "$cage" stop --force watched >/dev/null 2>&1 || true
    "$cage" remove --force watched base >/dev/null 2>&1 || true
    rm -rf --one-file-system "$work"
}
trap cleanup EXIT
export CAGE_CONF=$work/cage.conf
printf 'data=%s/data\nrun=%s/run\n' "$work" "$work" >"$CAGE_CONF"

# functions SECTION: "address name" of all that is in it. A symbol's line has its name, its address and, last, its section; where several have one address, one name does.
functions() { nm -f sysv -t d --defined-only "$cage.dbg" | awk -F'|' -v section="$1" '$7 == section { gsub(/ /, "", $1); print $2 + 0, $1 }' | sort -n | awk '!seen[$1]++'; }

cc -O2 -Wall -Wextra -Werror -o "$work/calls" tools/order/calls.c
functions __managedcode >"$work/methods"
{ functions .text.start; functions .text; } >"$work/natives"
cat "$work/methods" "$work/natives" >"$work/functions"

"$cage" new base --read-only --source / >/dev/null
"$cage" new watched --base base >/dev/null
watch() { "$work/calls" "$work/functions" "$work/all" "$cage" "$@" >/dev/null; }
watch run --base base -- /bin/true
"$cage" start watched
watch exec watched -- /bin/true
"$cage" stop watched
watch start watched
watch list
watch stop watched
watch --version
awk '!seen[$0]++' "$work/all" >"$work/called"

awk 'NR == FNR { known[$2] = 1; next } $0 in known' "$work/methods" "$work/called" >src/Cage.Cli/start.order

# What the linker can place is a section of an object file: the map says where each of them came to lie ("section address size file", the first two on two lines when long).
awk '/^Linker script and memory map/ { begun = 1 }
     begun && $1 ~ /^\.text/ && NF == 1 { name = $1; getline; $0 = name " " $0 }
     begun && $1 ~ /^\.text/ && NF >= 4 && $3 != "0x0" { print $2, $1, $4 }' out/native/linux-x64/cage.map |
    while read -r address name file; do printf '%d %s %s\n' "$address" "$name" "$file"; done | sort -n >"$work/sections"
{
    printf '/* Made by tools/order/order.sh. */\nSECTIONS\n{\n  .text.start :\n  {\n'
    awk 'NR == FNR { address[$2] = $1; next } $0 in address { print address[$0] }' "$work/natives" "$work/called" |
        awk 'NR == FNR { begin[NR] = $1; name[NR] = $2; file[NR] = $3; count = NR; next }
             { low = 1; high = count
               while (low < high) { middle = int((low + high + 1) / 2); if (begin[middle] <= $1) low = middle; else high = middle - 1 }
               if (!seen[low]++) {
                   split(file[low], part, /[()]/); sub(/.*\//, "", part[1])
                   printf "    *%s%s(%s)\n", part[1], part[2] == "" ? "" : ":" part[2], name[low]
               } }' "$work/sections" -
    printf '  }\n}\nINSERT BEFORE .text;\n'
} >"$work/start.ld"
mv "$work/start.ld" src/Cage.Cli/start.ld
printf '%s methods of %s, %s sections of %s\n' "$(wc -l <src/Cage.Cli/start.order)" "$(wc -l <"$work/methods")" "$(grep -c '^    ' src/Cage.Cli/start.ld)" "$(wc -l <"$work/sections")"
