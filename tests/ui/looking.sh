#!/bin/sh
# What is looked at and depends on the clock.
. "$(dirname "$0")/common.sh"

look() {
    name=$1
    shift
    expect "$name" 0 "$fettle" -b -x 'open config.yaml' "$@"
}

# ---- info program
look "program" -x 'info program'
shows "program" out "loss and gradients: "
shows "program" out "(mean of 10 runs)"
shows "program" out "nodes were asked for: "
shows "program" out "tensor_product"
shows "program" out "model.func.layer0_convnet.conv.linear_2"
shows "program" out '`info program all` lists the instructions'
look "all of it" -x 'step 2' -x 'info program all'
count=$(sed -n 's/^loss and gradients: \([0-9]*\) instructions, .*/\1/p' out)
listed=$(grep -c '^ *[0-9][0-9]* *[0-9.]* %  [a-z_]* *float[0-9]*\[' out)
[ "${count:-0}" -gt 100 ] && [ "$count" = "$listed" ] || bad "all of it: $listed of $count instructions are listed"
for part in 1 2; do # shares of ops, then of modules
    sum=$(awk -v part=$part '/ op$| module$/ {n++} n == part && $2 == "%" && $4 == "ms" {s += $1} END {print int(s + 0.5)}' out)
    [ "$sum" -ge 98 ] && [ "$sum" -le 102 ] || bad "all of it: the shares of part $part make $sum %"
done
look "evaluation" -x 'info program eval all'
shows "evaluation" out "an evaluation: "
fails "a part" 1 'no part of a program "stp"; did you mean "step"?' "$fettle" -b -x 'open config.yaml' -x 'info program stp'
fails "as a pane" 2 'takes its time' "$fettle" -b -x 'open config.yaml' -x 'layout program'
fails "activations as a pane" 2 'takes its time' "$fettle" -b -x 'open config.yaml' -x 'layout "hist model activations"'

# ---- more curves and types than a screen has colours for
types=$(awk 'BEGIN {for (k = 0; k < 68; k++) printf "X%d,", k; print "O"}')
metrics="metrics: [{name: f, field: forces, coeff: 1, per_type: true, metric: {_target_: nequip.train.MeanAbsoluteError}}]"
sed -e "s/model_type_names: .*/model_type_names: [H,$types]\n      chemical_species_to_atom_type_map: {H: H, O: O}/" \
    -e "s/^    type_names: .*/    type_names: [H,$types]/" -e 's/per_type_energy_shifts: .*/per_type_energy_shifts: 0.0/' \
    -e 's/nequip.train.EnergyForceMetrics/nequip.train.MetricsManager/' \
    -e "s/^    coeffs: {total_energy_mae.*/    $metrics/" config.yaml >types.yaml
expect "many curves" 0 "$fettle" -b -x 'open types.yaml' -x 'next' -x 'export all.csv' -x 'export all.svg parity' \
    -x 'validate'
columns=$(head -n 1 all.csv | tr , '\n' | grep -c '^val0_epoch/f')
[ "$columns" = 71 ] || bad "many curves: $columns of the validation, not 71"
shows "many values" out "val0_epoch/f_O "
finish
