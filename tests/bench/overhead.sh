#!/bin/sh
# What the workbench costs a run: `fettle run` and the panes take turns on the same config, both on a pseudo-terminal, so
# that what that takes is no part of it; the ratios of their times are printed, with the median.
#
#     tests/bench/overhead.sh CONFIG.yaml [key=value...]
#
# FETTLE (build/release/fettle), THREADS (1) and PAIRS (10) may be set.
set -eu
[ $# -ge 1 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
fettle=$(realpath "${FETTLE:-$here/../../build/release/fettle}")
export FETTLE_NUM_THREADS="${THREADS:-1}" TERM=xterm-256color
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

mkfifo "$scratch/keys" # nobody types, and the input does not end
exec 3<>"$scratch/keys"

now() {
    date +%s%N
}

on_terminal() {
    script -qefc "stty rows 24 cols 80; $1" /dev/null <&3 >/dev/null 2>&1
}

pair=1
while [ "$pair" -le "${PAIRS:-10}" ]; do
    begin=$(now)
    on_terminal "'$fettle' run $* -o '$scratch/run' >/dev/null 2>&1"
    middle=$(now)
    on_terminal "'$fettle' -x continue -x quit $*"
    end=$(now)
    rm -rf "$scratch/run"
    awk -v k="$pair" -v a="$((middle - begin))" -v b="$((end - middle))" \
        'BEGIN { printf "pair %d  run %.3f s  workbench %.3f s  ratio %.4f\n", k, 1e-9 * a, 1e-9 * b, b / a }'
    pair=$((pair + 1))
done | tee "$scratch/pairs"
awk '{ print $NF }' "$scratch/pairs" | sort -n | awk '{ v[NR] = $1 } END { print "median ratio", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
