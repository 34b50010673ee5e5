#!/bin/bash
# The manual pages and the completion agree with what the program says of itself.
pages=$(cd "$2" && pwd)
. "$(dirname "$0")/common.sh"

# ---- the commands are those that help lists, each with what it explains
"$fettle" -b -x help >help
sed -n 's/^  \([a-z][a-z]*\)\( .*\)*$/\1/p' help >listed
sed -n '/^.SH "KEYS/q; /^\.TP$/{n;s/^\\fB\([a-z]*\)\\fR.*/\1/p}' "$pages/fettle-commands.7" >paged
[ "$(wc -l <listed)" -gt 40 ] || bad "help lists few commands"
cmp -s listed paged || { diff listed paged; bad "fettle-commands(7) has other commands than help"; }
words() { sed 's/\\f[BR]//g; s/^\.[a-z][a-z]$//; s/\\&//g; s/\\-/-/g; s/\\(aq/'\''/g; s/\\(ha/^/g; s/\\(ti/~/g; s/\\e/\\/g' | tr -d '`' | tr -s ' \n' ' '; }
words <"$pages/fettle-commands.7" >flat
while read -r command; do
    "$fettle" -b -x "help $command" >explained
    grep -v '^    also: ' explained | words | sed 's/ $//' >text
    grep -qF -- "$(cat text)" flat || bad "fettle-commands(7) says other of $command than help: $(cat text)"
done <listed

# ---- options and verbs
words <"$pages/fettle.1" >flat
"$fettle" --help >out
for verb in $(sed -n '/^verbs/,/^$/s/^  \([a-z]*\) .*/\1/p' out); do
    grep -q "^\.SS \"fettle $verb\"" "$pages/fettle.1" || bad "fettle(1) has no verb $verb"
    "$fettle" "$verb" --help >out
    "$fettle" help "$verb" | cmp -s - out || bad "help $verb is not $verb --help"
    sed -n 's/^ .*--\([a-z-]*\)\( [A-Z]*\)* .*/\1/p' out | grep -v '^help$' >options
    [ -s options ] || bad "$verb has no options"
    sed -n "/^\.SS \"fettle $verb\"/,/^\.S[SH] [^f]*$/p" "$pages/fettle.1" | words >section
    while read -r option; do
        grep -q -- "--$option " section || bad "fettle(1) has no --$option of $verb"
    done <options
done
expect "help on nothing" 2 "$fettle" help nonsense
shows "help on nothing" err 'no help on "nonsense"'

# ---- what is built is what the program writes
"$fettle" help commands | cmp -s - "$pages/fettle-commands.7" || bad "fettle-commands(7) is old"
"$fettle" help completion | cmp -s - "$pages/fettle.bash" || bad "the completion is old"
if command -v groff >/dev/null; then
    for page in fettle.1 fettle-commands.7; do
        groff -man -Kutf8 -ww -z "$pages/$page" >out 2>err || bad "$page"
        [ -s err ] && bad "$page has errors in its macros"
    done
fi

# ---- completion
# shellcheck disable=SC1091
. "$pages/fettle.bash"
completes() { # what is offered for the last word, on one line
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    _fettle
    echo "${COMPREPLY[*]}"
}
offers() {
    want=$1
    shift
    got=$(completes "$@")
    [ "$got" = "$want" ] || bad "'$*' offers '$got', not '$want'"
}
mkdir folder
offers run fettle ru
offers config.yaml fettle run conf
offers "--resume --replay" fettle run --re
offers config.yaml fettle run --resume conf
offers config.yaml fettle run --resume = conf
offers "config.yaml" fettle run model.yaml --init = conf
offers folder fettle run config.yaml -o fo
offers folder fettle run config.yaml --output = fo
offers "" fettle run config.yaml --threads conf
offers strategy fettle -b -x strat
offers "--batch" fettle --ba
offers "show" fettle help sh
finish
