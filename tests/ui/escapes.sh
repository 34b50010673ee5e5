#!/bin/sh
# What files and names hold never steers the terminal, nor what will be read from a log later: control characters are
# shown, wherever text leaves the program.
. "$(dirname "$0")/common.sh"

esc=$(printf '\033')
evil="$(printf '\033]0;owned\007\233\302\233\342\200\256')" # a title, C1 as a byte and as UTF-8, right to left

# harmless NAME FILE...: no control character but newline and tab, no direction, nothing that is no UTF-8.
harmless() {
    what=$1
    shift
    for file; do
        [ -e "$file" ] || bad "$what: there is no $file"
        if LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]\|\342\200\256\|\302\233')" "$file" ||
            ! iconv -f UTF-8 -t UTF-8 "$file" >/dev/null 2>&1; then
            bad "$what: $file has control characters"
            cat -v "$file" | sed 's/^/    | /'
        fi
    done
}

# tried NAME TEXT COMMAND...: whatever comes of it, the text is shown and harmless.
tried() {
    what=$1 text=$2
    shift 2
    "$@" >out 2>err </dev/null
    cat out err | grep -qF -- "$text" || bad "$what: \"$text\" is not shown"
    harmless "$what" out err
}

# ---- a session file
{ cat config.yaml; printf 'fettle: {commands: ["echo \\e]0;owned\\a\\u009b31m\\u202e."], layout: [values], display: [lr]}\n'; } >session.yaml
tried "echo" '\x1b]0;owned\x07\u009b31m\u202e.' "$fettle" -b -x 'open session.yaml'
"$fettle" --line session.yaml >out 2>err <<END
echo $evil
step 1
save $evil/x.safetensors
$evil
END
shows "at the plain prompt" out '\x1b]0;owned\x07\x9b\u009b\u202e'
shows "at the plain prompt" err 'cannot write \x1b'
harmless "the plain prompt" out err outputs/*/*/run.log

# ---- names in configs
for what in 'run=["\e]0;owned\a"]' 'training_module.model._target_="\e[31m"' '+data.train_file_path="\e[2J"' \
    'trainer.callbacks=[{_target_: "\e[31m"}]' 'training_module.loss.coeffs="\e[31m"' \
    '+training_module.model."\e[31m"=1' 'training_module.model.per_type_energy_scales={"\e[31m": 1}' \
    'training_module.model.type_names=["\e[31m", O]' 'training_module.val_metrics.coeffs="{\e[31m: 1}"'; do
    what=$(printf '%s' "$what" | sed "s/\\\\e/$esc/")
    "$fettle" run config.yaml -o named "$what" >out 2>err </dev/null
    harmless "$(printf '%s' "$what" | cat -v)" out err
done
sed "s/total_energy_mae: 1.0, forces_mae: 1.0/total_energy_mae: 1.0/; s/coeffs: {total_energy: 1.0/coeffs: {total_energy: 1.0/" config.yaml >metrics.yaml
cat >>metrics.yaml <<'END'

fettle: {commands: [tree, info layers, info config, info data, info metrics, audit, values]}
END
sed -i 's/^  val_metrics:/  train_metrics:\n    _target_: nequip.train.MetricsManager\n    metrics: [{name: "\\e]0;owned\\a", field: forces, metric: {_target_: nequip.train.MeanAbsoluteError}}]\n  val_metrics:/' metrics.yaml
"$fettle" run metrics.yaml -o metrics >out 2>err </dev/null
harmless "names of metrics" out err
[ ! -e metrics/run.log ] || harmless "names of metrics" metrics/run.log

# ---- data
sed "s/^O /O$esc[31m /; s/^H /H$evil /" water.xyz >colours.xyz
tried "species" 'atom 1 of frame 0' "$fettle" eval --model model.yaml colours.xyz
sed "s/ energy=/ $evil=1 energy=/" water.xyz >keys.xyz
"$fettle" --line config.yaml data.train_file_path=keys.xyz >out 2>err <<'END'
info data
step
END
harmless "keys of frames" out err
printf '%s' "$evil" >"$esc[31mfile.yaml"
for verb in 'run' 'show --model' 'bench' 'eval --model model.yaml' '-b'; do
    tried "the name of a file: $verb" '\x1b[31m' "$fettle" $verb "$esc[31mfile.yaml"
done
tried "the name of a folder" 'results in \x1b[31mrun' "$fettle" run config.yaml -o "$esc[31mrun"
harmless "the name of a folder" "$esc[31mrun/run.log"

# ---- the command line
tried "a verb" '\x1b[31m' "$fettle" "$esc[31m"
tried "an option" '\x1b[31m' "$fettle" run config.yaml "--$esc[31m"
tried "a command" '\x1b[31m' "$fettle" -b -x "$esc[31m"
finish
