# Shared by the shell tests: a scratch folder with the test's files, and checks that count.
fettle=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp "$here"/*.yaml "$here"/*.xyz "$scratch"
cd "$scratch" || exit 1
failures=0
export FETTLE_NUM_THREADS=1 LC_ALL=C XDG_CONFIG_HOME="$scratch/config"
unset FETTLE_LOG_LEVEL _NEQUIP_LOG_LEVEL

bad() {
    failures=$((failures + 1))
    echo "FAILED: $*"
    sed 's/^/    | /' out err 2>/dev/null | head -n 40
}

# expect NAME STATUS COMMAND...: the exit status; output goes to ./out and ./err.
expect() {
    name=$1 want=$2
    shift 2
    "$@" >out 2>err </dev/null
    got=$?
    [ "$got" = "$want" ] || bad "$name: exit status $got, not $want"
}

# shows NAME FILE TEXT: the file holds the text.
shows() {
    grep -qF -- "$3" "$2" || bad "$1: \"$3\" is not in $2"
}

# fails NAME STATUS TEXT COMMAND...: it fails with one line that holds the text.
fails() {
    name=$1 want=$2 text=$3
    shift 3
    expect "$name" "$want" "$@"
    shows "$name" err "$text"
    grep -v '^usage:\|^notice:\|^the run is kept' err >errors
    [ "$(wc -l <errors)" = 1 ] || bad "$name: not one line of error"
}

# wait_for TEXT FILE: until the file holds it.
wait_for() {
    for _ in $(seq 6000); do
        grep -qs -- "$1" "$2" && return 0
        sleep 0.01
    done
    bad "${name:-}: \"$1\" does not come"
    return 1
}

# steady FILE: numbers without the last of their digits, which belong to the machine and the build.
steady() {
    sed -i -E 's/([0-9]\.[0-9]{10})[0-9]+/\1/g' "$1"
}

finish() {
    [ "$failures" = 0 ] && echo "all passed" && exit 0
    echo "$failures failed"
    exit 1
}
