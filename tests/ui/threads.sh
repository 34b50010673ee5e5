#!/bin/sh
# More threads than one: a run, its resume, caches that are made and read while a batch is trained, branches.  With a
# number of threads the numbers are the same again; under ThreadSanitizer (tests/tsan) no two threads meet unasked.
. "$(dirname "$0")/common.sh"

for threads in 2 3 4; do
    for once in a b; do
        expect "$threads threads" 0 "$fettle" run config.yaml -o $once --threads $threads trainer.max_epochs=3
    done
    cmp -s a/metrics.csv b/metrics.csv || bad "$threads threads: other numbers the second time"
    expect "$threads threads: resume" 0 "$fettle" run config.yaml -o c --threads $threads \
        --resume a/last.safetensors trainer.max_epochs=5
    expect "$threads threads: a cache" 0 env FETTLE_CACHE_ABOVE=0 "$fettle" run config.yaml -o d --threads $threads \
        trainer.max_epochs=3
    cmp -s a/metrics.csv d/metrics.csv || bad "$threads threads: other numbers with a cache"
    [ -e water.xyz.fettle-cache ] || bad "$threads threads: there is no cache"
    expect "$threads threads: a session" 0 env FETTLE_NUM_THREADS=$threads "$fettle" -b \
        -x 'open config.yaml trainer.max_epochs=9' -x 'step 2' -x 'fork 2 set lr 0.05' -x 'keep other' -x next \
        -x 'rewind 2' -x validate -x 'info program'
    rm -rf a b c d water.xyz.fettle-cache
done
finish
