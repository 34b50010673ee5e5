#!/bin/sh
# Signals reach what has not begun to train: data that are read.  The file is a pipe into which nothing is written, so
# that the program would wait for ever; whoever opens it for writing waits until the program reads.
. "$(dirname "$0")/common.sh"
mkfifo in.xyz
sed 's/: water.xyz/: in.xyz/' config.yaml >pipe.yaml

# stopped SIGNAL STATUS COMMAND...
stopped() {
    name="$1 to $4" signal=$1 want=$2
    shift 2
    "$@" >out 2>err </dev/null &
    pid=$!
    exec 3>in.xyz
    kill -"$signal" $pid
    wait $pid
    got=$?
    exec 3>&-
    [ "$got" = "$want" ] || bad "$name: exit status $got, not $want"
}

for pair in TERM:143 HUP:129 INT:130; do
    stopped "${pair%:*}" "${pair#*:}" "$fettle" eval --model model.yaml -o predicted.xyz in.xyz
    stopped "${pair%:*}" "${pair#*:}" "$fettle" run pipe.yaml -o o
    stopped "${pair%:*}" "${pair#*:}" "$fettle" bench pipe.yaml --json b.json
    stopped "${pair%:*}" "${pair#*:}" "$fettle" -b -x 'open pipe.yaml'
done
for file in predicted.xyz* b.json* o/last.safetensors; do
    [ ! -e "$file" ] || bad "$file is left behind"
done

# What is written over is what was there before.
echo precious >predicted.xyz
stopped TERM 143 "$fettle" eval --model model.yaml -o predicted.xyz in.xyz
[ "$(cat predicted.xyz)" = precious ] || bad "a file is lost though nothing was evaluated"

finish
