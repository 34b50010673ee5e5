#!/bin/sh
# What a session file executes looks and trains; it writes below the folder of its run only, and replaces nothing, until
# the user says so.  What the user executes replaces nothing that is not the session's, without `force`.
. "$(dirname "$0")/common.sh"
mkdir own theirs elsewhere
export HOME="$scratch/own" XDG_CONFIG_HOME="$scratch/own/config"
mkdir -p "$XDG_CONFIG_HOME/fettle"
trusted=$XDG_CONFIG_HOME/fettle/trusted

# session NAME: what stands under `fettle` on standard input.
session() {
    { sed "s|water.xyz|$scratch/water.xyz|" config.yaml; echo 'fettle:'; cat; } >"theirs/$1.yaml"
}

# untouched NAME: nothing but runs and what the test has put there.
untouched() {
    [ -z "$(ls elsewhere)" ] || bad "$1: elsewhere holds $(ls elsewhere)"
    [ "$(cat own/.bashrc)" = mine ] || bad "$1: .bashrc is not mine any more"
    rm -rf outputs elsewhere/*
    echo mine >own/.bashrc
}
echo mine >own/.bashrc

# refused NAME TEXT: the session NAME executes what it may not.
refused() {
    fails "$1" 1 "$2" "$fettle" -b -x "open theirs/$1.yaml"
    shows "$1" err 'trust "'
    untouched "$1"
}

# ---- every way to write, and every way around
for command in 'save elsewhere/a.safetensors' 'save elsewhere/a.yaml' 'save elsewhere/a.safetensors force' \
    'save elsewhere/a.yaml elsewhere/b.safetensors' 'save ${hydra:runtime.output_dir}/a.yaml elsewhere/b.safetensors' \
    'export elsewhere/a.csv' 'export elsewhere/a.svg' 'export elsewhere/a.png parity' 'save a.safetensors' \
    'save ${hydra:runtime.output_dir}/../../../elsewhere/a.safetensors' 'save ~/.bashrc force' \
    'save ${hydra:runtime.output_dir}/nowhere/../../../../elsewhere/a.safetensors' 'save /dev/null'; do
    session writes <<END
  commands: [step, '$command']
END
    refused writes ' is not written: commands of '
done
session config <<'END'
  commands: ['save ${hydra:runtime.output_dir}/config.yaml', 'save ${hydra:runtime.output_dir}/metrics.csv force']
END
refused config 'replace nothing'
echo 'save elsewhere/a.safetensors' >theirs/script.fettle
session scripts <<'END'
  commands: [source theirs/script.fettle]
END
refused scripts ' is not written: commands of '
session inner <<'END'
  commands: [step, save elsewhere/a.safetensors]
END
session outer <<'END'
  commands: [open theirs/inner.yaml]
END
refused outer ' is not written: commands of '
session trusts <<'END'
  commands: [trust /]
END
fails "a file that trusts" 1 'only you can' "$fettle" -b -x 'open theirs/trusts.yaml'
session stops <<'END'
  stops: [{watch: step, commands: [save elsewhere/a.safetensors, continue]}]
END
fails "stop points" 1 ' is not written: commands of ' "$fettle" -b -x 'open theirs/stops.yaml' -x step
untouched "stop points"
printf 'watch step\ncommands 1\nsave elsewhere/a.safetensors\nend\nwatch lr\ncommands 2\n' >theirs/typed.fettle
session typed <<'END'
  commands: [source theirs/typed.fettle]
END
fails "stop points that are typed" 1 ' is not written: commands of ' "$fettle" -b -x 'open theirs/typed.yaml' -x step
untouched "stop points that are typed"
session mine <<'END'
  stops: [watch: step]
END
expect "the user's commands of its stop points" 0 "$fettle" -b -x 'open theirs/mine.yaml' -x 'commands 1' \
    -x 'save own/a.safetensors' -x end -x step
[ -s own/a.safetensors ] || bad "the user's commands of a file's stop points"
untouched "the user's commands of its stop points"

# ---- callbacks, while a file has the run go on
kept='trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint, dirpath: elsewhere/kept, filename: best}]'
xyz='trainer.callbacks=[{_target_: nequip.train.callbacks.ValTimeXYZFileWriter, out_file: elsewhere/val}]'
session trains <<'END'
  commands: [next]
END
for what in "$kept" "$xyz"; do
    fails "callbacks" 1 "outside of the run's folder" "$fettle" -b -x "open theirs/trains.yaml '$what'"
    untouched "callbacks"
    expect "the user's own" 0 "$fettle" -b -x "open config.yaml '$what'" -x continue
    [ -n "$(ls elsewhere)" ] || bad "callbacks of the user's own: nothing is written"
    rm -rf elsewhere/*
    printf 'next\n' | "$fettle" --line theirs/trains.yaml "$what" >out 2>err
    [ -n "$(ls elsewhere)" ] || bad "callbacks, when the user goes on: nothing is written"
    rm -rf elsewhere/* outputs
done

# ---- below the run's folder it may write, and replace what it has written
session below <<'END'
  commands: [step, 'save ${hydra:runtime.output_dir}/a.safetensors', 'save ${hydra:runtime.output_dir}/a.safetensors',
    'export ${hydra:runtime.output_dir}/a.csv', 'save ${hydra:runtime.output_dir}/last.safetensors']
END
expect "below its folder" 0 "$fettle" -b -x 'open theirs/below.yaml'
ls outputs/*/*/a.safetensors outputs/*/*/a.csv outputs/*/*/last.safetensors >out 2>&1 || bad "below its folder"
untouched "below its folder"

# ---- until the user says so
session free <<'END'
  commands: [step, save elsewhere/a.safetensors]
END
free() {
    what=$1
    shift
    expect "$what" 0 "$@"
    [ -s elsewhere/a.safetensors ] || bad "$what: nothing is written"
    rm -rf elsewhere/*
    untouched "$what"
}
free "--trust" "$fettle" --trust -b -x 'open theirs/free.yaml'
free "trust" "$fettle" -b -x 'trust theirs' -x 'open theirs/free.yaml'
printf '# folders\n~/nowhere\n%s/theirs\n' "$scratch" >"$trusted"
free "the list" "$fettle" -b -x 'open theirs/free.yaml'
fails "sessions of trusted ones are judged by themselves" 1 ' is not written' sh -c 'mkdir -p other && mv theirs/free.yaml other &&
    sed "s|open .*]|open other/free.yaml]|" theirs/outer.yaml >theirs/opens.yaml; exec "$0" -b -x "open theirs/opens.yaml"' "$fettle"
untouched "sessions of trusted ones"
mv other/free.yaml theirs
chmod go+w "$trusted"
"$fettle" -b -x 'open theirs/free.yaml' >out 2>err && bad "a list that others can write"
shows "a list that others can write" out 'is not read'
untouched "a list that others can write"
rm "$trusted"
expect "who is trusted" 0 "$fettle" -b -x trust
shows "who is trusted" out 'no folder is trusted'
fails "no folder" 1 'Not a directory' "$fettle" -b -x 'trust config.yaml'

# ---- the user's own commands
cp config.yaml mine.yaml
echo '# a comment' >>mine.yaml
cp mine.yaml before.yaml
for command in 'save mine.yaml' 'save other.yaml mine.yaml.safetensors' 'save ./theirs/../mine.yaml' 'save link.yaml' \
    'export mine.csv' 'export mine.svg'; do
    for file in mine.csv mine.svg mine.yaml.safetensors; do echo mine >$file; done
    ln -sf mine.yaml link.yaml
    fails "$command" 1 'is there already, and this session has not written it' "$fettle" -b -x 'open mine.yaml' -x step -x "$command"
    cmp -s mine.yaml before.yaml || bad "$command: mine.yaml is not mine any more"
    cat mine.csv mine.svg mine.yaml.safetensors | grep -qv mine && bad "$command: replaced"
    expect "$command force" 0 "$fettle" -b -x 'open mine.yaml' -x step -x "$command force" -x "$command"
    cp before.yaml mine.yaml
    rm -f other.yaml
done
for command in 'save ""' 'save "" force' 'export ""' 'save a.yaml ""'; do
    "$fettle" -b -x 'open config.yaml' -x step -x "$command" >out 2>err && bad "$command"
    grep -q 'an empty name\|is no checkpoint\|are exported to' err || bad "$command"
done
[ ! -e a.yaml ] || bad "half of a session is saved"
expect "a device" 0 "$fettle" -b -x 'open config.yaml' -x 'save /dev/null'
untouched "the user's own commands"
finish
