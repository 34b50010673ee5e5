#!/bin/sh
# How the time of an evaluation grows: crystals of 4 N^3 atoms, then one of them on 1, 2, 4, ... threads.
#
#     tests/bench/scaling.sh [N...]
#
# N: 6 and 14 without any (63 is a million atoms).  FETTLE (build/release/fettle), MODEL (copper.yaml beside this file: the
# size of NequIP's tutorial), THREADS (as many as there are processors) and ROUNDS (3) may be set.  The last column is of
# the fastest round.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
fettle=${FETTLE:-$here/../../build/release/fettle}
model=${MODEL:-$here/copper.yaml}
most=${THREADS:-$(nproc)}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# size, threads: one line
measure() {
    for round in $(seq "${ROUNDS:-3}"); do
        "$fettle" eval --model "$model" --threads "$2" --times -o /dev/null "$scratch/$1.xyz"
    done | awk -v threads="$2" '
        $1 == "0" { atoms = $2; if (!best || $4 < best) best = $4; all = all sprintf(" %.2f", $4) }
        $1 == "memory:" { memory = $2 > memory ? $2 : memory }
        END { printf "%9d atoms %3d threads %10.1f MB  us an atom:%s  %10.2f\n", atoms, threads, memory, all, best }'
}

[ $# -gt 0 ] || set -- 6 14
for n in "$@"; do
    "$here/crystal.sh" "$n" >"$scratch/$n.xyz"
    measure "$n" "$most"
done
threads=1
while [ "$threads" -le "$most" ]; do
    measure "$1" "$threads"
    threads=$((threads * 2))
done
