#!/bin/sh
# A disk that is full, a folder that cannot be written: the reason is told once, what was there before is whole, and the
# training is not lost.  A limit on the size of files stands for the disk, and can be lifted again.
. "$(dirname "$0")/common.sh"

keep='trainer.callbacks=[{_target_: lightning.pytorch.callbacks.EarlyStopping, monitor: val0_epoch/weighted_sum, patience: 8, min_delta: 0.02}, {_target_: lightning.pytorch.callbacks.ModelCheckpoint, dirpath: kept, filename: best, monitor: val0_epoch/weighted_sum, save_last: true}]'

begin() { # a session that reads ./in, writes ./log
    rm -rf in outputs kept log pid
    mkfifo in
    sh -c 'echo $$ >pid; exec "$0" --line "$@" <in' "$fettle" "$@" 2>&1 | cat >log &
    exec 3>in
    wait_for 'parameters' log
    pid=$(cat pid)
}

say() {
    printf '%s\n' "$@" >&3
}

end() {
    say quit
    exec 3>&-
    wait
}

limit() { # bytes, or unlimited
    prlimit --pid "$pid" --fsize="$1:unlimited" || bad "$name: prlimit"
}

same() { # what, a, b
    cmp -s "$2" "$3" || bad "$name: $1 differs"
}

whole() { # every checkpoint can be read, and nothing half written is there
    for file in kept/*.safetensors outputs/*/*/last.safetensors; do
        [ ! -e "$file" ] || "$fettle" show --model "$file" >out 2>err || bad "$name: $file"
    done
    [ -z "$(find . -name '*.tmp-*' -print -quit)" ] || bad "$name: temporary files are left"
}

# ---- as it should be, for comparison
name=whole
mkdir straight
"$fettle" -b -x "open config.yaml trainer.max_epochs=12 '$keep'" -x continue -x 'save straight/a.safetensors' >out 2>err ||
    bad "the run in one go"
mv outputs/*/* straight/run
mv kept straight/kept

# ---- rows of metrics.csv wait until there is room; a checkpoint that cannot be written pauses the run
name=full
begin config.yaml trainer.max_epochs=12 "$keep"
say 'next 3' 'echo three'
wait_for '^three' log
cp outputs/*/*/metrics.csv before.csv
cp kept/best.safetensors before.safetensors
limit "$(wc -c <before.csv)"
say 'step 2' 'echo five'
wait_for '^five' log
[ "$(grep -c 'metrics.csv.*its rows wait' log)" = 1 ] || bad "$name: rows that wait"
same "metrics.csv on a full disk" before.csv outputs/*/*/metrics.csv
say 'next' 'echo paused'
wait_for '^paused' log
[ "$(grep -c 'fettle: .*cannot write .*best.safetensors\|fettle: .*cannot write .*last.safetensors' log)" = 2 ] ||
    bad "$name: a checkpoint, tried twice"
same "the checkpoint on a full disk" before.safetensors kept/best.safetensors
whole
say 'save a.safetensors' 'save a.yaml' 'export a.csv' 'export a.svg' 'export a.png' 'checkpoint here' 'echo saved'
wait_for '^saved' log
for file in a.safetensors a.yaml a.csv a.svg a.png; do
    [ "$(grep -c "fettle: cannot write $file: " log)" = 1 ] || bad "$name: $file"
    [ ! -e $file ] || bad "$name: half of $file is there"
done
limit 100
say 'rewind 6' 'print step*100' 'echo stayed'
wait_for '^stayed' log
[ "$(grep -c 'fettle: cannot write .*metrics.csv' log)" = 1 ] || bad "$name: a rewind that cannot cut metrics.csv"
grep -q '800.0$' log || bad "$name: it leaves the run where it is"
same "metrics.csv after it" before.csv outputs/*/*/metrics.csv
limit "$(wc -c <before.csv)"
say 'rewind 2' 'print step*100' 'step' 'echo rewound'
wait_for '^rewound' log
grep -q '600.0$' log || bad "$name: rows that wait are cut off as well"
limit unlimited
say 'continue' 'save straight/b.safetensors' 'echo done'
wait_for '^done' log
grep -q 'written again' log || bad "$name: rows that waited"
whole
same metrics.csv straight/run/metrics.csv outputs/*/*/metrics.csv
same "the state" straight/a.safetensors straight/b.safetensors
same "the best checkpoint" straight/kept/best.safetensors kept/best.safetensors
end

# ---- nobody leaves a run that cannot be saved unawares
name=leaving
begin config.yaml trainer.max_epochs=12
say 'next' 'step' 'echo one'
wait_for '^one' log
rm outputs/*/*/last.safetensors
limit 10000 # enough for another run's configs
say 'quit' 'echo still'
wait_for '^still' log
grep -q 'the run is not saved (`quit` again ends without it)' log || bad "$name: quit"
say 'open config.yaml' 'print step' 'echo open'
wait_for '^open' log
grep -q 'the run that is open is not saved' log && grep -q '^step = 3.0' log || bad "$name: another session"
end
[ ! -e "$(echo outputs/*/*/last.safetensors)" ] || bad "$name: half a checkpoint"
begin config.yaml trainer.max_epochs=12
say 'next' 'step' 'echo one'
wait_for '^one' log
rm outputs/*/*/last.safetensors
limit 100
exec 3>&-
wait
[ "$(grep -c 'the run is not saved: cannot write' log)" = 1 ] || bad "$name: the end of the input"
rm -rf outputs
"$fettle" -b -x 'open config.yaml' -x step -x 'quit force' >out 2>err && [ ! -e "$(echo outputs/*/*/last.safetensors)" ] ||
    bad "$name: quit force"

# ---- signals that come of it end nothing
name=run
expect "full disk" 1 sh -c 'ulimit -f 4; exec "$0" run config.yaml -o full' "$fettle"
shows "full disk" err 'cannot write full/last.safetensors'
[ "$(grep -c 'cannot write' err)" = 1 ] || bad "full disk: told more than once"
[ ! -e full/last.safetensors ] || bad "a full disk leaves no half checkpoint"
sh -c '"$0" run config.yaml -o piped trainer.max_epochs=40 2>&1; echo "status $?" >status' "$fettle" | head -n 1 >/dev/null
[ -s piped/last.safetensors ] && [ "$(tail -n 1 piped/metrics.csv | tr ',' '\n' | grep -c '^39$')" = 1 ] ||
    bad "a run whose reader is gone goes on to its end"

# ---- where nothing can be written at all
: >file
for where in file/a nowhere/a; do
    for what in safetensors yaml csv svg; do
        command="export $where.$what"
        case $what in safetensors | yaml) command="save $where.$what" ;; esac
        fails "$command" 1 "cannot write $where.$what: " "$fettle" -b -x 'open config.yaml' -x step -x "$command"
    done
done
expect "history" 0 sh -c 'echo "step" | XDG_STATE_HOME="$PWD/file" "$0" --line config.yaml' "$fettle"
FETTLE_CACHE_ABOVE=0 FETTLE_CACHE="$PWD/file/folder" "$fettle" run config.yaml -o cached >out 2>err || bad "a cache without a place"
shows "a cache without a place" err 'no place for a cache'
expect "a cache on a full disk" 0 sh -c 'ulimit -f 4; FETTLE_CACHE_ABOVE=0 exec "$0" -b -x "open config.yaml"' "$fettle"
shows "a cache on a full disk" err 'no place for a cache'
[ -z "$(find . -name '*.fettle-cache*' -print -quit)" ] || bad "half a cache is left"
finish
