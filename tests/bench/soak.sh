#!/bin/sh
# What the panes grow to: a run that goes on in tmux while views change, states are kept and returned to, and other ways
# are tried; prints the resident memory at the beginning, every minute and at the end.
#
#     tests/bench/soak.sh [MINUTES] [CONFIG.yaml]      10 minutes of the built-in session
#
# FETTLE (build/release/fettle) and THREADS (1) may be set.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
fettle=$(realpath "${FETTLE:-$here/../../build/release/fettle}")
minutes=${1:-10}
config=$(realpath "${2:-$here/../../sessions/cuau.yaml}")
scratch=$(mktemp -d)
name=soak-$$
trap 'tmux kill-session -t "$name" 2>/dev/null || :; rm -rf "$scratch"' EXIT
cd "$scratch"

tmux new-session -d -s "$name" -x 160 -y 48 \
    "exec env FETTLE_NUM_THREADS=${THREADS:-1} '$fettle' '$config' trainer.max_epochs=100000"
pid=$(tmux list-panes -t "$name" -F '#{pane_pid}')

now() {
    date +%s
}

seen() { # text: whether it stands on the screen within a minute
    for _ in $(seq 600); do
        tmux capture-pane -p -t "$name" | grep -q -- "$1" && return 0
        sleep 0.1
    done
    echo "\"$1\" does not come" >&2
    tmux capture-pane -p -t "$name" >&2
    exit 1
}

say() {
    tmux send-keys -t "$name" -l "$1"
    tmux send-keys -t "$name" Enter
}

pause() {
    tmux send-keys -t "$name" C-c
    seen '^ *idle'
}

tell() {
    awk -v t="$(($(now) - begin))" '/^VmRSS/ { rss = $2 } /^VmHWM/ { most = $2 }
        END { printf "%5d s  %7.1f MB resident, %7.1f MB at most\n", t, 1e-3 * rss, 1e-3 * most }' "/proc/$pid/status"
}

seen 'idle'
begin=$(now)
tell
minute=1
round=0
while [ $(($(now) - begin)) -lt $((60 * minutes)) ]; do
    say continue
    seen 'running'
    for view in 'layout values ema config' 'layout "tree *layer*" data' 'chart forces_mse weighted_sum log smooth 0.9' \
        'layout break rewind optimizer' 'chart all linear smooth 0' 'layout values'; do
        say "$view"
        sleep 0.5
    done
    say "checkpoint keep$((round % 5))"
    sleep 1
    pause
    say 'rewind 30'
    say "restart keep$((round % 5))"
    say 'hist layer0_convnet activations'
    say 'fork 5 set lr 0.001'
    say 'keep this'
    say 'worst 3'
    tmux resize-window -t "$name" -x $((100 + 20 * (round % 4))) -y $((30 + 6 * (round % 4)))
    round=$((round + 1))
    if [ $(($(now) - begin)) -ge $((60 * minute)) ]; then
        tell
        minute=$((minute + 1))
    fi
done
tell
echo "$round rounds"
tmux send-keys -t "$name" C-u
say quit
