#!/usr/bin/env python3
"""Time NequIP on a config that fettle bench takes too: one training step, one evaluation.

    nequip_step.py CONFIG.yaml [key=value...] [--threads N] [--steps N] [--mode eager|compile]

Model, loss and optimizer are made from the config by Hydra, as nequip-train makes them; statistics of the data come
from the config's own statistics manager.  A step is forward, loss, backward, optimizer, EMA; batches are built before
the clock starts.  Prints one line of JSON with the keys of `fettle bench --json`.
"""
import argparse
import json
import statistics
import time

import torch
from hydra.utils import get_method, instantiate
from omegaconf import OmegaConf


def quartiles(times):
    low, middle, high = statistics.quantiles(times, n=4, method="inclusive")
    return {"q1": low, "median": middle, "q3": high}


def clock(function, batches, count, warm_up):
    times = []
    for k in range(warm_up + count):
        begin = time.perf_counter()
        function(batches[k % len(batches)])
        if k >= warm_up:
            times.append(1e3 * (time.perf_counter() - begin))
    return quartiles(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config")
    parser.add_argument("overrides", nargs="*", help="key=value")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--mode", choices=["eager", "compile"], default="eager")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)

    from nequip.train.ema import EMAWeights
    from nequip.utils.global_state import set_global_state
    from nequip.utils.resolvers import _register_default_resolvers

    set_global_state()
    _register_default_resolvers()
    config = OmegaConf.load(arguments.config)
    for override in arguments.overrides:
        key, value = override.split("=", 1)
        OmegaConf.update(config, key, OmegaConf.create({"value": value}).value if "[" in value else value)
    data = instantiate(config.data, _recursive_=False)
    statistics_of = data.get_statistics(dataset="train") if config.data.get("stats_manager") else {}
    data.setup(stage="fit")
    OmegaConf.register_new_resolver("training_data_stats", lambda name: statistics_of[name])
    settings = OmegaConf.to_container(config.training_module, resolve=True)
    batches = list(data.train_dataloader())
    model_settings = dict(settings["model"], compile_mode=arguments.mode)
    model = get_method(model_settings.pop("_target_"))(**model_settings)
    loss = instantiate(settings["loss"], _recursive_=True)
    optimizer = instantiate(settings["optimizer"], params=model.parameters())
    ema = EMAWeights(model, decay=settings.get("ema_decay", 0.999))
    ema.update_parameters(model)

    def train(batch):
        optimizer.zero_grad(set_to_none=True)
        terms = loss(model(dict(batch)), batch)
        next(value for name, value in terms.items() if name.endswith("weighted_sum")).backward()
        optimizer.step()
        ema.update_parameters(model)

    model.train()
    step = clock(train, batches, arguments.steps, 5)
    model.eval()
    evaluation = clock(lambda batch: model(dict(batch)), batches, arguments.steps, 5)
    print(json.dumps({
        "train_step_ms": step["median"], "train_step_q1_ms": step["q1"], "train_step_q3_ms": step["q3"],
        "eval_ms": evaluation["median"],
        "atoms": sum(b["pos"].shape[0] for b in batches) / len(batches),
        "edges": sum(b["edge_index"].shape[1] for b in batches) / len(batches),
        "parameters": sum(p.numel() for p in model.parameters()),
    }))


if __name__ == "__main__":
    main()
