#!/bin/sh
# The README's example of a technique is the file that is built and tested.
. "$(dirname "$0")/common.sh"

root=$here/../..
sed -n '/^```c$/,/^```$/p' "$root/README.md" | sed '/^```c$/d; /^```$/,$d' >shown
cmp -s shown "$root/src/train/technique/technique_adaptive_clip.c" || bad "README.md shows another technique_adaptive_clip.c"
grep -q 'technique_adaptive_clip}};' "$root/src/train/technique/composition_table.c" || bad "its composition is gone"
finish
