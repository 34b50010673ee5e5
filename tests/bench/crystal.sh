#!/bin/sh
# Writes a rattled fcc crystal of copper with 4 N^3 atoms as extxyz: crystal.sh N
awk -v n="$1" 'BEGIN {
    a = 3.61; srand(7)
    printf "%d\nLattice=\"%.8f 0 0 0 %.8f 0 0 0 %.8f\" Properties=species:S:1:pos:R:3 pbc=\"T T T\"\n", 4*n*n*n, n*a, n*a, n*a
    for (i = 0; i < n; i++) for (j = 0; j < n; j++) for (k = 0; k < n; k++) for (b = 0; b < 4; b++) {
        x = i + (b == 2 || b == 3) / 2; y = j + (b == 1 || b == 3) / 2; z = k + (b == 1 || b == 2) / 2
        printf "Cu %.6f %.6f %.6f\n", a*x + 0.1*(rand()-0.5), a*y + 0.1*(rand()-0.5), a*z + 0.1*(rand()-0.5)
    }
}'
