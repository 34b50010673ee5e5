#!/bin/sh
# What the rooms of the house are held to:
#
#     tests/house.sh SOURCE
#
# - a file includes headers of its own room, and of rooms that stand before it in the list below;
# - no struct, enum or file name stands twice in src and ui;
# - a header ending in _internal.h is for its own layer, and for no extension.
set -eu
[ $# -eq 1 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
cd "$1"
bad=0
fail() {
    echo "$*" >&2
    bad=1
}

# One floor a line.  No two include each other; src/README.md says what each holds.
floors='base
config
graph
graph/op
graph/kernel
graph/pass
graph/run
e3
data/frame
data/format
data/transform
data/set
data/module
model/file
model/emit
model/module
model/builder
model
train/core
train/metric
train/optimizer
train/scheduler
train/run
train/technique
train/callback
evaluation
session
session/stop
session/view
session/command
ui'

find src ui -name '*.[ch]' -o -name '*.inc' | sort >/tmp/house.$$
trap 'rm -f /tmp/house.$$' EXIT

xargs grep -n '^#include "' </tmp/house.$$ | sed 's/^\([^:]*\):[0-9]*:#include "\([^"]*\)".*/\1 \2/' | awk -v floors="$floors" '
    BEGIN {
        count = split(floors, lines, "\n")
        for (k = 1; k <= count; k++) {
            n = split(lines[k], rooms, " ")
            for (j = 1; j <= n; j++) floor[rooms[j]] = k
        }
    }
    function room(path) { sub(/^src\//, "", path); if (!sub(/\/[^\/]*$/, "", path)) path = ""; return path }
    {
        from = room($1); to = room($2)
        if (to == "" || to == "fettle") next # beside it; what is installed
        if (!(from in floor)) { print $1 ": its room has no floor"; next }
        if (!(to in floor)) { print $1 ": there is no room of " $2; next }
        if (floor[to] > floor[from]) print $1 " includes " $2 ", which stands above it"
        if ($2 ~ /_internal\.h$/ && from != to && from ~ /^train\/(technique|callback|optimizer|scheduler|metric)$/)
            print $1 " is an extension, and includes " $2
    }' | sort -u >/tmp/house.$$.out
[ -s /tmp/house.$$.out ] && fail "$(cat /tmp/house.$$.out)"

sed 's|.*/||' /tmp/house.$$ | sort | uniq -d >/tmp/house.$$.out
[ -s /tmp/house.$$.out ] && fail "file names that stand twice: $(tr '\n' ' ' </tmp/house.$$.out)"

xargs awk '
    FNR == 1 { delete seen }
    /^[[:space:]]*\/?\*/ { next }
    match($0, /(^|[^a-z_])(struct|enum|union) [a-z_0-9]+ \{/) {
        words = substr($0, RSTART, RLENGTH)
        sub(/^[^a-z_]*/, "", words)
        split(words, part, " ")
        if (!(part[2] in seen)) { seen[part[2]] = 1; print part[2] }
    }' </tmp/house.$$ | sort | uniq -d >/tmp/house.$$.out
[ -s /tmp/house.$$.out ] && fail "tags that stand twice: $(tr '\n' ' ' </tmp/house.$$.out)"
rm -f /tmp/house.$$.out
exit $bad
