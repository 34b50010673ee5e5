#!/bin/sh
# Scripts of commands against what they should print (NAME.out): NAME.fettle goes through -b, which ends at the first
# mistake, NAME.lines through standard input, where mistakes are reported and no more.  With UPDATE=1 the .out files are
# written instead.
. "$(dirname "$0")/common.sh"

cp -r "$here/scripts" .
for script in scripts/*.fettle scripts/*.lines; do
    name=$(basename "$script")
    rm -rf outputs o o.safetensors e.svg
    case $name in
    *.fettle) "$fettle" -b "$script" >out 2>&1 </dev/null ;;
    *) "$fettle" config.yaml <"$script" >out 2>&1 ;;
    esac
    echo "exit status $?" >>out
    name=${name%.*}
    # Paths differ from machine to machine.
    sed -i -e "s|$scratch/||g" -e 's|outputs/[-0-9]*/[-0-9]*|outputs/DATE/TIME|g' out
    steady out
    if [ -n "${UPDATE:-}" ]; then
        cp out "$here/scripts/$name.out"
    else
        diff -u "$here/scripts/$name.out" out >difference || { bad "$name"; sed 's/^/    | /' difference; }
    fi
done

# Every command has a script, and by itself does what it can, or fails with one line that says why.
"$fettle" -b -x help | grep '^  [a-z]' >table
while read -r name next _; do
    grep -qE "^ *$name( |\$)" scripts/*.fettle scripts/*.lines || bad "no script has the command $name"
    "$fettle" -b -x "help $name" >out 2>err
    grep -q "^$name" out || bad "help $name"
    for words in '' ' w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w'; do
        "$fettle" -b -x "$name$words" >out 2>err </dev/null
        status=$?
        case $words$next in
        [A-Z]*) want="usage: $name" ;;
        ' '*) want="more than 64 words" ;;
        *) want='usage: \|no session is open\|no [a-z]* "\|there are no ' ;;
        esac
        if [ $status != 0 ]; then
            [ "$(wc -l <err)" = 1 ] && grep -q "$want" err || bad "$name$words"
        elif [ "$want" = "usage: $name" ]; then
            bad "$name does without what it needs"
        fi
    done
done <table
finish
