#!/bin/sh
# A run that is killed and resumed is the run in one go, to the last bit; and no kill at any moment leaves a state that
# cannot be resumed.
#
#     resume.sh FETTLE KILLS [quick]     quick: fewer cases
. "$(dirname "$0")/common.sh"
kills=$2
quick=${3:-}

same() { # what, a, b
    cmp -s "$2" "$3" || bad "$name: $1 differs"
}

callbacks='trainer.callbacks=[{_target_: lightning.pytorch.callbacks.EarlyStopping, monitor: val0_epoch/weighted_sum, patience: PATIENCE, min_delta: 0.02}, {_target_: lightning.pytorch.callbacks.LearningRateMonitor, logging_interval: epoch}]'

# 20 epochs in one go; 7, a few batches of the eighth, a kill; then the rest from where it was saved.
split_run() { # name, patience, threads, overrides...
    name=$1
    watch=$(echo "$callbacks" | sed "s/PATIENCE/$2/")
    threads=$3
    shift 3
    rm -rf whole parts outputs in one.yaml mid.safetensors log
    "$fettle" run config.yaml -o whole --threads "$threads" trainer.max_epochs=20 "$watch" "$@" >out 2>err ||
        { bad "$name: the run in one go"; return; }
    mkfifo in
    # the config as resolved has all overrides in it
    cp whole/config.yaml one.yaml
    FETTLE_NUM_THREADS=$threads "$fettle" one.yaml <in >log 2>&1 &
    pid=$!
    exec 3>in
    printf 'next 7\nsave mid.safetensors\nstep\necho ready\n' >&3
    wait_for '^ready' log
    kill -9 $pid
    wait $pid 2>/dev/null
    exec 3>&-
    mv outputs/*/* parts
    "$fettle" run one.yaml -o parts --threads "$threads" --resume mid.safetensors >out 2>err ||
        { bad "$name: resuming"; return; }
    same metrics.csv whole/metrics.csv parts/metrics.csv
    same last.safetensors whole/last.safetensors parts/last.safetensors
}

all_of() { # dtype, threads
    set -- "$1" "$2" "training_module.model.model_dtype=$1" data.train_dataloader.batch_size=1 \
        training_module.lr_scheduler.scheduler.patience=1
    dtype=$1 threads=$2
    shift 2
    no_ema='~training_module.ema_decay'
    split_run "ema $dtype $threads" 50 "$threads" "$@"
    split_run "ema_config $dtype $threads" 50 "$threads" "$@" training_module._target_=ema_config
    [ -n "$quick" ] && return
    split_run "base $dtype $threads" 50 "$threads" "$@" training_module._target_=base $no_ema
    split_run "config $dtype $threads" 50 "$threads" "$@" training_module._target_=config $no_ema
    split_run "ema, stopped early $dtype $threads" 3 "$threads" "$@"
    for module in schedulefree config_schedulefree; do
        for kind in AdamW SGD RAdam; do
            split_run "$module $kind $dtype $threads" 50 "$threads" "$@" training_module._target_=$module $no_ema \
                "training_module.optimizer._target_=schedulefree.${kind}ScheduleFree"
        done
    done
    for module in mconfig ema_mconfig adaptive_clip ema_adaptive_clip adaptive_clip_schedulefree; do
        with=''
        case $module in *mconfig) with=training_module.optimizer._target_=torch.optim.SGD ;;
        *schedulefree) with=training_module.optimizer._target_=schedulefree.AdamWScheduleFree ;; esac
        without=''
        case $module in ema*) ;; *) without=$no_ema ;; esac
        split_run "$module $dtype $threads" 50 "$threads" "$@" training_module._target_=$module $with $without
    done
    split_run "ema, a schedule by steps $dtype $threads" 50 "$threads" "$@" training_module.lr_scheduler.interval=step \
        '~training_module.lr_scheduler.scheduler' \
        '+training_module.lr_scheduler.scheduler={_target_: torch.optim.lr_scheduler.CosineAnnealingLR, T_max: 30}'
}

for dtype in float32 float64; do
    for threads in 1 2; do
        all_of $dtype $threads
    done
done

# ---- kills at random moments
name=kills
keep='trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint, dirpath: kept, filename: best, monitor: val0_epoch/weighted_sum, save_last: true}]'
rm -rf run kept
: >log
k=0
resumed=0
for delay in $(awk -v n="$kills" -v most="${quick:+2}" \
    'BEGIN { srand(7); for (k = 0; k < n; k++) printf "%.3f\n", 0.004 + (most ? most : 0.11) * rand() * rand() }'); do
    k=$((k + 1))
    from=''
    if [ -e kept/last.safetensors ]; then
        from='--resume kept/last.safetensors'
        resumed=$((resumed + 1))
    else # a start over what a kill has left would give its files other names
        rm -rf run kept
    fi
    "$fettle" run config.yaml -o run $from trainer.max_epochs=100000 "$keep" >out 2>err &
    pid=$!
    # every other one is on its way before the clock starts, however busy the machine is
    [ $((k % 2)) = 0 ] || wait_for '^epoch' err
    sleep "$delay"
    kill -9 $pid 2>/dev/null || { bad "kill $k: the run had ended"; break; }
    wait $pid 2>/dev/null
    # what a kill cut short may be there, but a checkpoint can always be read
    [ ! -e kept/last.safetensors ] || "$fettle" show --model kept/last.safetensors >out 2>err || bad "kill $k: show"
done
[ "$resumed" -gt $((kills / 2)) ] || bad "kills: only $resumed of $kills runs had a checkpoint to go on from"
done_epochs=$(tail -n 1 run/metrics.csv | tr ',' '\n' | grep -c .)
[ "$done_epochs" -gt 0 ] || bad "kills: metrics.csv is empty"
column=$(head -n 1 run/metrics.csv | tr ',' '\n' | grep -n '^epoch$' | cut -d: -f1)
last=$(cut -d, -f"$column" run/metrics.csv | sort -n | tail -n 1)
epochs=$((last + 5))
"$fettle" run config.yaml -o run --resume kept/last.safetensors trainer.max_epochs=$epochs "$keep" >out 2>err ||
    bad "kills: the last resume"
mv kept kept.killed
"$fettle" run config.yaml -o straight trainer.max_epochs=$epochs "$keep" >out 2>err || bad "kills: the run in one go"
same metrics.csv run/metrics.csv straight/metrics.csv
same last.safetensors kept.killed/last.safetensors kept/last.safetensors
[ -z "$(find . -name '*.tmp-*' -print -quit)" ] || bad "kills: temporary files are left: $(find . -name '*.tmp-*' | head -n 3)"
echo "$kills kills, $resumed resumed, $epochs epochs"
finish
