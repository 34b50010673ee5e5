#!/bin/sh
# Installs into an empty folder and builds a client against that: by pkg-config, by find_package and by hand.
set -eu
cmake=$1
build=$2
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
prefix=$scratch/prefix
cd "$scratch"

"$cmake" --install "$build" --prefix "$prefix" >install.log || { cat install.log; exit 1; }
library=$(dirname "$(find "$prefix" -name libfettle.so)")
export LD_LIBRARY_PATH="$library" FETTLE_NUM_THREADS=1

same() { # what, program
    energy=$("$2" "$here/model.yaml")
    [ -n "$energy" ] || { echo "FAILED: $1 gives nothing"; exit 1; }
    [ "$energy" = "${first:=$energy}" ] || { echo "FAILED: $1 gives $energy, not $first"; exit 1; }
    echo "$1: $energy eV"
}

cc -std=c11 -Wall -Werror -o plain "$here/package/client.c" -I"$prefix/include" -L"$library" -lfettle
same "plain compile" ./plain

export PKG_CONFIG_PATH="$library/pkgconfig"
[ "$(pkg-config --modversion fettle)" = "$("$prefix/bin/fettle" --version | cut -d' ' -f2)" ]
# shellcheck disable=SC2046
cc -std=c11 -o by_pkg_config "$here/package/client.c" $(pkg-config --cflags --libs fettle)
same "pkg-config" ./by_pkg_config

"$cmake" -S "$here/package" -B client-build -DCMAKE_PREFIX_PATH="$prefix" >cmake.log
"$cmake" --build client-build >>cmake.log || { cat cmake.log; exit 1; }
same "find_package" client-build/client

# The header compiles alone, in C and in C++ where there is a compiler for it.
printf '#include <fettle/fettle.h>\nint main(void) { return fettle_version() == 0; }\n' >alone.c
cc -std=c99 -pedantic -Wall -Werror -o alone alone.c -I"$prefix/include" -L"$library" -lfettle
./alone
if command -v c++ >/dev/null; then
    cp alone.c alone.cc
    c++ -o alone_cc alone.cc -I"$prefix/include" -L"$library" -lfettle
    ./alone_cc
fi

# Nothing but the API is visible.
others=$(nm -D --defined-only "$library/libfettle.so" | awk '$2 ~ /[TDBRV]/ && $3 !~ /^fettle_/ {print $3}')
[ -z "$others" ] || { echo "FAILED: the library also exports $others"; exit 1; }
nm -D --defined-only "$library/libfettle.so" | grep -q ' T fettle_evaluate$'

# Pages, completion and sessions are there, and pages lead to each other.
for file in man/man1/fettle.1 man/man7/fettle-commands.7 bash-completion/completions/fettle fettle/sessions/first_look.fettle \
    fettle/sessions/nan_hunt.xyz doc/fettle/copyright doc/fettle/ui/doc/NEWS; do
    [ -s "$prefix/share/$file" ] || { echo "FAILED: share/$file is not installed"; exit 1; }
done
doc=$prefix/share/doc/fettle
find "$doc" -name '*.md' | while read -r page; do
    grep -o '](\([^)]*\))' "$page" | sed 's/^](//; s/)$//; s/#.*//' | grep -v '^https*:' | while read -r link; do
        case $link in '' | *.h | *.c) continue ;; esac # of the source
        [ -e "$(dirname "$page")/$link" ] || echo "$page leads to $link"
    done
done >broken
[ ! -s broken ] || { cat broken; echo "FAILED: links of installed pages"; exit 1; }

# The installed program has its session within.
cd "$prefix" && ./bin/fettle -b -x open -x 'info data' >/dev/null
echo "all passed"
