#!/bin/sh
# Scripts of commands against what they should print (NAME.out): NAME.fettle goes through -b, which ends at the first
# mistake, NAME.lines through standard input, where mistakes are reported and no more.  With UPDATE=1 the .out files are
# written instead.
. "$(dirname "$0")/common.sh"

cp -r "$here/scripts" .
for script in scripts/*.fettle scripts/*.lines; do
    name=$(basename "$script")
    rm -rf outputs o o.safetensors
    case $name in
    *.fettle) "$fettle" -b "$script" >out 2>&1 </dev/null ;;
    *) "$fettle" config.yaml <"$script" >out 2>&1 ;;
    esac
    echo "exit status $?" >>out
    name=${name%.*}
    # Paths differ from machine to machine.
    sed -i -e "s|$scratch/||g" -e 's|outputs/[-0-9]*/[-0-9]*|outputs/DATE/TIME|g' out
    if [ -n "${UPDATE:-}" ]; then
        cp out "$here/scripts/$name.out"
    else
        diff -u "$here/scripts/$name.out" out >difference || { bad "$name"; sed 's/^/    | /' difference; }
    fi
done
finish
