#!/bin/sh
# Bad input: each kind gets one clear error that says what and where.
. "$(dirname "$0")/common.sh"

run() {
    "$fettle" run config.yaml -o o "$@"
}

# ---- the command line
fails "no verb" 2 'did you mean "run"' "$fettle" runn
fails "unknown option" 2 'did you mean --model' "$fettle" eval --modle x y
fails "missing argument" 2 'an argument is missing' "$fettle" run
fails "missing value" 2 '--model needs a value' "$fettle" show --model
fails "threads" 2 'a whole number from 1' "$fettle" run config.yaml --threads nine
fails "no such config" 1 'nowhere.yaml' "$fettle" run nowhere.yaml
fails "no such session" 1 'nowhere.yaml' "$fettle" -b -x 'open nowhere.yaml'
fails "override of nothing" 1 'max_epochs' run trainer.max_epoch=3

# ---- YAML
printf 'run: [train\ndata: {\n' >broken.yaml
fails "syntax" 1 'broken.yaml:' "$fettle" run broken.yaml -o o
printf '' >empty.yaml
expect "empty config" 1 "$fettle" run empty.yaml -o o
fails "circle" 1 'circle' run 'data.seed=${data.train_dataloader.batch_size}' 'data.train_dataloader.batch_size=${data.seed}'
fails "nowhere" 1 'no_such_key' run 'trainer.max_epochs=${no_such_key}'

fails "defaults" 1 'no config nothing.yaml' sh -c 'echo "defaults: [nothing]" >lists.yaml
    exec "$0" run lists.yaml -o o' "$fettle"
fails "not the kind of file" 1 'gzip' sh -c 'gzip -c config.yaml >packed.yaml; exec "$0" run packed.yaml -o o' "$fettle"
fails "a config of old" 1 'NequIP before 0.7' sh -c 'printf "r_max: 4\nnum_layers: 2\nn_train: 5\nlearning_rate: 1\n" >old.yaml
    exec "$0" run old.yaml -o o' "$fettle"
sed "s/lr: 0.01/lr: 1e−3/" config.yaml >alike.yaml
expect "look-alikes" 1 "$fettle" run alike.yaml -o o
shows "look-alikes" err 'expected a number, not a string "1e−3"; it has U+2212, a minus sign instead of -'
expect "what nothing reads" 0 "$fettle" run config.yaml -o unread '+unused=???' '+other=${oc.env:FETTLE_NOT_SET}'
expect "all at once" 1 run trainer.max_epochs=x training_module.optimizer._target_=Adm training_module.loss.coeffs=3 \
    training_module.model.r_max=big training_module.model.seed=x data.transforms=no
for what in max_epochs Adm coeffs r_max seed transforms; do
    [ "$(grep -c "fettle: .*$what" err)" = 1 ] || bad "all at once: not one line about $what"
done

# ---- names and types, resolved before data is read
fails "unknown key of the trainer" 1 'max_epochs' run '+trainer.max_epoch=1'
fails "unknown key" 1 'batch_size' run '+data.train_dataloader.batchsize=2'
fails "unknown target" 1 'NequIPGNNModel' run training_module.model._target_=nequip.model.NequIPGNModel
fails "unknown argument" 1 'num_layers' run '+training_module.model.num_layer=3'
fails "unknown optimizer" 1 'torch.optim.Adam' run training_module.optimizer._target_=torch.optim.Adm
fails "wrong type" 1 'r_max' run training_module.model.r_max=big
fails "wrong type of a list" 1 'num_layers' run 'training_module.model.num_layers=[1,2]'
fails "names come first" 1 'NequIPGNNModel' run data.train_file_path=missing.xyz \
    training_module.model._target_=nequip.model.NequIPGNModel
fails "unknown metric" 1 'val0_epoch/weighted_sum' run training_module.lr_scheduler.monitor=val0_epoch/weigted_sum
fails "interval" 1 'an epoch has 2' run '+trainer.val_check_interval=50'
fails "two training sets" 1 'ConcatDataset' run 'data.train_file_path=[water.xyz,water.xyz]'

# ---- data
fails "missing data" 1 'missing.xyz' run data.train_file_path=missing.xyz
: >nothing.xyz
fails "empty data" 1 'nothing.xyz' run data.train_file_path=nothing.xyz
head -n 8 water.xyz >cut.xyz
fails "truncated data" 1 'cut.xyz' run data.train_file_path=cut.xyz
sed 's/energy=[-0-9.]*//' water.xyz >noenergy.xyz
fails "no energy" 1 'energy' run data.train_file_path=noenergy.xyz
sed -e 's/forces:R:3/gradient:R:3/' water.xyz >noforces.xyz
fails "no forces" 1 'forces' run data.train_file_path=noforces.xyz
sed 's/^O  /Xe /' water.xyz >xenon.xyz
fails "unknown species" 1 'Xe' run data.train_file_path=xenon.xyz
sed 's/energy=-4.05/energy=nan/' water.xyz >nan.xyz
fails "nan label" 1 'nan.xyz' run data.train_file_path=nan.xyz
sed 's/^H  0.00  0.76 -0.48/H  0.00  0.00  0.10/' water.xyz >twice.xyz
fails "two atoms on one place" 1 'twice.xyz' run data.train_file_path=twice.xyz
fails "cutoff beyond memory" 1 'r_max 2000' sh -c 'sed "s/pbc=\"F F F\"/pbc=\"T T T\" Lattice=\"4 0 0 0 4 0 0 0 4\"/" water.xyz >box.xyz
    exec "$0" run config.yaml -o o data.train_file_path=box.xyz data.val_file_path=box.xyz \
    data.transforms.1.r_max=2000.0 training_module.model.r_max=2000.0' "$fettle"
fails "split sizes" 1 'split' run '~data.train_file_path' '~data.val_file_path' \
    '+data.split_dataset={file_path: water.xyz, train: 3, val: 2}'
fails "batch above the data" 1 'batch_size 50' run data.train_dataloader.batch_size=50 +data.train_dataloader.drop_last=true

# ---- a frame without edges: its energy is the shift
printf '1\nProperties=species:S:1:pos:R:3\nO 0 0 0\n' >alone.xyz
expect "no edges" 0 "$fettle" eval --model model.yaml -o alone.out.xyz alone.xyz
shows "no edges" alone.out.xyz 'energy=-2.0'

# ---- labels that are no numbers, and frames without
sed '3s/0.00  0.00 -0.30/nan nan nan/' water.xyz >odd.xyz
expect "a NaN among the labels" 0 "$fettle" eval --model model.yaml -o odd.out.xyz odd.xyz
shows "a NaN among the labels" err 'the label forces of atom 0 (O) of frame 0 of odd.xyz is NaN'
grep -q 'forces_mae *[0-9]' out || bad "a NaN among the labels: no error of the others"
sed '2s/energy=[^ ]*/energy=-inf/' water.xyz >odd.xyz
expect "an infinite label" 0 "$fettle" eval --model model.yaml --json odd.json odd.xyz
shows "an infinite label" err 'the label total_energy of frame 0 of odd.xyz is infinite'
sed '2s/energy=[^ ]*/other=1/' water.xyz >odd.xyz
expect "a frame without a label" 0 "$fettle" eval --model model.yaml -o odd.out.xyz odd.xyz
shows "a frame without a label" err '1 of '
grep -q 'per_atom_energy_mae *[0-9]' out || bad "a frame without a label: no error of the others"
fails "a folder of frames" 1 'is a folder' "$fettle" eval --model model.yaml .
fails "a folder for a model" 1 'Is a directory' "$fettle" eval --model . water.xyz

# ---- weights
"$fettle" run config.yaml -o good >/dev/null 2>&1 || bad "a good run"
fails "other shape" 1 'shape' "$fettle" run config.yaml -o o --init good/last.safetensors \
    training_module.model.num_features=6
fails "missing names" 1 'pair_potential' "$fettle" run config.yaml -o o --init good/last.safetensors \
    '+training_module.model.pair_potential={_target_: nequip.nn.pair_potential.ZBL, units: metal, chemical_species: [H, O]}'
head -c 3000 good/last.safetensors >cut.safetensors
fails "cut short" 1 'cut.safetensors' "$fettle" run config.yaml -o o --init cut.safetensors
fails "cut short" 1 'cut.safetensors' "$fettle" eval --model cut.safetensors water.xyz
fails "not a checkpoint" 1 'water.xyz' "$fettle" eval --model model.yaml --weights water.xyz water.xyz
fails "species" 1 'Xe' "$fettle" eval --model good/last.safetensors xenon.xyz

# ---- kernels
fails "kernels" 1 'portable, avx2 and avx512' env FETTLE_KERNELS=wide "$fettle" eval --model model.yaml water.xyz
expect "portable kernels" 0 env FETTLE_KERNELS=portable "$fettle" eval --model model.yaml water.xyz
shows "portable kernels" out 'energy=-4.634'

# ---- changes that are to be made again
printf 'epoch 0, batch 1\tset\tlr\t0.1\n' >audit.log
fails "no place" 1 'audit.log:1' run --replay audit.log
fails "no audit log" 1 'nowhere.log' run --replay nowhere.log
printf 'epoch 0, batch 0, step 0, before load\tset\tlrr\t0.1\n' >audit.log
fails "a change that cannot be made" 1 "did you mean \"lr\"" run --replay audit.log
printf 'epoch 0, batch 0, step 0, before load\tfrobnicate\n' >audit.log
fails "no change" 1 'a change is set, strategy' run --replay audit.log
printf 'epoch 0, batch 0, step 0, before load\tset\tlr\t0.1\n' >audit.log
fails "another log than the checkpoint's" 1 'does not begin with' \
    sh -c '"$0" run config.yaml -o changed --replay audit.log >out 2>&1
    sed s/0.1/0.2/ audit.log >other.log
    exec "$0" run config.yaml -o o --resume changed/last.safetensors --replay other.log trainer.max_epochs=3' "$fettle"

# ---- what is no script: bounded, and told where
fails "no script" 1 '/dev/zero:1: a zero byte' "$fettle" -b /dev/zero
fails "no script" 1 '/dev/zero:1: a zero byte' "$fettle" -b -x 'source /dev/zero'
fails "the program as a script" 1 'a zero byte' "$fettle" -b "$fettle"
fails "a folder as a script" 1 'Is a directory' "$fettle" -b -x 'source .'
yes '# a comment' | tr -d '\n' | head -c 4000000 >long.fettle
fails "a line without end" 1 'long.fettle:1: a line of more than' "$fettle" -b long.fettle
expect "standard input" 1 sh -c 'exec "$0" --line config.yaml </dev/zero' "$fettle"
shows "standard input" err 'standard input: a zero byte'
{ cat config.yaml; printf 'fettle: {commands: ["echo a\\nstep"]}\n'; } >lines.yaml
fails "two lines in one" 2 'a command is one line' "$fettle" -b -x 'open lines.yaml'

# ---- where output goes
cp water.xyz precious.xyz
ln -s precious.xyz link.xyz
ln precious.xyz other.xyz
for to in precious.xyz link.xyz other.xyz ./precious.xyz; do
    fails "eval over its input" 1 'would be written over' "$fettle" eval --model model.yaml -o $to precious.xyz
done
fails "eval over its model" 1 'would be written over' "$fettle" eval --model config.yaml --json config.yaml precious.xyz
fails "eval over the data of its config" 1 'water.xyz' "$fettle" eval --model config.yaml -o water.xyz precious.xyz
fails "two outputs" 1 'one file' "$fettle" eval --model model.yaml --json j --loss-grads j water.xyz
fails "bench over its config" 1 'would be written over' "$fettle" bench config.yaml --json config.yaml
cmp -s precious.xyz water.xyz || bad "an input is written over"
: >file
fails "folder that is a file" 1 'file' "$fettle" run config.yaml -o file/folder
fails "eval into nowhere" 1 'nowhere/x.json' "$fettle" eval --model model.yaml --json nowhere/x.json water.xyz
expect "full disk" 1 sh -c 'exec "$0" show --model model.yaml >/dev/full' "$fettle"
shows "full disk" err "standard output"
# A limit on file sizes stands for a disk that is full: writing fails half way through.
expect "full disk while training" 1 sh -c 'trap "" XFSZ; ulimit -f 4; exec "$0" run config.yaml -o full' "$fettle"
[ ! -s full/last.safetensors ] || bad "a full disk leaves no half checkpoint"
# Who reads a pipe may go.
expect "closed pipe" 0 sh -c '"$0" eval --model model.yaml water.xyz 2>/dev/null | head -n 1 >/dev/null' "$fettle"

finish
