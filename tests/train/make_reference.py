"""Writes optimizer_reference.txt, optimizer_options_reference.txt, scheduler_reference.txt,
scheduler_options_reference.txt and metrics_reference.txt beside itself, with the numbers of
PyTorch and NequIP.  Needs nequip 0.19.1 (only to make these files again; the tests read them).

    python make_reference.py
"""

import os
import random
import warnings

import torch
import yaml

warnings.filterwarnings("ignore")
torch.set_default_dtype(torch.float64)
HERE = os.path.dirname(os.path.abspath(__file__))


def flow(value):
    return yaml.safe_dump(value, default_flow_style=True, width=100000, sort_keys=False).strip()


def number(x):
    return repr(float(x))


# ---------------------------------------------------------------- optimizers

OPTIMIZERS = [
    {"_target_": "torch.optim.Adam"},
    {"_target_": "torch.optim.Adam", "lr": 0.01, "betas": [0.4, 0.9], "eps": 1e-4, "weight_decay": 0.1},
    {"_target_": "torch.optim.Adam", "lr": 0.02, "amsgrad": True, "maximize": True},
    {"_target_": "torch.optim.Adam", "lr": 0.02, "weight_decay": 0.2, "decoupled_weight_decay": True},
    {"_target_": "torch.optim.AdamW", "lr": 0.01},
    {"_target_": "torch.optim.AdamW", "lr": 0.01, "amsgrad": True, "weight_decay": 0.3},
    {"_target_": "torch.optim.SGD", "lr": 0.05},
    {"_target_": "torch.optim.SGD", "lr": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01},
    {"_target_": "torch.optim.SGD", "lr": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 0.05},
    {"_target_": "torch.optim.SGD", "lr": 0.001, "momentum": 0.5, "maximize": True},
]
PARAMETERS, STEPS = 19, 100


def optimizers():
    lines = []
    for dtype in (torch.float64, torch.float32):
        for config in OPTIMIZERS:
            p = torch.tensor([(i * 5 % 7 - 3) / 4 for i in range(PARAMETERS)], dtype=dtype, requires_grad=True)
            options = {k: v for k, v in config.items() if k != "_target_"}
            if "betas" in options:
                options["betas"] = tuple(options["betas"])
            optimizer = getattr(torch.optim, config["_target_"].split(".")[-1])([p], **options)
            lines.append(f"{'float64' if dtype is torch.float64 else 'float32'} {flow(config)}")
            for step in range(1, STEPS + 1):
                offset = torch.tensor([((step * 7 + i * 13) % 11 - 5) / 8 for i in range(PARAMETERS)], dtype=dtype)
                p.grad = p.detach() * 0.25 + offset
                optimizer.step()
                if step in (1, 2, 10, STEPS):
                    lines.append(f"{step} " + " ".join(number(x) for x in p.detach()))
    with open(os.path.join(HERE, "optimizer_reference.txt"), "w") as f:
        f.write("\n".join(lines) + "\n")


# Options drawn at random from these, for every optimizer.
BETAS = [[0.9, 0.999], [0.4, 0.9], [0.0, 0.99], [0.95, 0.5]]
DECAYS = [0.0, 0.0, 0.01, 0.3]
DRAWN = {
    "Adam": {"lr": [0.001, 0.05], "betas": BETAS, "eps": [1e-8, 1e-3], "weight_decay": DECAYS, "amsgrad": [False, True],
             "maximize": [False, True], "decoupled_weight_decay": [False, True]},
    "AdamW": {"lr": [0.001, 0.05], "betas": BETAS, "eps": [1e-8, 1e-3], "weight_decay": DECAYS,
              "amsgrad": [False, True], "maximize": [False, True]},
    "SGD": {"lr": [0.001, 0.05], "momentum": [0.0, 0.9], "dampening": [0.0, 0.2], "weight_decay": DECAYS,
            "maximize": [False, True]},
    "RAdam": {"lr": [0.001, 0.05], "betas": BETAS, "eps": [1e-8, 1e-3], "weight_decay": DECAYS,
              "decoupled_weight_decay": [False, True], "maximize": [False, True]},
    "NAdam": {"lr": [0.002, 0.05], "betas": BETAS, "eps": [1e-8, 1e-3], "weight_decay": DECAYS,
              "momentum_decay": [0.004, 0.0, 0.5], "decoupled_weight_decay": [False, True], "maximize": [False, True]},
    "Adamax": {"lr": [0.002, 0.05], "betas": BETAS, "eps": [1e-8, 1e-3], "weight_decay": DECAYS,
               "maximize": [False, True]},
    "Adagrad": {"lr": [0.01, 0.2], "lr_decay": [0.0, 0.1], "weight_decay": DECAYS,
                "initial_accumulator_value": [0.0, 0.5], "eps": [1e-10, 1e-3], "maximize": [False, True]},
    "Adadelta": {"lr": [1.0, 0.1], "rho": [0.9, 0.3, 1.0, 0.0], "eps": [1e-6, 1e-2], "weight_decay": DECAYS,
                 "maximize": [False, True]},
    "RMSprop": {"lr": [0.01, 0.05], "alpha": [0.99, 0.5, 0.3], "eps": [1e-8, 1e-3], "weight_decay": DECAYS,
                "momentum": [0.0, 0.9], "centered": [False, True], "maximize": [False, True]},
    "Rprop": {"lr": [0.01, 0.2], "etas": [[0.5, 1.2], [0.3, 1.9]], "step_sizes": [[1e-6, 50.0], [0.005, 0.05]],
              "maximize": [False, True]},
    "ASGD": {"lr": [0.01, 0.1], "lambd": [1e-4, 0.1], "alpha": [0.75, 0.2], "t0": [1e6, 3.0, 0.0],
             "weight_decay": DECAYS, "maximize": [False, True]},
    "Adafactor": {"lr": [0.01, 0.5], "beta2_decay": [-0.8, -0.1, 0.0], "eps": [[None, 1e-3], [1e-2, 0.5]],
                  "d": [1.0, 3.0], "weight_decay": DECAYS, "maximize": [False, True]},
    "Muon": {"lr": [0.001, 0.02], "weight_decay": [0.1, 0.0], "momentum": [0.95, 0.3], "nesterov": [True, False],
             "ns_coefficients": [[3.4445, -4.775, 2.0315], [1.5, -0.5, 0.0]], "eps": [1e-7, 0.5], "ns_steps": [5, 2],
             "adjust_lr_fn": [None, "original", "match_rms_adamw", "spectral_unclamped"]},
}
SHAPES = [[12], [3, 4], [6, 2], [2, 2, 3]]


def optimizer_options():
    """A line of dtype, shape, whether the rate changes, and config; then the parameter after some steps."""
    rng = random.Random(11)
    lines = []
    for name, values in DRAWN.items():
        for case in range(7):
            dtype = torch.float32 if case == 6 else torch.float64
            drawn = {k: rng.choice(v) for k, v in values.items() if case == 0 or rng.random() < 0.75}
            if case == 1:
                drawn = {}
            shape = rng.choice(SHAPES[1:3] if name == "Muon" else SHAPES)
            varies = case % 2
            p = torch.tensor([(i * 5 % 7 - 3) / 4 for i in range(12)], dtype=dtype).view(shape).requires_grad_()
            options = {k: tuple(v) if isinstance(v, list) else v for k, v in drawn.items()}
            optimizer = getattr(torch.optim, name)([p], **options)
            rate = optimizer.param_groups[0]["lr"]
            lines.append(f"{'float64' if dtype is torch.float64 else 'float32'} {'x'.join(map(str, shape))} {varies} "
                         + flow({"_target_": "torch.optim." + name, **drawn}))
            for step in range(1, 41):
                offset = torch.tensor([((step * 7 + i * 13) % 11 - 5) / 8 for i in range(12)], dtype=dtype)
                p.grad = p.detach() * 0.25 + offset.view(shape)
                optimizer.param_groups[0]["lr"] = rate * (1 + varies * 0.25 * (step % 3))
                optimizer.step()
                if step in (1, 7, 40):
                    lines.append(f"{step} " + " ".join(number(x) for x in p.detach().flatten()))
    with open(os.path.join(HERE, "optimizer_options_reference.txt"), "w") as f:
        f.write("\n".join(lines) + "\n")


# ---------------------------------------------------------------- schedulers

T = "torch.optim.lr_scheduler."
SCHEDULERS = [
    {"_target_": T + "StepLR", "step_size": 7},
    {"_target_": T + "MultiStepLR", "milestones": [3, 50, 50, 120], "gamma": 0.3},
    {"_target_": T + "ExponentialLR", "gamma": 0.97},
    {"_target_": T + "ConstantLR"},
    {"_target_": T + "ConstantLR", "factor": 0.7, "total_iters": 31},
    {"_target_": T + "LinearLR"},
    {"_target_": T + "LinearLR", "start_factor": 0.1, "end_factor": 0.6, "total_iters": 90},
    {"_target_": T + "PolynomialLR", "total_iters": 150, "power": 1.7},
    {"_target_": T + "CosineAnnealingLR", "T_max": 4},
    {"_target_": T + "CosineAnnealingLR", "T_max": 37, "eta_min": 0.001},
    {"_target_": T + "CosineAnnealingWarmRestarts", "T_0": 9},
    {"_target_": T + "CosineAnnealingWarmRestarts", "T_0": 5, "T_mult": 3, "eta_min": 1e-4},
    {"_target_": T + "OneCycleLR", "max_lr": 0.1, "total_steps": 210},
    {"_target_": T + "OneCycleLR", "max_lr": 0.1, "epochs": 21, "steps_per_epoch": 10, "three_phase": True,
     "anneal_strategy": "linear", "base_momentum": 0.7, "max_momentum": 0.99, "pct_start": 0.25},
    {"_target_": T + "OneCycleLR", "max_lr": [0.3], "total_steps": 201, "cycle_momentum": False, "div_factor": 5.0,
     "final_div_factor": 100.0},
    {"_target_": T + "ReduceLROnPlateau"},
    {"_target_": T + "ReduceLROnPlateau", "factor": 0.5, "patience": 2, "threshold": 0.2, "min_lr": 1e-5,
     "cooldown": 3},
    {"_target_": T + "ReduceLROnPlateau", "mode": "max", "factor": 0.8, "patience": 1, "threshold": 0.01,
     "threshold_mode": "abs", "min_lr": [0.001]},
    {"_target_": T + "SequentialLR", "milestones": [10, 60], "schedulers": [
        {"_target_": T + "LinearLR", "start_factor": 0.2, "total_iters": 10},
        {"_target_": T + "CosineAnnealingLR", "T_max": 50},
        {"_target_": T + "ExponentialLR", "gamma": 0.99}]},
    {"_target_": T + "SequentialLR", "milestones": [0, 20, 45, 80], "schedulers": [
        {"_target_": T + "ConstantLR", "factor": 0.5},
        {"_target_": T + "StepLR", "step_size": 6, "gamma": 0.9},
        {"_target_": T + "CosineAnnealingWarmRestarts", "T_0": 7, "T_mult": 2},
        {"_target_": T + "PolynomialLR", "total_iters": 30},
        {"_target_": T + "MultiStepLR", "milestones": [4, 9], "gamma": 0.5}]},
    {"_target_": T + "ChainedScheduler", "schedulers": [
        {"_target_": T + "ConstantLR", "factor": 0.1, "total_iters": 8},
        {"_target_": T + "ExponentialLR", "gamma": 0.98}]},
    {"_target_": T + "ChainedScheduler", "schedulers": [
        {"_target_": T + "SequentialLR", "milestones": [5], "schedulers": [
            {"_target_": T + "LinearLR", "total_iters": 5},
            {"_target_": T + "CosineAnnealingLR", "T_max": 60}]},
        {"_target_": T + "ExponentialLR", "gamma": 0.995}]},
    {"_target_": T + "SequentialLR", "milestones": [30], "schedulers": [
        {"_target_": T + "SequentialLR", "milestones": [12], "schedulers": [
            {"_target_": T + "ExponentialLR", "gamma": 0.9},
            {"_target_": T + "LinearLR", "total_iters": 9}]},
        {"_target_": T + "OneCycleLR", "max_lr": 0.2, "total_steps": 250}]},
    {"_target_": T + "SequentialLR", "milestones": [25], "schedulers": [
        {"_target_": T + "ChainedScheduler", "schedulers": [
            {"_target_": T + "ConstantLR", "factor": 0.25, "total_iters": 6},
            {"_target_": T + "StepLR", "step_size": 5, "gamma": 0.7}]},
        {"_target_": T + "CosineAnnealingLR", "T_max": 20, "eta_min": 0.002}]},
]


def make_scheduler(config, optimizer):
    config = dict(config)
    name = config.pop("_target_").split(".")[-1]
    target = getattr(torch.optim.swa_utils if name == "SWALR" else torch.optim.lr_scheduler, name)
    if "schedulers" in config:
        inner = [make_scheduler(c, optimizer) for c in config.pop("schedulers")]
        return target(optimizer=optimizer, schedulers=inner, **config)
    return target(optimizer=optimizer, **config)


def plateau_metric(step):
    """Falls, stalls, and falls again; the same in C."""
    return 10.0 / (1 + step // 9) + ((step * 37) % 17) / 100


def schedulers():
    lines = []
    for config in SCHEDULERS:
        p = torch.nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.Adam([p], lr=0.05)
        scheduler = make_scheduler(config, optimizer)
        lines.append(flow(config))
        rates, momenta = [], []
        for step in range(201):
            rates.append(optimizer.param_groups[0]["lr"])
            momenta.append(optimizer.param_groups[0]["betas"][0])
            if step == 200:
                break
            if "Plateau" in config["_target_"]:
                scheduler.step(plateau_metric(step))
            else:
                scheduler.step()
        lines.append(" ".join(number(x) for x in rates))
        lines.append(" ".join(number(x) for x in momenta))
    with open(os.path.join(HERE, "scheduler_reference.txt"), "w") as f:
        f.write("\n".join(lines) + "\n")


# Options drawn at random from these, for every scheduler, alone and in nests.
DRAWN_SCHEDULERS = {
    "StepLR": {"step_size": [1, 3, 10], "gamma": [0.1, 0.9, 1.1]},
    "MultiStepLR": {"milestones": [[], [2], [3, 3, 8], [9, 4], [0, 5]], "gamma": [0.1, 0.5]},
    "ConstantLR": {"factor": [0.3, 1.0], "total_iters": [0, 1, 7]},
    "LinearLR": {"start_factor": [0.2, 1.0], "end_factor": [1.0, 0.0, 0.5], "total_iters": [1, 6, 20]},
    "ExponentialLR": {"gamma": [0.9, 1.0, 1.05]},
    "PolynomialLR": {"total_iters": [1, 5, 30], "power": [1.0, 2.5, 0.0, -1.0]},
    "CosineAnnealingLR": {"T_max": [1, 4, 9], "eta_min": [0.0, 0.001, 0.1]},
    "CosineAnnealingWarmRestarts": {"T_0": [1, 4], "T_mult": [1, 2, 3], "eta_min": [0.0, 0.002]},
    "OneCycleLR": {"max_lr": [0.1, [0.2]], "total_steps": [11, 40, 200], "epochs": [None, 4], "steps_per_epoch": [None, 9],
                   "pct_start": [0.3, 0.5, 0.0, 1.0, 0.1], "anneal_strategy": ["cos", "linear"],
                   "cycle_momentum": [True, False], "base_momentum": [0.85, 0.5], "max_momentum": [0.95, [0.9]],
                   "div_factor": [25.0, 3.0], "final_div_factor": [1e4, 2.0], "three_phase": [False, True]},
    "CyclicLR": {"base_lr": [0.001, [0.01]], "max_lr": [0.1, [0.05]], "step_size_up": [1, 4, 2000],
                 "step_size_down": [None, 7, 0], "mode": ["triangular", "triangular2", "exp_range"],
                 "gamma": [1.0, 0.9], "scale_mode": ["cycle", "iterations"], "cycle_momentum": [True, False],
                 "base_momentum": [0.8, 0.3], "max_momentum": [0.9, 0.99]},
    "SWALR": {"swa_lr": [0.01, 0.2, [0.003]], "anneal_epochs": [0, 1, 10, 25], "anneal_strategy": ["cos", "linear"]},
    "ReduceLROnPlateau": {"mode": ["min", "max"], "factor": [0.5, 0.9], "patience": [0, 3], "threshold": [1e-4, 0.1],
                          "threshold_mode": ["rel", "abs"], "cooldown": [0, 4], "min_lr": [0, [1e-3]],
                          "eps": [1e-8, 1e-3]},
}
NEEDED = ("step_size", "milestones", "gamma", "T_max", "T_0", "max_lr", "total_steps", "base_lr", "swa_lr")
DRAWN_STEPS = 60


def draw_scheduler(rng, depth=0, last=False):
    nests = ["SequentialLR", "ChainedScheduler"] if depth < 2 and not last else []
    name = rng.choice(list(DRAWN_SCHEDULERS) + nests * 3)
    while depth and name == "ReduceLROnPlateau":
        name = rng.choice(list(DRAWN_SCHEDULERS))
    config = {"_target_": ("torch.optim.swa_utils." if name == "SWALR" else T) + name}
    if name in nests:
        sequential = name == "SequentialLR"
        count = rng.randint(1, 3)
        inner = [draw_scheduler(rng, depth + 1, sequential and k > 0) for k in range(count)]
        if sequential:
            config["milestones"] = sorted(rng.choice([0, 2, 5, 5, 14, 30]) for _ in range(count - 1))
        return {**config, "schedulers": inner}
    return {**config, **{k: rng.choice(v) for k, v in DRAWN_SCHEDULERS[name].items()
                         if k in NEEDED or rng.random() < 0.6}}


def scheduler_options(seed=3, count=60):
    """Config, the step that is refused (-1: none, 0: the config itself), and rates and momenta until then."""
    rng = random.Random(seed)
    lines = []
    for _ in range(count):
        config = draw_scheduler(rng)
        optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=0.05)
        rates, momenta, ends = [], [], -1
        lines.append(flow(config))
        try:
            scheduler = make_scheduler(config, optimizer)
            for step in range(DRAWN_STEPS):
                if step % 3 == 0 or step == 1:
                    rates.append(optimizer.param_groups[0]["lr"])
                    momenta.append(optimizer.param_groups[0]["betas"][0])
                ends = step + 1
                if "Plateau" in config["_target_"]:
                    scheduler.step(plateau_metric(step))
                else:
                    scheduler.step()
            ends = -1
        except (ValueError, ZeroDivisionError, NotImplementedError, KeyError):
            ends = max(ends, 0)
        lines.append(" ".join([str(ends)] + [number(x) for x in rates]))
        lines.append(" ".join(["momenta"] + [number(x) for x in momenta]))
    with open(os.path.join(HERE, "scheduler_options_reference.txt"), "w") as f:
        f.write("\n".join(lines) + "\n")


# ---------------------------------------------------------------- metrics

N, T = "nequip.train.", "torchmetrics."
METRICS = [
    {"_target_": N + "EnergyForceLoss"},
    {"_target_": N + "EnergyForceLoss", "coeffs": {"total_energy": 3.0, "forces": 1}, "per_atom_energy": False,
     "per_type_forces_coeffs": {"C": 2.0, "H": 1.0, "O": 0.5}},
    {"_target_": N + "EnergyForceStressLoss", "coeffs": {"total_energy": 1.0, "forces": 2.0, "stress": 5.0},
     "ignore_nan": {"stress": True}},
    {"_target_": N + "EnergyOnlyLoss"},
    {"_target_": N + "EnergyOnlyLoss", "per_atom_energy": False},
    {"_target_": N + "EnergyForceMetrics"},
    {"_target_": N + "EnergyForceMetrics", "coeffs": {"total_energy_mae": 1.0, "forces_maxabserr": 3.0,
                                                      "per_atom_energy_rmse": None},
     "extra_metrics": [{"field": "forces", "metric": {"_target_": N + "MeanAbsoluteError"}, "per_type": True}]},
    {"_target_": N + "EnergyForceStressMetrics", "ignore_nan": {"stress": True}},
    {"_target_": N + "EnergyOnlyMetrics", "coeffs": {"per_atom_energy_maxabserr": 2}},
    {"_target_": N + "MetricsManager", "metrics": [
        {"field": "total_energy", "coeff": 1.0, "metric": {"_target_": N + "HuberLoss", "delta": 0.5}},
        {"name": "f", "field": "forces", "per_type": True, "per_type_coeffs": {"C": 2.0, "H": 1.0, "O": 0.5},
         "coeff": 3.0, "metric": {"_target_": N + "MeanSquaredError"}},
        {"name": "fmax", "field": "forces", "metric": {"_target_": N + "MaximumAbsoluteError"}}]},
    {"_target_": N + "MetricsManager", "metrics": [
        {"name": "e", "field": {"_target_": "nequip.data.PerAtomModifier", "field": "total_energy"}, "coeff": 1.0,
         "metric": {"_target_": N + "MeanAbsoluteError"}},
        {"name": "f", "field": "forces", "coeff": 2.0,
         "metric": {"_target_": N + "StratifiedHuberForceLoss", "delta_dict": {2.0: 1.0, 5.0: 0.4, 9.0: 0.1}}}]},
    {"_target_": N + "MetricsManager", "metrics": [
        {"field": {"_target_": "nequip.data.PerAtomModifier", "field": "total_energy", "factor": 1000.0},
         "metric": {"_target_": N + "RootMeanSquaredError"}},
        {"field": "forces", "metric": {"_target_": N + "StratifiedHuberForceLoss", "reduction": "sum",
                                       "delta_dict": {0: 0.5, 1: 0.1}}, "per_type": True},
        {"field": "forces", "metric": {"_target_": N + "RootMeanSquaredError"}, "per_type": True, "coeff": 0.25},
        {"field": "stress", "metric": {"_target_": N + "HuberLoss", "reduction": "sum", "delta": 0.02},
         "ignore_nan": True, "coeff": 0},
        {"field": "virial", "metric": {"_target_": N + "MeanAbsoluteError"}},
        {"field": "atomic_energy", "metric": {"_target_": N + "MaximumAbsoluteError"}, "per_type": True},
        {"field": {"_target_": "nequip.data.MappedFieldModifier", "pred_field": "virial", "target_field": "dielectric_tensor"},
         "metric": {"_target_": N + "MeanSquaredError"}},
        {"name": "partial", "field": {"_target_": "nequip.data.MappedFieldModifier", "pred_field": "forces",
                                      "target_field": "dipole"},
         "metric": {"_target_": N + "MeanAbsoluteError"}, "per_type": True, "ignore_nan": True, "coeff": 2.0}]},
    # of torchmetrics: of single numbers, which may be a loss; the others
    {"_target_": N + "MetricsManager", "metrics": [
        {"field": "forces", "coeff": 1.0, "metric": {"_target_": T + "MeanSquaredError"}},
        {"name": "root", "field": "forces", "metric": {"_target_": T + "MeanSquaredError", "squared": False}},
        {"field": "stress", "ignore_nan": True, "metric": {"_target_": T + "MeanAbsoluteError", "num_outputs": 1}},
        {"field": "forces", "coeff": 2.0, "metric": {"_target_": T + "MeanAbsolutePercentageError"}},
        {"field": "forces", "metric": {"_target_": T + "SymmetricMeanAbsolutePercentageError"}},
        {"field": "total_energy", "metric": {"_target_": T + "LogCoshError"}}]},
    {"_target_": N + "MetricsManager", "metrics": [
        {"field": "forces", "metric": {"_target_": T + "WeightedMeanAbsolutePercentageError"}},
        {"field": "forces", "metric": {"_target_": T + "CosineSimilarity"}},
        {"name": "cosine", "field": "forces", "per_type": True,
         "metric": {"_target_": T + "CosineSimilarity", "reduction": "mean"}},
        {"field": "atomic_energy", "metric": {"_target_": T + "PearsonCorrCoef"}},
        {"field": "atomic_energy", "metric": {"_target_": T + "ConcordanceCorrCoef"}},
        {"field": "atomic_energy", "metric": {"_target_": T + "NormalizedRootMeanSquaredError"}},
        {"name": "range", "field": "forces", "coeff": 1.0,
         "metric": {"_target_": T + "NormalizedRootMeanSquaredError", "normalization": "range"}},
        {"name": "std", "field": "forces",
         "metric": {"_target_": T + "NormalizedRootMeanSquaredError", "normalization": "std"}},
        {"name": "l2", "field": "virial",
         "metric": {"_target_": T + "NormalizedRootMeanSquaredError", "normalization": "l2"}},
        {"field": "forces", "coeff": 3.0, "metric": {"_target_": T + "R2Score"}},
        {"name": "r2", "field": "forces",
         "metric": {"_target_": T + "R2Score", "multioutput": "variance_weighted", "adjusted": 2}},
        {"field": "virial", "metric": {"_target_": T + "ExplainedVariance"}},
        {"name": "flat", "ignore_nan": True, "field": {"_target_": "nequip.data.MappedFieldModifier",
         "pred_field": "forces", "target_field": "dipole"}, "metric": {"_target_": T + "PearsonCorrCoef"}},
        {"name": "flat_r2", "ignore_nan": True, "field": {"_target_": "nequip.data.MappedFieldModifier",
         "pred_field": "forces", "target_field": "dipole"}, "metric": {"_target_": T + "R2Score"}},
        {"name": "relative", "ignore_nan": True, "field": {"_target_": "nequip.data.MappedFieldModifier",
         "pred_field": "forces", "target_field": "dipole"},
         "metric": {"_target_": T + "RelativeSquaredError", "squared": False}},
        {"name": "weighted", "field": "forces",
         "metric": {"_target_": T + "ExplainedVariance", "multioutput": "variance_weighted"}}]},
]

BATCHES = [  # types of each frame's atoms
    [[0, 1, 1, 2], [0, 1, 1, 1, 1]],
    [[0, 1, 1], [1, 1], [0, 0, 1, 0]],
    [[2, 2, 1, 0]],
]
PER_FRAME = {"total_energy": 1, "stress": 9, "virial": 9, "dielectric_tensor": 9}
PER_ATOM = {"atomic_energy": 1, "forces": 3, "dipole": 3}


def metrics():
    from hydra.utils import instantiate

    rng = random.Random(5)
    lines, batches = [], []
    for b, frames in enumerate(BATCHES):
        types = [t for frame in frames for t in frame]
        lines.append("batch " + " ".join(str(len(f)) for f in frames))
        lines.append("types " + " ".join(map(str, types)))
        preds = {"atom_types": torch.tensor(types), "num_atoms": torch.tensor([len(f) for f in frames])}
        target = dict(preds)
        for fields, rows in ((PER_FRAME, len(frames)), (PER_ATOM, len(types))):
            for name, cols in fields.items():
                p = [round(rng.gauss(0, 3), 6) for _ in range(rows * cols)]
                t = [round(x + rng.gauss(0, 1) * rng.choice([0.1, 1, 4]), 6) for x in p]
                if name == "stress" and b != 2:
                    t[:9] = [float("nan")] * 9
                    if b == 0:
                        t[12] = float("nan")
                if name == "dipole":
                    t = [float("nan") if rng.random() < 0.4 else x for x in t]
                if name == "total_energy":
                    p, t = [x - 1000 for x in p], [x - 1000 for x in t]
                shape = (rows, 3, 3) if cols == 9 else (rows, cols)
                preds[name], target[name] = torch.tensor(p).view(shape), torch.tensor(t).view(shape)
                lines.append(f"prediction {name} " + " ".join(number(x) for x in p))
                lines.append(f"label {name} " + " ".join(number(x) for x in t))
        batches.append((preds, target))
    for config in METRICS:
        manager = instantiate(config, type_names=["C", "H", "O"])
        lines.append("case " + flow(config))
        for preds, target in batches:
            step = manager(preds, target)
            if preds is batches[0][0]:
                lines.append("names " + " ".join(k.replace(" ", "~") for k in step))
            lines.append("step " + " ".join(number(x) for x in step.values()))
        lines.append("epoch " + " ".join(number(x) for x in manager.compute().values()))
    with open(os.path.join(HERE, "metrics_reference.txt"), "w") as f:
        f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    optimizers()
    optimizer_options()
    schedulers()
    scheduler_options()
    metrics()
