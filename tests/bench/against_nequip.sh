#!/bin/sh
# Times fettle against NequIP on the same config and the same threads, taking turns, and prints the ratios.
#
#     tests/bench/against_nequip.sh PYTHON CONFIG.yaml [key=value...]
#
# PYTHON is an interpreter that has nequip.  FETTLE (build/release/fettle), THREADS (2), ROUNDS (3) and MODE (eager, or
# compile for torch.compile) may be set.  Paths in the config are taken from the current folder.
set -eu
[ $# -ge 2 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
python=$1
shift
fettle=${FETTLE:-$here/../../build/release/fettle}
threads=${THREADS:-2}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

value() { # file, key
    tr ',{}' '\n\n\n' <"$1" | sed -n "s/^ *\"$2\": *//p"
}

round=1
while [ "$round" -le "${ROUNDS:-3}" ]; do
    "$fettle" bench "$@" --threads "$threads" --json "$scratch/fettle.json" >/dev/null
    "$python" "$here/nequip_step.py" "$@" --threads "$threads" --mode "${MODE:-eager}" 2>/dev/null | tail -n 1 >"$scratch/nequip.json"
    for key in atoms edges parameters; do
        ours=$(value "$scratch/fettle.json" $key) theirs=$(value "$scratch/nequip.json" $key)
        awk -v a="$ours" -v b="$theirs" 'BEGIN { exit !(a - b < 0.01 * b && b - a < 0.01 * b) }' ||
            echo "not the same work: $key $ours and $theirs" >&2
    done
    for key in train_step_ms eval_ms; do
        ours=$(value "$scratch/fettle.json" $key) theirs=$(value "$scratch/nequip.json" $key)
        awk -v r="$round" -v k=$key -v a="$ours" -v b="$theirs" \
            'BEGIN { printf "round %d  %-14s fettle %8.2f  nequip %8.2f  ratio %6.1f\n", r, k, a, b, b / a }'
    done
    round=$((round + 1))
done
