#!/bin/sh
# What signals do to programs without a terminal: the state is saved, and the exit status says what came.
#
#     signals.sh FETTLE [HANG]     HANG: a library to be loaded before others, which hangs
. "$(dirname "$0")/common.sh"
hang=${2:-}

begin() { # a program in the background, without a shell that waits
    rm -rf out err outputs run hangs
    "$@" >out 2>err </dev/null &
    pid=$!
}

ends_with() { # status
    wait $pid
    got=$?
    [ $got = "$1" ] || bad "$name: exit status $got, not $1"
}

readable() { # a checkpoint
    "$fettle" show --model "$1" >/dev/null 2>err || bad "$name: $1"
}

# ---- the run is saved and goes on, as batch systems ask for
for signal in USR1 USR2; do
    name="run, $signal"
    begin "$fettle" run config.yaml -o run trainer.max_epochs=1000000
    wait_for '^epoch' err
    kill -$signal $pid
    wait_for '^saved run/last.safetensors, as was asked' err
    readable run/last.safetensors
    : >err
    wait_for '^epoch' err || bad "$name: it does not go on"
    kill -TERM $pid
    ends_with 143
    name="-b, $signal"
    begin "$fettle" -b -x 'open config.yaml trainer.max_epochs=1000000' -x continue
    wait_for '^epoch' out
    kill -$signal $pid
    wait_for '^saved outputs/.*/last.safetensors, as was asked' out
    : >out
    wait_for '^epoch' out || bad "$name: it does not go on"
    kill -INT $pid
    ends_with 130
done
if [ -z "${TSAN_OPTIONS:-}" ]; then # ThreadSanitizer keeps signals back while the C library reads
    name="a session that waits for its input"
    mkfifo in
    sh -c 'echo $$ >pid; exec "$0" --line config.yaml <in' "$fettle" >log 2>&1 &
    exec 3>in
    printf 'step 3\necho here\n' >&3
    wait_for '^here' log
    kill -USR1 "$(cat pid)"
    wait_for '^saved outputs/' log
    printf 'print step\necho there\n' >&3
    wait_for '^there' log
    grep -q '^step = 3.0' log || bad "$name: it does not go on"
    exec 3>&-
    wait
    grep -q '^the run is kept' log || bad "$name: its end"
fi

# ---- ends
for what in 'TERM 143' 'HUP 129' 'INT 130' 'XCPU 152'; do
    signal=${what% *}
    for how in run -b --line; do
        name="$how, $signal"
        case $how in
        run) begin "$fettle" run config.yaml -o run trainer.max_epochs=1000000 ;;
        -b) begin "$fettle" -b -x 'open config.yaml trainer.max_epochs=1000000' -x continue ;;
        --line)
            rm -f in
            mkfifo in
            begin sh -c 'exec "$0" --line config.yaml trainer.max_epochs=1000000 <in' "$fettle"
            exec 3>in
            echo continue >&3
            ;;
        esac
        for _ in $(seq 6000); do
            cat out err 2>/dev/null | grep -q '^epoch' && break
            sleep 0.01
        done
        kill -$signal $pid
        [ $how.$signal = --line.INT ] && exec 3>&- # a pause, and then the end of the input
        case $how.$signal in
        --line.INT) ends_with 0 ;;
        *) ends_with "${what#* }" ;;
        esac
        exec 3>&-
        cat out err | grep -q 'resume .*last.safetensors goes on' || bad "$name: where the run is"
        readable "$(ls run/last.safetensors outputs/*/*/last.safetensors 2>/dev/null)"
    done
done
name="a script of short commands"
yes 'echo 1' | head -n 3000000 >long.fettle
begin "$fettle" -b long.fettle
wait_for '^1' out
kill -INT $pid
ends_with 130

# ---- a program that hangs
if [ -n "$hang" ]; then
    for signal in TERM INT; do
        name="run that hangs, $signal"
        begin env LD_PRELOAD="$hang" HANG_AT=last.safetensors "$fettle" run config.yaml -o run trainer.max_epochs=1000000
        while [ ! -e hangs ]; do sleep 0.01; done
        kill -$signal $pid
        kill -$signal $pid # at once it is the same one, told twice
        sleep 0.7
        kill -0 $pid || bad "$name: it does not wait"
        kill -$signal $pid
        case $signal in TERM) ends_with 143 ;; *) ends_with 130 ;; esac
    done
fi
finish
