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
    "lightning.pytorch.utilities.types.LRSchedulerConfig",
    "lightning.pytorch.callbacks.LearningRateMonitor",
    "nequip.train.NequIPLightningModule",
    "nequip.train.EMALightningModule",
    "nequip.train.ScheduleFreeLightningModule",
    "nequip.data.datamodule.NequIPDataModule",
    "nequip.data.datamodule.ASEDataModule",
]
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


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "signatures.txt"), "w") as out:
    for name in NAMES:
        module, last = name.rsplit(".", 1)
        for argument in arguments(getattr(importlib.import_module(module), last)):
            if not (last == "ASEDataModule" and argument in FILLED_IN):
                print(name, argument, file=out)
