#!/usr/bin/env python3
"""Writes couplings.txt and harmonics.txt with e3nn 0.6: `python make_reference.py`, in this folder.

couplings.txt: l1 l2 l3 s, s being the contraction of wigner_3j with sin(1.3 i + 0.5), sin(0.7 j + 1.1), sin(2.1 k + 0.2).
harmonics.txt: per line a vector, then Y_0 to Y_6 ("component") at it."""
import torch
from e3nn import o3

torch.set_default_dtype(torch.float64)
ramp = lambda n, a, b: torch.sin(torch.arange(n) * a + b)
with open("couplings.txt", "w") as out:
    for l1 in range(7):
        for l2 in range(7):
            for l3 in range(abs(l1 - l2), min(6, l1 + l2) + 1):
                w = o3.wigner_3j(l1, l2, l3)
                s = torch.einsum("ijk,i,j,k", w, ramp(2 * l1 + 1, 1.3, 0.5), ramp(2 * l2 + 1, 0.7, 1.1),
                                 ramp(2 * l3 + 1, 2.1, 0.2))
                out.write(f"{l1} {l2} {l3} {s.item()!r}\n")
with open("harmonics.txt", "w") as out:
    for v in ((0.3, -0.5, 0.7), (1.0, 0.0, 0.0), (0.0, 2.0, 0.0), (0.0, 0.0, -0.5), (-1.7, 0.2, 0.9)):
        y = o3.spherical_harmonics(list(range(7)), torch.tensor(v), True, "component")
        out.write(" ".join(repr(x) for x in list(v) + y.tolist()) + "\n")
