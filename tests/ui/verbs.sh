#!/bin/sh
# The verbs: what they print, what they write, how they end.
. "$(dirname "$0")/common.sh"

expect "help" 0 "$fettle" --help
cp out help
for verb in run eval show bench new; do
    shows "help" help "  $verb "
    expect "help of $verb" 0 "$fettle" $verb --help
    shows "help of $verb" out "usage: fettle $verb"
done
expect "version" 0 "$fettle" --version
grep -q '^fettle [0-9]*\.[0-9]*\.[0-9]*$' out || bad "version"

# ---- show
expect "show" 0 "$fettle" show --model model.yaml
shows "show" out "GraphModel("
cp out tree
expect "show of a config" 0 "$fettle" show --model config.yaml
cmp -s out tree || bad "show of a config: another tree"
expect "builders" 0 "$fettle" show --builders
shows "builders" out "NequIPGNNModel"
shows "builders" out "num_layers"

# ---- run
expect "run" 0 "$fettle" run config.yaml -o o
for file in config.yaml resolved.yaml metrics.csv last.safetensors run.log; do
    [ -s o/$file ] || bad "run: no $file"
done
head -n 1 o/metrics.csv | grep -q 'val0_epoch/weighted_sum' || bad "run: no metric in metrics.csv"
if grep -q "$(printf '\033')" err out; then bad "run: control codes in a pipe"; fi
expect "run in a default folder" 0 "$fettle" run config.yaml
[ -s outputs/*/*/last.safetensors ] || bad "run: outputs/DATE/TIME"
expect "run where the config says" 0 "$fettle" run config.yaml +hydra.run.dir='here/${hydra.job.name}'
[ -s here/train/last.safetensors ] || bad "run: hydra.run.dir"
fails "where a run lies" 1 'here/train holds a run' "$fettle" run config.yaml hydra.run.dir=here/train
expect "in a session too" 0 "$fettle" -b -x 'open config.yaml hydra.run.dir=here/train' -x step -x 'info run'
shows "in a session too" out 'here/train-2'
expect "-o comes first" 0 "$fettle" run config.yaml hydra.run.dir=here/no -o here/yes
[ -s here/yes/last.safetensors ] && [ ! -e here/no ] || bad "run: -o and hydra.run.dir"
expect "override" 0 "$fettle" run config.yaml -o p trainer.max_epochs=1
[ "$(wc -l <p/metrics.csv)" -lt "$(wc -l <o/metrics.csv)" ] || bad "override: as many lines"
expect "the same again" 0 "$fettle" run config.yaml -o again
cmp -s o/metrics.csv again/metrics.csv || bad "two runs differ"
expect "resume" 0 "$fettle" run config.yaml -o q --resume p/last.safetensors
expect "show of a checkpoint" 0 "$fettle" show --model o/last.safetensors
cmp -s out tree || bad "show of a checkpoint: another tree"
FETTLE_LOG_LEVEL=DEBUG expect "debug" 0 "$fettle" run config.yaml -o d
shows "debug" err "GraphModel("

# ---- a folder belongs to one run
fails "a folder with a run" 1 "--resume o/last.safetensors" "$fettle" run config.yaml -o o trainer.max_epochs=1
shows "a folder with a run" err "--force"
cmp -s o/metrics.csv again/metrics.csv || bad "a folder with a run: it was touched"
expect "by force" 0 "$fettle" run config.yaml -o p --force trainer.max_epochs=1
shows "by force" err "is gone"
for option in --output --resume --init; do
    fails "an empty name" 2 "$option: an empty name" "$fettle" run config.yaml $option ''
done
[ -z "$(ls outputs 2>/dev/null | grep -v -- -)" ] || bad "an empty name: a folder is left"
rm -rf outputs
for k in 1 2 3 4 5 6; do
    "$fettle" run config.yaml trainer.max_epochs=1 >/dev/null 2>&1 &
done
wait
[ "$(ls outputs/*/*/last.safetensors | wc -l)" = 6 ] || bad "runs begun at once share a folder"
expect "refused before anything" 1 "$fettle" run config.yaml -o none trainer.max_epochs=many
[ ! -e none ] || bad "refused before anything: a folder is left"

# ---- changes in mid-run, made again
rm -rf outputs
expect "changes" 0 "$fettle" -b -x 'open config.yaml' -x 'set lr 0.003' -x step -x 'strategy ema_config' -x continue
made=$(ls -d outputs/*/*)
[ "$(wc -l <"$made/audit.log")" = 2 ] || bad "changes: not two lines of audit.log"
expect "replay" 0 "$fettle" run config.yaml -o again --force --replay "$made/audit.log"
cmp -s "$made/metrics.csv" again/metrics.csv || bad "replay: another metrics.csv"
cmp -s "$made/audit.log" again/audit.log || bad "replay: another audit.log"
rm -rf outputs

# ---- eval
expect "eval" 0 "$fettle" eval --model o/last.safetensors -o predicted.xyz water.xyz
shows "eval" out "forces_mae"
shows "eval" predicted.xyz "label_energy"
expect "eval to stdout" 0 "$fettle" eval --model o/last.safetensors water.xyz
cmp -s out predicted.xyz || bad "eval to stdout: another text"
shows "eval to stdout" err "forces_mae"
expect "eval of predictions" 0 "$fettle" eval --model o/last.safetensors -o /dev/null predicted.xyz
shows "eval of predictions" out "forces_mae                   0.0000"
expect "json" 0 "$fettle" eval --model model.yaml --json j.json --loss-grads g.safetensors water.xyz
for key in total_energy atomic_energy forces loss_terms per_atom_energy_mse forces_mse; do
    shows "json" j.json "\"$key\""
done
[ "$(tr -cd '\0' <g.safetensors | wc -c)" -gt 0 ] && grep -qa 'forces_mse/model.func' g.safetensors || bad "gradients"
expect "weights" 0 "$fettle" eval --model model.yaml --weights o/last.safetensors -o w.xyz water.xyz
cmp -s w.xyz predicted.xyz || bad "weights: not those of the checkpoint"

# ---- bench
expect "bench" 0 "$fettle" bench config.yaml --json b.json --threads 1
for key in train_step_ms eval_ms atoms edges parameters memory_mb step eval modules ops instructions gflops share; do
    shows "bench" b.json "\"$key\""
done
for table in "training step by module" "training step by op" "evaluation by instruction, 12 of" "memory: "; do
    shows "bench" out "$table"
done
tr -d '\n' <b.json | grep -o '"shape[^}]*' | sed 's/.*"share": \([^,]*\).*/\1/' |
    awk '{ sum += $1 } END { exit !(sum > 1.99 && sum < 2.01) }' || bad "bench: shares do not add up"
expect "bench without tables" 0 "$fettle" bench config.yaml --top 0 --repeats 2 --threads 1
[ "$(wc -l <out)" = 4 ] || bad "bench: not four lines"
fails "bench of nonsense" 2 "--top" "$fettle" bench config.yaml --top -1
expect "bounded memory" 0 "$fettle" run config.yaml -o bounded --memory 1
expect "memory" 0 "$fettle" eval --model model.yaml --memory 0 -o w.xyz water.xyz
fails "memory of nonsense" 2 "--memory is a whole number" "$fettle" eval --model model.yaml --memory x -o w.xyz water.xyz
expect "times" 0 "$fettle" eval --model model.yaml --times -o w.xyz water.xyz
shows "times" out "us an atom"

# ---- new
expect "new" 0 "$fettle" new water.xyz -o first.yaml
shows "new" out "fettle run first.yaml"
shows "new" first.yaml "# Measured here: a step takes"
shows "new" first.yaml "species: [H, O]"
expect "what new wrote trains" 0 "$fettle" run first.yaml -o first trainer.max_epochs=1
cp first.yaml before.yaml
fails "new over a file" 1 "--force writes over it" "$fettle" new water.xyz -o first.yaml
cmp -s first.yaml before.yaml || bad "new over a file: it was touched"
expect "new by force" 0 "$fettle" new water.xyz -o first.yaml --force
fails "new over its data" 1 "would be written over" "$fettle" new water.xyz -o water.xyz --force
sed 's/energy=/REF_energy=/; s/forces:R:3/REF_forces:R:3/' water.xyz >other.xyz
expect "new with other names" 0 "$fettle" new other.xyz@:4
shows "new with other names" out "key_mapping: {'REF_energy': total_energy, 'REF_forces': forces}"
cp out other.yaml
expect "other names train" 0 "$fettle" run other.yaml -o other trainer.max_epochs=1
fails "labels of other names" 1 "data.key_mapping: {REF_energy: total_energy, REF_forces: forces}" \
    "$fettle" run config.yaml -o none data.train_file_path=other.xyz
# the frames are read for the draft and for its measurement, and what is odd in them is told once
awk 'NF == 7 { print $0, "1.0"; next } { print }' water.xyz >odd.xyz
expect "new of odd frames" 0 "$fettle" new odd.xyz -o odd.yaml
[ "$(grep -c 'Properties names' err)" = 1 ] || bad "new: a warning is told once"
printf '1\nenergy=1\nH 0 0 0\n' >atom.xyz
fails "new of atoms alone" 1 "frames of one atom only" "$fettle" new atom.xyz

# ---- a notice is told once, also where `fettle:` is read before the run
{ sed 's/^trainer:/&\n  profiler: simple/' config.yaml; echo 'fettle: {display: [epoch]}'; } >told.yaml
"$fettle" -b -x 'open told.yaml' >out 2>&1 </dev/null
[ "$(grep -c profiler out)" = 1 ] || bad "a notice is told once"

# ---- a run that diverges: the sign of a NaN says nothing
sed 's/lr: 0.01/lr: 1.0e+300/' config.yaml >diverges.yaml
expect "a run that diverges" 0 "$fettle" run diverges.yaml -o diverged
grep -q ' nan' out err || bad "a run that diverges: no nan"
if grep -e -nan out err diverged/run.log; then bad "a run that diverges: the sign of a NaN"; fi
# a name is not taken for one, and a break shows none with a sign
cp config.yaml run-nan.yaml
"$fettle" -b -x 'open run-nan.yaml' -x 'print 0 * -log(0 - 1)' >out 2>&1 </dev/null
shows "a name with -nan in it" out run-nan
if grep -e '[ =]-nan' out; then bad "the sign of a NaN that was computed"; fi

finish
