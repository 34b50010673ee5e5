#!/usr/bin/env python3
"""Writes options/NAME/ with nequip 0.19.1 and ASE: `python make_reference.py [NAME ...]`, in this folder.

Options of the builders that the cases of ../reference/static do not cover. Each case holds
  model.yaml     the builder's arguments
  model.txt      str(model)
  state.txt      state_dict: name, dtype, shape; "p" for a parameter, "f" for a frozen one, "b" for a buffer
  expected.json  per frame of frames.xyz, with the weights of the seed: total_energy, atomic_energy, forces"""
import copy, json, sys, warnings
from pathlib import Path

import torch
import yaml
from ase.io import read
from hydra.utils import get_method
from nequip.data import AtomicDataDict, from_ase
from nequip.data.transforms import ChemicalSpeciesToAtomTypeMapper, NeighborListTransform
from nequip.nn import pair_potential
from nequip.utils.global_state import set_global_state

warnings.filterwarnings("ignore")
set_global_state()

# as released, parameters of shape (edges,) meet lengths of shape (edges, 1, 1)
forward, vectors = pair_potential._LJParam.forward, pair_potential.with_edge_vectors_
pair_potential._LJParam.forward = lambda self, p, i, j: forward(self, p, i, j).unsqueeze(-1)


def flat_lengths(data, with_lengths=True):
    data = vectors(data, with_lengths=with_lengths)
    data[AtomicDataDict.EDGE_LENGTH_KEY] = data[AtomicDataDict.EDGE_LENGTH_KEY].reshape(-1)
    return data


pair_potential.with_edge_vectors_ = flat_lengths

BASE = dict(_target_="nequip.model.NequIPGNNModel", seed=11, model_dtype="float64", type_names=["C", "H", "O"],
            r_max=4.0, avg_num_neighbors=6.5, per_type_energy_scales={"C": 0.5, "H": 0.75, "O": 1.0},
            per_type_energy_shifts=-1.5, num_layers=3, l_max=1, parity=True, num_features=4, radial_mlp_depth=1,
            radial_mlp_width=8)


def gnn(**more):
    return {**BASE, **more}


def full(**more):
    gone = ("num_layers", "l_max", "parity", "num_features")
    base = {k: v for k, v in BASE.items() if k not in gone}
    return {**base, "_target_": "nequip.model.FullNequIPGNNModel", "type_embed_num_features": 4, **more}


def potential(name, **more):
    return gnn(num_layers=2, pair_potential={"_target_": "nequip.nn.pair_potential." + name, **more})


two = dict(radial_mlp_depth=[1, 1], radial_mlp_width=[8, 8], feature_irreps_hidden=["4x0e+3x1o", "6x0e"])
zbl = dict(_target_="nequip.model.ZBLPairPotential", seed=1, r_max=4.0, type_names=["C", "H", "O"],
           chemical_species=["C", "H", "O"], units="metal")
CASES = {
    "norm": gnn(convnet_nonlinearity_type="norm", l_max=2, num_features=3),
    "resnet": gnn(convnet_resnet=True, num_layers=5),
    "resnet_norm": gnn(convnet_resnet=True, convnet_nonlinearity_type="norm", num_layers=4, parity=False),
    "no_self_connection": gnn(convnet_sc=False),
    "learnable_shift": gnn(learnable_shift=True, per_type_energy_scales=None, per_type_energy_shifts=None),
    "learnable_shift_resnet": gnn(learnable_shift=True, convnet_resnet=True, convnet_sc=False),
    "readout_linear": gnn(readout_mlp_nonlinearity=None, readout_mlp_hidden_layers_depth=2,
                          readout_mlp_hidden_layers_width=5),
    "readout_null": gnn(readout_mlp_nonlinearity=None),
    "readout_identity": gnn(readout_mlp_nonlinearity="None", readout_mlp_hidden_layers_depth=2),
    "readout_gelu": gnn(readout_mlp_nonlinearity="gelu", readout_mlp_hidden_layers_depth=2,
                        readout_mlp_hidden_layers_width=5),
    "no_derivatives": gnn(do_derivatives=False),
    "radial_linear": gnn(radial_mlp_depth=0),
    "float32": gnn(model_dtype="float32", num_features=20, type_embed_num_features=7),
    "one_scale": gnn(per_type_energy_scales=2.0, per_type_energy_scales_trainable=True, per_type_energy_shifts=None,
                     per_type_energy_shifts_trainable=True),
    "l4": gnn(l_max=4, num_features=[3, 2, 2, 1, 1], num_layers=3),
    "l3_no_parity": gnn(l_max=3, num_features=[3, 2, 2, 1], parity=False),
    "gates": full(irreps_edge_sh="1x0e+1x1o+1x2e",
                  feature_irreps_hidden=["4x0e+3x1o+2x2e+2x0o", "3x1e+2x0o+4x0e+2x1o", "6x0e"],
                  radial_mlp_depth=[1, 1, 1], radial_mlp_width=[8, 8, 8],
                  convnet_nonlinearity_scalars={"e": "ssp", "o": "abs"},
                  convnet_nonlinearity_gates={"e": "tanh", "o": "abs"}),
    "harmonics_by_l": full(irreps_edge_sh=2, **two),
    "harmonics_copies": full(irreps_edge_sh="2x0e+3x1o+1x2e", **two),
    "harmonics_repeated": full(irreps_edge_sh="1x1o+1x0e+2x1o+1x0e", **two),
    "irreps_unreached": full(irreps_edge_sh="0e+1o", radial_mlp_depth=[1, 2], radial_mlp_width=[8, 5],
                             feature_irreps_hidden=["2x0o+4x0e+2x2e+3x1o+1x1e", "5x0e"]),
    "last_layer_odd": full(irreps_edge_sh=1, radial_mlp_depth=[1], radial_mlp_width=[8],
                           feature_irreps_hidden=["3x0e+2x0o"], readout_mlp_hidden_layers_depth=1),
    "last_layer_norm": full(irreps_edge_sh=1, radial_mlp_depth=[1, 1], radial_mlp_width=[8, 8],
                            feature_irreps_hidden=["4x0e+3x1o", "2x0e+3x0e"], convnet_nonlinearity_type="norm"),
    "resnet_split": full(irreps_edge_sh=1, radial_mlp_depth=[1, 1], radial_mlp_width=[8, 8], convnet_resnet=True,
                         learnable_shift=True, feature_irreps_hidden=["3x0e+1x0e", "4x0e"]),
    "cutoff_fraction": gnn(polynomial_cutoff_p=5.5, num_layers=2),
    "categories": full(irreps_edge_sh=1, **two, categorical_graph_field_embed=[
        {"field": "charge", "num_features": 3, "min": -1, "max": 2},
        {"field": "spin", "num_features": 2, "min": 0, "max": 2, "init": "uniform"},
        {"field": "dataset", "num_features": 1, "min": 0, "max": 1, "init": "near_zero"}]),
    "cutoffs": gnn(per_edge_type_cutoff={"H": 2.5, "C": {"H": 3.0, "O": 3.5}}, bessel_trainable=True,
                   avg_num_neighbors={"C": 5.0, "H": 6.0, "O": 7.0}),
    "preset": dict(_target_="nequip.model.PresetNequIPGNNModel", seed=3, model_dtype="float32",
                   type_names=["C", "H", "O"], r_max=4.0, avg_num_neighbors=10.0, preset="m", num_layers=2,
                   num_features=[6, 4, 2]),
    "one_type": gnn(type_names=["C"], per_type_energy_scales={"C": 2.0}, per_type_energy_shifts=None),
    "zbl_real": potential("ZBL", units="real", chemical_species=["C", "H", "O"], polynomial_cutoff_p=4),
    "zbl_alone": dict(zbl, model_dtype="float64"),
    "zbl_alone_cutoff": dict(zbl, model_dtype="float64", polynomial_cutoff_p=2.5),
    "zbl_alone_float32": dict(zbl, model_dtype="float32", per_edge_type_cutoff={"C": 3.0}),
    "lennard_jones": potential("LennardJones", lj_sigma=1.1, lj_epsilon=0.2, lj_delta=0.05),
    "lennard_jones_core": potential("LennardJones", lj_sigma=1.0, lj_style="lj_repulsive_only", lj_exponent=5.0,
                                    lj_epsilon=[[0.1, 0.25, 0.3], [0.25, 0.2, 2.0], [0.3, 2.0, 1000.0]]),
    "lennard_jones_repulsive": potential("LennardJones", lj_sigma=1.1, lj_epsilon=0.2, lj_style="repulsive",
                                         lj_sigma_trainable=True),
}
for name in ("mish", "ssp", "tanh", "sigmoid", "softplus"):
    CASES["readout_" + name] = gnn(readout_mlp_nonlinearity=name, readout_mlp_hidden_layers_depth=1)

for name, config in CASES.items():
    if sys.argv[1:] and name not in sys.argv[1:]:
        continue
    arguments = copy.deepcopy(config)
    model = get_method(arguments.pop("_target_"))(**arguments)
    folder = Path("options") / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    (folder / "model.txt").write_text(str(model) + "\n")
    parameters = dict(model.named_parameters())
    kind = lambda k: "b" if k not in parameters else "p" if parameters[k].requires_grad else "f"
    (folder / "state.txt").write_text("".join(
        f"{k} {str(t.dtype)[6:]} {kind(k)} {' '.join(map(str, t.shape))}".rstrip() + "\n"
        for k, t in model.state_dict().items()))
    model.eval()
    expected = []
    mapper = ChemicalSpeciesToAtomTypeMapper(model_type_names=config["type_names"])
    neighbours = NeighborListTransform(r_max=config["r_max"])
    for atoms in read("frames.xyz", ":") if len(config["type_names"]) == 3 else []:
        data = neighbours(mapper(from_ase(atoms)))
        if name == "categories":
            for k, v in (("charge", 1), ("spin", 2), ("dataset", 1)):
                data[k] = torch.tensor([[v]])
        out = model(AtomicDataDict.batched_from_list([data]))
        frame = {"total_energy": out["total_energy"].item(), "atomic_energy": out["atomic_energy"].flatten().tolist()}
        if "forces" in out:
            frame["forces"] = out["forces"].tolist()
        expected.append(frame)
    (folder / "expected.json").write_text(json.dumps({"frames": expected}) + "\n")
    print(name, flush=True)
