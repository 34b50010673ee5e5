#!/bin/sh
# What stands under `fettle` in a config: checked with its place before any data is read, applied by `open`, written by
# `save FILE.yaml`.
. "$(dirname "$0")/common.sh"

# A config without data: if this is not what is complained of, nothing was read.
sed 's/water.xyz/nothing.xyz/' config.yaml >bare.yaml
lines=$(wc -l <bare.yaml)

# refused NAME LINE COLUMN TEXT [STATUS]: the section on standard input, the first line of which is line 1.
refused() {
    { cat bare.yaml; echo 'fettle:'; cat; } >refused.yaml
    fails "$1" "${5:-1}" "refused.yaml:$((lines + 1 + $2)):$3" "$fettle" -b -x 'open refused.yaml'
    shows "$1" err "$4"
    for verb in 'run -o o' bench 'show --model' 'eval nothing.xyz --model'; do
        fails "$1: $verb" "${5:-1}" "refused.yaml:$((lines + 1 + $2)):$3" "$fettle" $verb refused.yaml
        shows "$1: $verb" err "$4"
    done
    [ -e outputs ] || [ -e o ] && bad "$1: a folder is left behind"
}

refused "unknown key" 1 3 'did you mean "layout"?' <<'END'
  layot: [values]
END
refused "a pane" 1 20 'no pane "vlues"' <<'END'
  layout: [values, vlues]
END
refused "a pane that is none" 2 7 'does more than look' 2 <<'END'
  layout:
    - "step 3"
END
refused "panes as a map" 1 11 'a list is expected, not a map' <<'END'
  layout: {values: 1}
END
refused "panes as lists" 1 12 'text is expected, not a list' <<'END'
  layout: [[values]]
END
refused "too many panes" 1 60 '8 panes at most' <<'END'
  layout: [tree, tree, tree, tree, tree, tree, tree, tree, values]
END
refused "a focus" 2 10 'did you mean "values"?' <<'END'
  layout: [values, ema]
  focus: vlues
END
refused "a focus as a list" 1 10 'the name of a pane is expected, not a list' <<'END'
  focus: [ema]
END
refused "zoom" 2 9 'true or false' <<'END'
  focus: chart
  zoom: yes, please
END
refused "an unknown curve" 2 14 'did you mean "forces_mae"?' <<'END'
  chart:
    curves: [forces_ma]
END
refused "too many curves" 1 39 '4 curves at most' <<'END'
  chart: {curves: [lr, epoch, lr, lr, lr]}
END
refused "chart" 1 19 'a number from 0 to below 1' <<'END'
  chart: {smooth: 1.5}
END
refused "a long name" 1 20 'has 127 characters at most' <<END
  chart: {curves: [norm.$(printf '%0130d' 0)]}
END
refused "a stop point that is a list" 1 19 'an expression is expected, not a list' <<'END'
  stops: [{break: [1]}]
END
refused "a chart's key" 1 11 'unknown key "logg"' <<'END'
  chart: {logg: true}
END
refused "a display" 1 17 'did you mean "lr"?' <<'END'
  display: [lr, lrr]
END
refused "half an expression" 3 5 'column 5 of "lr >"' <<'END'
  stops:
  - lr < 0.1
  - lr >
END
refused "nothing to stop at" 1 11 'break, tbreak or watch is missing' <<'END'
  stops: [{ignore: 3}]
END
refused "two at once" 1 36 'it is a break already' <<'END'
  stops: [{break: lr < 0.1, watch: lr}]
END
refused "a condition" 3 16 'no value "loss_"' <<'END'
  stops:
  - watch: lr
    condition: loss_ > 1
END
refused "hits" 1 31 'must be 0 or greater' <<'END'
  stops: [{watch: lr, ignore: -3}]
END
refused "commands of a stop point" 3 26 'did you mean "print"?' <<'END'
  stops:
  - watch: lr
    commands: [echo hit, prnt lr]
END
refused "a map of stop points" 1 10 'a list of stop points' <<'END'
  stops: {watch: lr}
END
refused "catch" 1 10 'true or false' <<'END'
  catch: nan
END
refused "rewind" 1 11 'from 0 to 256' <<'END'
  rewind: many
END
refused "start-up commands" 3 5 'usage: step [N]' 2 <<'END'
  commands:
  - step 3
  - step 3 4
END
# ---- what only the model tells is found out with it, and then nothing has changed either
{ cat config.yaml; printf 'fettle: {display: [norm.layer0_convnet, norm.layer7_convnet]}\n'; } >late.yaml
fails "names of modules" 1 'late.yaml:' "$fettle" -b -x 'open config.yaml' -x 'display lr' -x 'open late.yaml'
shows "names of modules" err 'norm.layer7_convnet'
"$fettle" --line config.yaml >out 2>err <<'END'
display lr
open late.yaml
display
info run
END
shows "what was open stays" out '1: lr = 0.01'
shows "what was open stays" out 'config.yaml'

# ---- panes are tried with the run that is opened, whatever the one before has brought
{ cat config.yaml; printf 'fettle: {layout: [plot norm.model]}\n'; } >curves.yaml
expect "panes of another run" 0 "$fettle" -b -x 'open config.yaml' -x 'step' -x 'open curves.yaml' \
    -x layout
shows "panes of another run" out 'plot norm.model'

# ---- applied, written, and applied again
{ cat config.yaml; cat; } >setup.yaml <<'END'
fettle:
  layout: [values, ema, "tree *layer0*"]
  focus: ema
  zoom: true
  chart: {curves: [train_loss_step/forces_mse, lr], log: false, smooth: 0.5, last: 200}
  display: [epoch, config_norm.forces_mse]
  stops:
  - train_loss_step/weighted_sum < 0.0001
  - {watch: lr, condition: epoch > 3, enabled: false}
  - tbreak: batch == 3
    ignore: 0
    commands: ['echo "the third, quoted"', continue]
  catch: false
  rewind: 7
  commands:
  - set lr 0.005
  - step 2
END
sed -i -e 's/nequip.train.EMALightningModule/nequip.train.EMAConFIGLightningModule/' setup.yaml
cat >look.fettle <<'END'
layout
chart
display
info break
info rewind
catch
audit
END
cat >write.fettle <<'END'
open setup.yaml
source look.fettle
save again.yaml
END
expect "applied" 0 "$fettle" -b write.fettle
sed '/^setup.yaml:/d;/^saved/d' out >first
expect "applied again" 0 "$fettle" -b -x 'open again.yaml' -x 'source look.fettle' -x 'continue'
sed '/^again.yaml:/d' out >second
shows "layout" second 'tree *layer0*'
shows "chart" second 'train_loss_step/forces_mse lr linear smooth 0.5 last 200'
shows "displays" second '2: config_norm.forces_mse'
shows "stop points" second 'watch (disabled) lr'
shows "stop points" second 'echo "the third, quoted"'
shows "start-up commands" second 'lr = 0.005'
head -n "$(wc -l <first)" second >both
cmp -s first both || { bad "what was written is not what was there"; diff first both; }
shows "focus" again.yaml '  focus: "info ema"'
shows "zoom" again.yaml '  zoom: true'
"$fettle" -b -x 'open again.yaml' -x 'save third.yaml' >/dev/null 2>&1
cmp -s again.yaml third.yaml || { bad "written twice, it differs"; diff again.yaml third.yaml; }

# ---- with a checkpoint the run goes on, over a change of the training module, to the same bits
cat >numbers.fettle <<'END'
print train_loss_step/weighted_sum ema_distance lr
module
audit
END
cat >on.fettle <<'END'
open config.yaml trainer.max_epochs=8
break train_loss_step/weighted_sum < 0.00001
step 3
strategy ema_config ema_decay=0.8
set lr 0.004
step 2
save on.yaml on.safetensors
step 4
source numbers.fettle
END
expect "saved with a checkpoint" 0 "$fettle" -b on.fettle
sed '1,/^saved/d' out >whole
expect "on from it" 0 "$fettle" -b -x 'open on.yaml' -x 'info break' -x 'step 4' -x 'source numbers.fettle'
shows "on from it" out 'break train_loss_step/weighted_sum'
sed '1,/break/d' out >parts
shows "on from it" parts 'layer0_convnet'
cmp -s whole parts || { bad "on from a checkpoint: other numbers"; diff whole parts; }

# ---- a file that cannot be written, a checkpoint that is none
fails "nowhere" 1 'no/where.yaml' "$fettle" -b -x 'open config.yaml' -x 'save no/where.yaml'
fails "not a config" 2 'is no config' "$fettle" -b -x 'open config.yaml' -x 'save a b'
fails "two configs" 2 'is no checkpoint' "$fettle" -b -x 'open config.yaml' -x 'save a.yaml b.yaml'

# ---- a session that opens itself
{ cat config.yaml; printf 'fettle: {commands: [open self.yaml]}\n'; } >self.yaml
fails "itself" 2 'sessions that open sessions' "$fettle" -b -x 'open self.yaml'

# ---- training without the workbench takes no notice
expect "run" 0 "$fettle" run setup.yaml -o ran
# ---- a model that is accepted in a session with a checkpoint begins a new run
expect "a checkpoint to go on from" 0 "$fettle" -b -x 'open config.yaml' -x 'step 2' -x 'save kept.yaml kept.safetensors'
expect "another model" 0 "$fettle" -b -x 'open kept.yaml' -x 'build NequIPGNNModel num_features=3' -x 'build accept' -x step

# ---- a run that is at its end goes on where it is given more, and a saved session has that
expect "more epochs" 0 "$fettle" -b -x 'open config.yaml trainer.max_epochs=1' -x continue -x 'set max_epochs 2' \
    -x continue -x 'set trainer.max_epochs 3' -x 'save more.yaml more.safetensors'
shows "more epochs" out "epoch 2/2"
expect "more epochs, saved" 0 "$fettle" -b -x 'open more.yaml' -x continue
shows "more epochs, saved" out "epoch 3/3"
fails "at the end" 1 "max_epochs" "$fettle" -b -x 'open config.yaml trainer.max_epochs=1' -x continue -x next
for command in save open source; do
    fails "$command without a name" 2 "an empty name" "$fettle" -b -x 'open config.yaml' -x "$command ''"
done
finish
