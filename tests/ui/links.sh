#!/bin/sh
# A folder that others write to as well: a symbolic link laid where the program is going to write a file that it names
# itself does not lead it to a file elsewhere.  Where the user names a file that is a link, the file it points to is meant.
. "$(dirname "$0")/common.sh"

short=trainer.max_epochs=1
keep='trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint, dirpath: o/kept, filename: best, monitor: val0_epoch/weighted_sum, save_last: true}, {_target_: nequip.train.callbacks.TestTimeXYZFileWriter, out_file: o/frames}]'
for file in config.yaml resolved.yaml metrics.csv run.log audit.log last.safetensors kept/best.safetensors \
    kept/last.safetensors frames_dataset0.xyz; do
    rm -rf o
    mkdir -p o/kept
    echo precious >victim
    ln -s "$scratch/victim" "o/$file"
    # whether the folder is refused or the link is replaced
    "$fettle" run config.yaml -o o $short "$keep" 'run=[train, test]' +data.test_file_path=water.xyz \
        '+training_module.test_metrics=${training_module.val_metrics}' >out 2>err </dev/null
    [ "$(cat victim)" = precious ] || bad "o/$file: the file that the link points to was written"
done
rm -rf o
mkdir o
ln -s "$scratch/victim" o/run.log
fails "the log" 1 "cannot write o/run.log: " "$fettle" run config.yaml -o o $short

rm -rf o
cp water.xyz data.xyz
ln -s "$scratch/victim" data.xyz.fettle-cache
FETTLE_CACHE_ABOVE=0 "$fettle" run config.yaml -o o $short data.train_file_path=data.xyz >out 2>err </dev/null ||
    bad "a link for the cache"
[ "$(cat victim)" = precious ] || bad "the cache is written through a link"

: >a.safetensors
ln -s a.safetensors b.safetensors
expect "a checkpoint by a link" 0 "$fettle" -b -x "open config.yaml $short" -x 'save b.safetensors force'
[ -L b.safetensors ] && [ -s a.safetensors ] || bad "a link that the user names is not followed"
: >a.xyz
ln -s a.xyz b.xyz
expect "frames by a link" 0 "$fettle" eval --model a.safetensors water.xyz -o b.xyz
[ -L b.xyz ] && [ -s a.xyz ] || bad "a link that the user names is not followed by eval"
finish
