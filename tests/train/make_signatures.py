"""Writes signatures.txt beside itself: the arguments of what a config names, a line each.
Needs nequip 0.19.1 (only to make the file again; the tests read it).

    python make_signatures.py
"""

import dataclasses
import importlib
import inspect
import os

NAMES = [
    "lightning.pytorch.Trainer",
    "torch.utils.data.DataLoader",
    "torch.utils.data.RandomSampler",
    "torch.utils.data.SequentialSampler",
    "torch.utils.data.SubsetRandomSampler",
    "torch.utils.data.WeightedRandomSampler",
    "lightning.pytorch.utilities.types.LRSchedulerConfig",
    "lightning.pytorch.callbacks.LearningRateMonitor",
    "lightning.pytorch.callbacks.StochasticWeightAveraging",
    "lightning.pytorch.callbacks.WeightAveraging",
    "lightning.pytorch.callbacks.EMAWeightAveraging",
    "nequip.train.NequIPLightningModule",
    "nequip.train.EMALightningModule",
    "nequip.train.ScheduleFreeLightningModule",
    "nequip.data.datamodule.NequIPDataModule",
    "nequip.data.datamodule.ASEDataModule",
]
# Builders: functions, the last of which gets what those before it do not take; and what every builder takes.
BUILDERS = {
    "NequIPGNNModel": ["FullNequIPGNNModel"],
    "FullNequIPGNNModel": [],
    "PresetNequIPGNNModel": ["NequIPGNNModel", "FullNequIPGNNModel"],
    "ZBLPairPotential": [],
}
EVERY_BUILDER = ["seed", "model_dtype", "compile_mode"]
FILLED_IN_LAYERS = ["radial_mlp_depth", "radial_mlp_width", "feature_irreps_hidden", "irreps_edge_sh"]
POTENTIALS = ["nequip.nn.pair_potential.ZBL", "nequip.nn.pair_potential.LennardJones"]
METRICS = ["nequip.train." + name for name in ("MeanSquaredError", "MeanAbsoluteError", "RootMeanSquaredError",
           "MaximumAbsoluteError", "HuberLoss", "StratifiedHuberForceLoss")] + ["torchmetrics." + name for name in (
           "MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "SymmetricMeanAbsolutePercentageError",
           "WeightedMeanAbsolutePercentageError", "MeanSquaredLogError", "LogCoshError", "CosineSimilarity", "R2Score",
           "ExplainedVariance", "RelativeSquaredError", "PearsonCorrCoef", "ConcordanceCorrCoef",
           "NormalizedRootMeanSquaredError")]
# torchmetrics' own, which stand in no signature
EVERY_METRIC = ["compute_on_cpu", "dist_sync_on_step", "process_group", "dist_sync_fn", "distributed_available_fn",
                "sync_on_compute", "compute_with_cache"]
OPTIMIZERS = ["torch.optim." + name for name in ("Adam", "AdamW", "SGD", "NAdam", "RAdam", "Adamax", "Adagrad", "Adadelta",
              "RMSprop", "Rprop", "ASGD", "LBFGS", "Adafactor")]
SCHEDULERS = ["torch.optim.lr_scheduler." + name for name in ("StepLR", "MultiStepLR", "ExponentialLR", "ConstantLR",
              "LinearLR", "PolynomialLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "OneCycleLR", "CyclicLR",
              "ReduceLROnPlateau", "SequentialLR", "ChainedScheduler")]
# What NequIP gives, or what names a field of its own data.
GIVEN = {"POTENTIALS": ["irreps_in", "per_atom_energy_field"], "METRICS": ["modifier"], "OPTIMIZERS": ["params"],
         "SCHEDULERS": ["optimizer"]}
# Arguments of the class below it that ASEDataModule gives itself.
FILLED_IN = ["train_dataset", "val_dataset", "test_dataset", "predict_dataset"]


def arguments(kind):
    """Of its own __init__, and of those that it hands **kwargs on to."""
    if dataclasses.is_dataclass(kind):
        return [field.name for field in dataclasses.fields(kind)]
    names = []
    for base in kind.__mro__:
        if "__init__" not in vars(base):
            continue
        parameters = list(inspect.signature(inspect.unwrap(base.__init__)).parameters.values())
        names += [p.name for p in parameters[1:] if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        if not any(p.kind == p.VAR_KEYWORD for p in parameters):
            break
    return list(dict.fromkeys(names))


def named(name):
    module, last = name.rsplit(".", 1)
    return getattr(importlib.import_module(module), last)


def of_builder(name):
    names = list(EVERY_BUILDER)
    for k, function in enumerate([name] + BUILDERS[name]):
        parameters = inspect.signature(inspect.unwrap(named("nequip.model." + function))).parameters.values()
        names += [p.name for p in parameters
                  if p.kind != p.VAR_KEYWORD and not (k and function[:4] == "Full" and p.name in FILLED_IN_LAYERS)]
    return list(dict.fromkeys(names))


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "signatures.txt"), "w") as out:
    for name in NAMES:
        for argument in arguments(named(name)):
            if not (name.endswith(".ASEDataModule") and argument in FILLED_IN):
                print(name, argument, file=out)
    for name in BUILDERS:
        for argument in of_builder(name):
            print("nequip.model." + name, argument, file=out)
    for group, given in GIVEN.items():
        for name in globals()[group]:
            more = EVERY_METRIC if group == "METRICS" else []
            for argument in dict.fromkeys(arguments(named(name)) + more):
                if argument not in given:
                    print(name, argument, file=out)
