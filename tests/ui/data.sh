#!/bin/sh
# Files of frames as the program meets them: packed, in part, with labels that are none, with fields of their own.
. "$(dirname "$0")/common.sh"

# ---- packed, and in part
gzip -k water.xyz
expect "a packed file" 0 "$fettle" run config.yaml -o packed data.train_file_path=water.xyz.gz
expect "the file itself" 0 "$fettle" run config.yaml -o plain
cmp -s packed/metrics.csv plain/metrics.csv || bad "a packed file trains otherwise"
expect "some of its frames" 0 "$fettle" run config.yaml -o some data.train_file_path=water.xyz.gz@1:3 data.val_file_path=water.xyz@:1
expect "eval of some" 0 "$fettle" eval --model plain/last.safetensors water.xyz@-2:
[ "$(grep -c Properties out)" = 2 ] || bad "eval of some: not two frames"
fails "no choice" 1 "what follows the @ is no choice of frames" "$fettle" eval --model plain/last.safetensors water.xyz@last
fails "the file that is read in part" 1 "would be written over" "$fettle" eval --model plain/last.safetensors \
    -o water.xyz water.xyz@:2
printf 'PK\003\004' >last.ckpt
head -c 1000 /dev/zero >>last.ckpt
fails "a checkpoint of PyTorch" 1 "torch.load('last.ckpt'" "$fettle" run config.yaml -o none --resume last.ckpt
shows "a checkpoint of PyTorch to resume from" err "--init begins one with weights"
fails "a checkpoint of PyTorch for --init" 1 "then last.safetensors takes its place" \
    "$fettle" run config.yaml -o none --init last.ckpt

# ---- stress that is not there: ignored labels, and frames without a volume
sed 's/EnergyForceLoss/EnergyForceStressLoss/; s/coeffs: {total_energy: 1.0, forces: 1.0}/ignore_nan: {stress: true}/
s/^  train_dataloader/    - {_target_: nequip.data.transforms.AddNaNStressTransform}\n  train_dataloader/' config.yaml >ignored.yaml
expect "ignored labels" 0 "$fettle" -b -x 'open ignored.yaml' -x 'step 2'
expect "ignored labels in a run" 0 "$fettle" run ignored.yaml -o ignored
sed 's/pbc="F F F"/stress="1 0 0 0 1 0 0 0 1" pbc="F F F"/' water.xyz >stress.xyz
sed 's/water.xyz/stress.xyz/; s/EnergyForceLoss/EnergyForceStressLoss/; s/EnergyForceMetrics/EnergyForceStressMetrics/
s/forces: 1.0}/forces: 1.0, stress: 1.0}/; s/forces_mae: 1.0}/forces_mae: 1.0, stress_mae: 1.0}/' config.yaml >stress.yaml
expect "no volume" 0 "$fettle" run stress.yaml -o stress
shows "no volume" err "no cell with a volume"
grep -q '^1,.*nan' stress/metrics.csv || bad "no volume: the stress is a number"
grep -q 'forces_mae .*nan' out && bad "no volume: the weights are lost"
expect "no volume at the prompt" 1 "$fettle" -b -x 'open stress.yaml' -x 'step'
shows "no volume at the prompt" err "no cell with a volume: the model's stress is NaN there"
[ "$(grep -c '^warning: stress.xyz' err)" = 1 ] || bad "no volume: told of a file twice"

# ---- a slab: the third vector is zero
sed 's/pbc="F F F"/Lattice="6 0 0 0 6 0 0 0 0" pbc="T T F"/' water.xyz >slab.xyz
expect "a slab" 0 "$fettle" eval --model plain/last.safetensors --json slab.json slab.xyz
grep -q '"stress"' slab.json && bad "a slab has a stress"

# ---- fields that a model takes
sed 's/pbc=/charge=1 pbc=/' water.xyz >charged.xyz
sed 's/water.xyz/charged.xyz/; s/^  transforms:/  include_keys: [charge]\n  transforms:/
s/^    num_layers: 2/    categorical_graph_field_embed: [{field: charge, num_features: 2, min: -1, max: 1}]\n    num_layers: 2/' \
    config.yaml >charged.yaml
sed -n '/^  model:/,$s/^    //p' charged.yaml >charged-model.yaml
expect "a field" 0 "$fettle" run charged.yaml -o charged
for model in charged.yaml charged/last.safetensors charged-model.yaml; do
    expect "a field in eval of $model" 0 "$fettle" eval --model $model -o field.xyz charged.xyz
done

finish
