#!/bin/sh
# How the time of an evaluation grows: crystals of 4 N^3 atoms, then one of them on 1, 2, 4, ... threads.
#
#     tests/bench/scaling.sh [N...]
#
# N: 6 and 14 without any (63 is a million atoms).  FETTLE (build/release/fettle), MODEL (copper.yaml beside this file: the
# size of NequIP's tutorial), THREADS (as many as there are processors), ROUNDS (2) and ATOMS may be set.  A crystal is
# evaluated again and again by one process, until ATOMS (1,000,000) have been, thrice at least.  The first time is apart:
# in it the system finds the process its memory, which on a virtual machine that has not used it yet can take longer than
# all the rest.  Of the other times the least, the mean and the median are said.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
fettle=${FETTLE:-$here/../../build/release/fettle}
model=${MODEL:-$here/copper.yaml}
most=${THREADS:-$(nproc)}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# size, threads: one line
measure() {
    for round in $(seq "${ROUNDS:-2}"); do
        "$fettle" eval --model "$model" --threads "$2" --times -o /dev/null "$scratch/$1.xyz"
    done | awk '
        $1 == "0" { print "first", $4, $2 }
        $1 ~ /^[1-9][0-9]*$/ { print "later", $4 }
        $1 == "memory:" { print "memory", $2 }' | sort -k 1,1 -k 2,2n | awk -v threads="$2" '
        $1 == "first" { first = first sprintf(" %.1f", $2); atoms = $3 }
        $1 == "later" { time[++count] = $2; sum += $2 }
        $1 == "memory" { memory = $2 }
        END {
            printf "%9d atoms %3d threads %9.1f MB  us an atom: first%s, of %d later ones least %.1f, mean %.1f, median %.1f\n",
                atoms, threads, memory, first, count, time[1], sum / count, time[int((count + 1) / 2)]
        }'
}

[ $# -gt 0 ] || set -- 6 14
for n in "$@"; do
    "$here/crystal.sh" "$n" >"$scratch/one"
    copies=$((${ATOMS:-1000000} / (4 * n * n * n)))
    for copy in $(seq $((copies > 3 ? copies : 3))); do cat "$scratch/one"; done >"$scratch/$n.xyz"
    measure "$n" "$most"
done
threads=1
while [ "$threads" -le "$most" ]; do
    measure "$1" "$threads"
    threads=$((threads * 2))
done
