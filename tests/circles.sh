#!/bin/sh
# Files of a layer call each other one way only: none calls, by however many others, one that calls it.  What is called
# through a table of kinds is not counted: whoever reads the table does not know what it lists.
#
#     tests/circles.sh BUILD LAYER...
#
# BUILD is a folder that was built into; a LAYER is a folder of src.
set -eu
[ $# -ge 2 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
build=$1
shift
for room; do
    nm -A "$build/src/$room/libfettle_$room.a" | awk '
        { split($1, at, ":"); file = at[2]; kind = $(NF - 1); name = $NF }
        kind == "T" { home[name] = file }
        kind == "U" { uses[file, name] }
        END {
            for (pair in uses) {
                split(pair, use, SUBSEP)
                if (use[2] in home && home[use[2]] != use[1])
                    print use[1], home[use[2]]
            }
        }' | tsort >/dev/null || { echo "src/$room has a circle" >&2; exit 1; }
done
