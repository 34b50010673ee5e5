#!/bin/sh
# What the pages say of the source is so: the example of a technique is the file that is built and tested, folders and files
# that are named are there, links lead somewhere.
. "$(dirname "$0")/common.sh"

root=$here/../..
sed -n '/^```c$/,/^```$/p' "$root/src/README.md" | sed '/^```c$/d; /^```$/,$d' >shown
cmp -s shown "$root/src/train/technique/technique_adaptive_clip.c" || bad "src/README.md shows another technique_adaptive_clip.c"
grep -q 'technique_adaptive_clip}};' "$root/src/train/technique/composition_table.c" || bad "its composition is gone"

[ "$(wc -l <"$root/README.md")" -le 150 ] || bad "README.md has more than 150 lines"
for page in README.md src/README.md tests/README.md tests/bench/README.md tests/fuzz/README.md sessions/README.md \
    include/README.md .github/CONTRIBUTING.md .github/SECURITY.md tests/interop/DEVIATIONS.md; do
    folder=$(dirname "$root/$page")
    grep -o '](\([^)]*\))' "$root/$page" | sed 's/^](//; s/)$//; s/#.*//' | grep -v '^https*:' | sort -u >links
    while read -r link; do
        [ -z "$link" ] || [ -e "$folder/$link" ] || bad "$page leads to $link, which is not there"
    done <links
    grep -o '`\(src\|ui\|tests\|sessions\|include\)/[A-Za-z0-9_./-]*[A-Za-z0-9]`' "$root/$page" | tr -d '`' | sort -u >named
    while read -r name; do
        case $name in *[A-Z][A-Z]*) continue ;; esac # stands for any
        [ -e "$root/$name" ] || [ -e "$folder/$name" ] || bad "$page names $name, which is not there"
    done <named
done
# Each folder of the source is on the map.
(cd "$root" && find src -mindepth 1 -type d) | while read -r room; do
    case $room in src/data | src/train) continue ;; esac # only rooms
    grep -q "\`$room\`" "$root/src/README.md" || echo "$room"
done >missing
[ -s missing ] && bad "src/README.md has no row for $(tr '\n' ' ' <missing)"
# Where to add what: files are named below src.
sed -n '/^## Where to add what/,/^## A tech/p' "$root/src/README.md" | grep -o '`[a-z]*/[a-z_0-9/]*\(\.[ch]\)*`' | tr -d '`' |
    sort -u >named
while read -r name; do
    case $name in *[A-Z][A-Z]*) continue ;; esac
    [ -e "$root/src/$name" ] || [ -e "$root/$name" ] || bad "src/README.md names $name, which is not there"
done <named
finish
