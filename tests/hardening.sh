#!/bin/sh
# hardening.sh BUILD [fortified]: no binary of the build folder searches for libraries in the current folder, and all are
# built so that a fault of memory is caught rather than used.
set -u
build=$1 fortified=${2:-}
failures=0
bad() {
    failures=$((failures + 1))
    echo "FAILED: $*"
}

count=0
list=$(mktemp)
trap 'rm -f "$list"' EXIT
find "$build" -type d -name CMakeFiles -prune -o -type f -perm -u+x -print >"$list"
while IFS= read -r binary; do
    header=$(readelf -hW "$binary" 2>/dev/null) || continue
    case $header in *"Type:"*EXEC* | *"Type:"*DYN*) ;; *) continue ;; esac
    count=$((count + 1))
    dynamic=$(readelf -dW "$binary")
    segments=$(readelf -lW "$binary")
    for entry in $(echo "$dynamic" | sed -n -E 's/.*\((RPATH|RUNPATH)\).*\[(.*)\]/:\2:/p' | sed 's/::/:(empty):/g; s/:/ /g'); do
        case $entry in /*) ;; *) bad "$binary looks for libraries in \"$entry\"" ;; esac
    done
    echo "$header" | grep -q 'Type: *DYN' || bad "$binary is not position-independent"
    echo "$dynamic" | grep -q BIND_NOW || bad "$binary binds late: its table of functions can be written"
    echo "$segments" | grep -q GNU_RELRO || bad "$binary: relocated data can be written"
    echo "$segments" | grep GNU_STACK | grep -q ' RW ' || bad "$binary has a stack that can be executed"
done <"$list"
[ "$count" -ge 2 ] || bad "only $count binaries in $build"

for binary in "$build/fettle" "$build"/include/libfettle.so; do
    [ -e "$binary" ] || { bad "there is no $binary"; continue; }
    functions=$(nm -D --undefined-only "$binary")
    echo "$functions" | grep -q ' __stack_chk_fail' || bad "$binary has no stack protector"
    [ -z "$fortified" ] || echo "$functions" | grep -q '_chk@' || bad "$binary has no checked string functions"
done
[ "$failures" = 0 ] || exit 1
echo "$count binaries: all passed"
