#!/bin/sh
# The guided sessions show what they say they show.  With UPDATE=1 the .out files are written instead.
. "$(dirname "$0")/common.sh"

cp -r "$here/../../sessions" .
export LC_ALL=C.UTF-8
for script in sessions/*.fettle; do
    name=$(basename "$script" .fettle)
    "$fettle" -b -x "source $script typed" >out 2>&1 </dev/null || bad "$name: exit status $?"
    sed -i 's|outputs/[-0-9]*/[-0-9]*|outputs/DATE/TIME|g' out
    steady out
    if [ -n "${UPDATE:-}" ]; then
        cp out "$here/../../sessions/$name.out"
    else
        diff -u "sessions/$name.out" out >difference || { bad "$name"; sed 's/^/    | /' difference; }
    fi
    grep -q "$name.fettle" sessions/*.yaml || bad "$name: no config names it"
done
finish
