#!/bin/sh
# Scripts of commands against what they should print: scripts/NAME.fettle and scripts/NAME.out.  Numbers that depend on
# the machine are wiped by scripts/NAME.sed where there is one.  With UPDATE=1 the .out files are written instead.
. "$(dirname "$0")/common.sh"

for script in "$here"/scripts/*.fettle; do
    name=$(basename "$script" .fettle)
    rm -rf outputs o
    "$fettle" -b "$script" >out 2>&1 </dev/null
    echo "exit status $?" >>out
    # Paths differ from machine to machine.
    sed -i -e "s|$here/||g" -e "s|$scratch/||g" -e 's|outputs/[-0-9]*/[-0-9]*|outputs/DATE/TIME|g' out
    [ -e "$here/scripts/$name.sed" ] && sed -i -f "$here/scripts/$name.sed" out
    if [ -n "${UPDATE:-}" ]; then
        cp out "$here/scripts/$name.out"
    else
        diff -u "$here/scripts/$name.out" out >difference || { bad "$name"; sed 's/^/    | /' difference; }
    fi
done
finish
