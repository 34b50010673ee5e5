#!/bin/sh
# Little memory: whatever the limit, the program and the library say so or do their work, and end.
. "$(dirname "$0")/common.sh"
client=$2

ends() { # what, command...: 0, or 1 and a word about memory; 127: the loader itself has too little
    name=$1
    shift
    (
        ulimit -v "$limit"
        exec timeout -s KILL 300 "$@"
    ) >out 2>err </dev/null
    got=$?
    case $got in
    0 | 127) ;;
    1) grep -qi memory out err || bad "$limit kB: $name does not say that there is no memory" ;;
    *) bad "$limit kB: $name: exit status $got" ;;
    esac
}

expect "a checkpoint" 0 "$fettle" run config.yaml -o o trainer.max_epochs=1
export FETTLE_NUM_THREADS=2
for limit in 20000 40000 60000 100000 160000 180000 200000 260000 300000 340000 400000 1000000; do
    ends run "$fettle" run config.yaml -o x trainer.max_epochs=1
    ends eval "$fettle" eval --model o/last.safetensors water.xyz -o p.xyz
    ends session "$fettle" -b -x 'open config.yaml' -x step
    ends library "$client" "$here/model.yaml" once
    rm -rf x
done
finish
