"""Configs of every kind as Hydra composes and OmegaConf resolves them, for test_compositions.c:

    python make_compositions.py > compositions.txt

needs hydra-core 1.3, omegaconf 2.3 and nequip 0.19.  A block names its files, then come tries: a line that is added to
the first file, overrides, variables of the environment, and what comes of it: JSON of the whole config, or of the key
behind @, or !, which is a refusal.  Left out are the cases in which fettle is meant to differ.
"""

import copy
import json
import math
import os
import shutil
import tempfile

from hydra import version
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.core.utils import env_override
from hydra.types import RunMode
from nequip.utils import resolvers
from omegaconf import OmegaConf, open_dict, read_write

SECTIONS = ("run", "data", "trainer", "training_module")


def plain(value):
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def compose(path, overrides, sections):
    """What nequip-train has of a config: the tree, and the run's folder."""
    OmegaConf.clear_resolvers()
    Singleton._instances.pop(HydraConfig, None)
    GlobalHydra.instance().clear()
    version.setbase(None)
    folder, name = os.path.split(path)
    hydra = Hydra.create_main_hydra2(task_name="train", config_search_path=create_config_search_path(folder))
    for key, function in resolvers._DEFAULT_RESOLVERS.items():
        OmegaConf.register_new_resolver(key, function)
    statistics = {"mean": 12.25, "per_type": {"C": 1.5, "H": 0.1}}
    OmegaConf.register_new_resolver("training_data_stats", lambda name: statistics[name])
    config = hydra.compose_config(config_name=name, overrides=overrides, run_mode=RunMode.RUN)
    HydraConfig.instance().set_config(config)
    run = str(OmegaConf.select(config, "hydra.run.dir"))
    with read_write(config.hydra.runtime), open_dict(config.hydra.runtime):
        config.hydra.runtime.output_dir = "/out"
    HydraConfig.instance().set_config(config)
    task = copy.deepcopy(config)
    with read_write(task), open_dict(task):
        del task["hydra"]
    with env_override(OmegaConf.to_container(config.hydra.job.env_set, resolve=True)):
        if sections:
            tree = {key: OmegaConf.to_container(task[key], resolve=True) for key in SECTIONS if key in task}
        else:
            tree = OmegaConf.to_container(task, resolve=True)
    return plain(tree), run


def block(name, files, tries, at=None, sections=False):
    """A try: overrides; or a line (text); or a dict of line, overrides, env, run."""
    if isinstance(files, str):
        files = {"config.yaml": files}
    print(f"== {name}")
    for path, text in files.items():
        print(f"file {path}")
        for line in text.splitlines():
            print(f"    {line}")
    if at:
        print(f"@{at}")
    if sections:
        print("sections")
    main = next(iter(files))
    for one in tries:
        one = {"line": one} if isinstance(one, str) else {"overrides": one} if isinstance(one, list) else one
        folder = tempfile.mkdtemp()
        start = os.getcwd()
        os.chdir(folder)
        for path, text in files.items():
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            with open(path, "w") as out:
                out.write(text + (one.get("line", "") + "\n" if path == main else ""))
        os.environ.update(one.get("env", {}))
        try:
            tree, run = compose(os.path.join(folder, main), one.get("overrides", []), sections)
            result = "= " + json.dumps(tree[at] if at else tree, ensure_ascii=False)
        except Exception:
            result, run = "!", None
        for key in one.get("env", {}):
            del os.environ[key]
        os.chdir(start)
        shutil.rmtree(folder)
        for key, value in one.get("env", {}).items():
            print(f"env {key}={value}")
        if "line" in one:
            print(f"line {one['line']}")
        for override in one.get("overrides", []):
            print(f"o {override}")
        if one.get("run") and run:
            print(f"run {run}")
        print(result)


GROUPS = {
    'model/small.yaml': 'l: 1\nw: {a: 1, b: 2}\n',
    'model/big.yaml': 'l: 5\nw: {b: 3}\nextra: [1,2]\n',
    'opt/adam.yaml': 'lr: 0.1\n',
    'opt/sgd.yaml': 'lr: 0.5\nmomentum: 0.9\n',
    'extra.yaml': 'x: 1\nmodel: {l: 77}\n',
}

block('group', {'config.yaml': 'defaults: [{model: small}, _self_]\na: 1\n', **GROUPS}, [[], ['model=big'], ['model=nope'], ['+model=big'], ['~model'], ['~model=small'], ['~model=big'], ['model=[small,big]'], ['model@foo=big'], ['+model@foo=big'], ['+opt=adam'], ['+opt@o.p=sgd'], ['opt=adam'], ['model.l=9'], ['model=big', 'model.l=8'], ['model=big', 'model=small'], ['model/small.l=2'], ['++model=big'], ['model=null'], ["model='big'"], ['model={a: 1}'], ['+model.new=3'], ['~model.l'], ['model@:x=big'], ['model@model:x=big']])
block('self first', {'config.yaml': 'defaults: [_self_, {model: small}]\nmodel: {l: 100, z: 3}\n', **GROUPS}, [[]])
block('self last', {'config.yaml': 'defaults: [{model: small}, _self_]\nmodel: {l: 100, z: 3}\n', **GROUPS}, [[]])
block('no self', {'config.yaml': 'defaults: [{model: small}]\nmodel: {l: 100, z: 3}\n', **GROUPS}, [[]])
block('plain config', {'config.yaml': 'defaults: [extra]\nmodel: {q: 1}\n', **GROUPS}, [[]])
block('plain config ext', {'config.yaml': 'defaults: [extra.yaml]\nmodel: {q: 1}\n', **GROUPS}, [[]])
block('config in group', {'config.yaml': 'defaults: [model/big, _self_]\n', **GROUPS}, [[]])
block('config in group abs', {'config.yaml': 'defaults: [/model/big, _self_]\n', **GROUPS}, [[]])
block('package', {'config.yaml': 'defaults: [{model@training_module.model: small}, _self_]\n', **GROUPS}, [[], ['model@training_module.model=big'], ['model=big'], ['training_module/model=big'], ['~model@training_module.model'], ['model@training_module.model:x=big']])
block('package global', {'config.yaml': 'defaults: [{model@_global_: small}, _self_]\nl: 3\n', **GROUPS}, [[], ['model@_global_=big'], ['model@=big']])
block('package here', {'config.yaml': 'defaults: [{model@_here_: small}, _self_]\n', **GROUPS}, [[]])
block('package group', {'config.yaml': 'defaults: [{model@_group_: small}, _self_]\n', **GROUPS}, [[]])
block('package group2', {'config.yaml': 'defaults: [{model@x._group_: small}, _self_]\n', **GROUPS}, [[]])
block('package _name_', {'config.yaml': 'defaults: [{model@x._name_: small}, _self_]\n', **GROUPS}, [[]])
block('config package', {'config.yaml': 'defaults: [extra@foo.bar, _self_]\n', **GROUPS}, [[]])
block('missing', {'config.yaml': 'defaults: [{model: tiny}]\n', **GROUPS}, [[]])
block('missing cfg', {'config.yaml': 'defaults: [nothing]\n', **GROUPS}, [[]])
block('optional missing', {'config.yaml': 'defaults: [{optional model: tiny}, optional nothing]\na: 1', **GROUPS}, [[]])
block('optional missing2', {'config.yaml': 'defaults: [{optional model: tiny}]\na: 1', **GROUPS}, [[], ['model=big'], ['model=smal']])
block('???', {'config.yaml': 'defaults: [{model: ???}]\na: 1', **GROUPS}, [[], ['model=big']])
block('null', {'config.yaml': 'defaults: [{model: null}]\na: 1', **GROUPS}, [[], ['model=big'], ['+model=big']])
block('list choices', {'config.yaml': 'defaults: [{model: [small,big]}]\na: 1', **GROUPS}, [[], ['model=big'], ['model=[big,small]'], ['model=[]'], ['~model']])
block('list interp', {'config.yaml': 'defaults: [{model: [small,"${opt}"]}]\na: 1', **GROUPS}, [[]])
block('interp', {'config.yaml': 'defaults: [{opt: adam}, {model: "${opt}"}]\na: 1', 'model/adam.yaml': 'ad: 1', 'model/sgd.yaml': 'sg: 1', **GROUPS}, [[], ['opt=sgd'], ['model=big'], ['opt=nope']])
block('interp2', {'config.yaml': 'defaults: [{opt: adam}, {model: small}, {mo: "${opt}_${model}"}]\na: 1', 'mo/adam_small.yaml': 'as: 1', 'mo/sgd_big.yaml': 'sb: 1', **GROUPS}, [[], ['opt=sgd', 'model=big'], ['opt=sgd']])
block('interp cfg', {'config.yaml': 'defaults: [{opt: adam}, "ex_${opt}"]\na: 1', 'ex_adam.yaml': 'exa: 1', **GROUPS}, [[]])
block('interp3', {'config.yaml': 'defaults: [{model: "${opt}"}, {opt: adam}]\na: 1', 'model/adam.yaml': 'ad: 1', **GROUPS}, [[]])
block('interp pkg', {'config.yaml': 'defaults: [{opt@foo: adam}, {model: "${opt@foo}"}]\na: 1', 'model/adam.yaml': 'ad: 1', **GROUPS}, [[]])
block('interp slash', {'config.yaml': 'defaults: [{a/b: adam}, {model: "${a/b}"}]\n', 'a/b/adam.yaml': 'q: 1', 'model/adam.yaml': 'ad: 1', **GROUPS}, [[]])
block('nested', {'config.yaml': 'defaults: [{model: nest}]\na: 1', 'model/nest.yaml': 'defaults: [small, _self_, {act: relu}]\nw: {c: 9}\n', 'model/act/relu.yaml': 'r: 1\n', 'model/act/gelu.yaml': 'g: 1\n', **GROUPS}, [[], ['model/act=gelu'], ['~model/act'], ['model.act=gelu'], ['+model/act=gelu']])
block('nested abs', {'config.yaml': 'defaults: [{model: nest}]\na: 1', 'model/nest.yaml': 'defaults: [{/opt: adam}, _self_]\nw: {c: 9}\n', **GROUPS}, [[], ['opt=sgd'], ['opt@model.opt=sgd'], ['model/opt=sgd']])
block('nested abs pkg', {'config.yaml': 'defaults: [{model: nest}]\na: 1', 'model/nest.yaml': 'defaults: [{/opt@foo: adam}, {/opt@_global_.bar: sgd}, _self_]\nw: {c: 9}\n', **GROUPS}, [[], ['opt@model.foo=sgd'], ['opt@bar=adam']])
block('override in nested', {'config.yaml': 'defaults: [{opt: adam}, {exp: e1}]\na: 1', 'exp/e1.yaml': '# @package _global_\ndefaults: [{override /opt: sgd}]\na: 3\n', **GROUPS}, [[], ['opt=adam']])
block('override in nested self', {'config.yaml': 'defaults: [{opt: adam}, _self_, {exp: e1}]\na: 1', 'exp/e1.yaml': '# @package _global_\ndefaults: [{override /opt: sgd}, _self_]\na: 3\n', **GROUPS}, [[], ['exp=null'], ['~exp']])
block('override in nested2', {'config.yaml': 'defaults: [{opt: adam}, _self_, {exp: e1}]\na: 1', 'exp/e1.yaml': '# @package _global_\ndefaults: [_self_, {override /opt: sgd}]\na: 3\n', **GROUPS}, [[], ['exp=null'], ['~exp']])
block('override nothing', {'config.yaml': 'defaults: [{opt: adam}, {exp: e1}]\na: 1', 'exp/e1.yaml': '# @package _global_\ndefaults: [{override /model: small}]\na: 3\n', **GROUPS}, [[]])
block('override order', {'config.yaml': 'defaults: [{override opt: sgd}, {opt: adam}]\na: 1', **GROUPS}, [[]])
block('override order2', {'config.yaml': 'defaults: [{opt: adam},{override opt: sgd}]\na: 1', **GROUPS}, [[], ['opt=adam'], ['opt=nope']])
block('override optional', {'config.yaml': 'defaults: [{opt: adam},{override optional opt: nope}]\na: 1', **GROUPS}, [[]])
block('optional override', {'config.yaml': 'defaults: [{opt: adam},{optional override opt: nope}]\na: 1', **GROUPS}, [[]])
block('override keyword bad', {'config.yaml': 'defaults: [{opt: adam},{overide opt: sgd}]\na: 1', **GROUPS}, [[]])
block('package header', {'config.yaml': 'defaults: [{model: h}]\n', 'model/h.yaml': '# @package foo.bar\nl: 1\n', **GROUPS}, [[]])
block('package header global', {'config.yaml': 'defaults: [{model: h}]\n', 'model/h.yaml': '# @package _global_\nl: 1\n', **GROUPS}, [[]])
block('package header global2', {'config.yaml': 'defaults: [{model: h}]\n', 'model/h.yaml': '# @package _global_.x\nl: 1\n', **GROUPS}, [[]])
block('package header group', {'config.yaml': 'defaults: [{model: h}]\n', 'model/h.yaml': '# @package _group_\nl: 1\n', **GROUPS}, [[]])
block('package header name', {'config.yaml': 'defaults: [{model: h}]\n', 'model/h.yaml': '# @package _name_\nl: 1\n', **GROUPS}, [[]])
block('package header here', {'config.yaml': 'defaults: [{model: h}]\n', 'model/h.yaml': '# @package _here_\nl: 1\n', **GROUPS}, [[]])
block('package header+@', {'config.yaml': 'defaults: [{model@q: h}]\n', 'model/h.yaml': '# @package foo.bar\nl: 1\n', **GROUPS}, [[]])
block('package header comment first', {'config.yaml': 'defaults: [{model: h}]\n', 'model/h.yaml': '# a comment\n# @package foo.bar\nl: 1\n', **GROUPS}, [[]])
block('package header blank first', {'config.yaml': 'defaults: [{model: h}]\n', 'model/h.yaml': '\n\n# @package foo.bar\nl: 1\n', **GROUPS}, [[]])
block('package header primary', {'config.yaml': '# @package foo\na: 1\n', **GROUPS}, [[]])
block('package header primary2', {'config.yaml': '# @package foo\ndefaults: [{model: small}]\na: 1\n', **GROUPS}, [[]])
block('cycle', {'config.yaml': 'defaults: [b]\na: 1\n', 'b.yaml': 'defaults: [config]\nb: 1\n'}, [[]])
block('cycle2', {'config.yaml': 'defaults: [b]\na: 1\n', 'b.yaml': 'defaults: [c]\nb: 1\n', 'c.yaml': 'defaults: [b]\nc: 1\n'}, [[]])
block('self twice', {'config.yaml': 'defaults: [_self_,{model: small},_self_]\n', **GROUPS}, [[]])
block('same twice', {'config.yaml': 'defaults: [{model: small},{model: big}]\n', **GROUPS}, [[]])
block('same twice2', {'config.yaml': 'defaults: [{model: small},{model: small}]\n', **GROUPS}, [[]])
block('same cfg twice', {'config.yaml': 'defaults: [extra,extra]\n', **GROUPS}, [[]])
block('same twice pkgs', {'config.yaml': 'defaults: [{model@a: small},{model@b: big}]\n', **GROUPS}, [[]])
block('defaults map', {'config.yaml': 'defaults: {model: small}\n', **GROUPS}, [[]])
block('defaults str', {'config.yaml': 'defaults: extra\n', **GROUPS}, [[]])
block('defaults null', {'config.yaml': 'defaults: null\na: 1', **GROUPS}, [[]])
block('defaults empty', {'config.yaml': 'defaults: []\na: 1', **GROUPS}, [[]])
block('defaults two keys', {'config.yaml': 'defaults: [{model: small, opt: adam}]\n', **GROUPS}, [[]])
block('defaults int', {'config.yaml': 'defaults: [3]\n', **GROUPS}, [[]])
block('defaults null item', {'config.yaml': 'defaults: [null]\n', **GROUPS}, [[]])
block('defaults value int', {'config.yaml': 'defaults: [{model: 3}]\n', 'model/3.yaml': 't: 1', **GROUPS}, [[]])
block('defaults value bool', {'config.yaml': 'defaults: [{model: true}]\n', 'model/true.yaml': 't: 1', **GROUPS}, [[]])
block('defaults value empty', {'config.yaml': 'defaults: [{model: ""}]\n', **GROUPS}, [[]])
block('merge list', {'config.yaml': 'defaults: [l]\na: [9]\n', 'l.yaml': 'a: [1,2,3]\nb: {c: [1]}\n'}, [[]])
block('merge type', {'config.yaml': 'defaults: [l]\na: {x: 1}\n', 'l.yaml': 'a: [1,2,3]\n'}, [[]])
block('merge type2', {'config.yaml': 'defaults: [l]\na: [1]\n', 'l.yaml': 'a: {x: 1}\n'}, [[]])
block('merge scalar map', {'config.yaml': 'defaults: [l]\na: 5\n', 'l.yaml': 'a: {x: 1}\n'}, [[]])
block('merge map scalar', {'config.yaml': 'defaults: [l]\na: {x: 1}\n', 'l.yaml': 'a: 5\n'}, [[]])
block('merge null', {'config.yaml': 'defaults: [l]\na: null\n', 'l.yaml': 'a: {x: 1}\n'}, [[]])
block('merge into null', {'config.yaml': 'defaults: [l]\na: {x: 1}\n', 'l.yaml': 'a: null\n'}, [[]])
block('merge missing', {'config.yaml': 'defaults: [l]\na: ???\nb: ${a}\n', 'l.yaml': 'a: 4\n'}, [[]])
block('merge missing map', {'config.yaml': 'defaults: [l]\na: ???\nb: ${a}\n', 'l.yaml': 'a: {x: 1}\n'}, [[]])
block('merge map interp', {'config.yaml': 'defaults: [l]\na: ${z}\nz: {q: 2}\n', 'l.yaml': 'a: {x: 1}\n'}, [[]])
block('merge interp map', {'config.yaml': 'defaults: [l]\na: {x: 1}\nz: {q: 2}\n', 'l.yaml': 'a: ${z}\n'}, [[]])
block('merge interp map2', {'config.yaml': 'defaults: [l]\na: {x: 1}\n', 'l.yaml': 'a: ${z}\nz: {q: 2}\n'}, [[]])
block('merge interp list', {'config.yaml': 'defaults: [l]\na: [1]\nz: {q: 2}\n', 'l.yaml': 'a: ${z}\n'}, [[]])
block('merge list interp', {'config.yaml': 'defaults: [l]\na: ${z}\nz: {q: 2}\n', 'l.yaml': 'a: [1]\n'}, [[]])
block('merge interp scalar', {'config.yaml': 'defaults: [l]\na: {x: 1}\n', 'l.yaml': 'a: ${z}\nz: 3\n'}, [[]])
block('order', {'config.yaml': 'defaults: [l, _self_]\nb: 1\na: 2\nc: 3\n', 'l.yaml': 'c: 4\na: 1\nq: 0\n'}, [[]])
block('empty file', {'config.yaml': 'defaults: [l, _self_]\nb: 1\n', 'l.yaml': ''}, [[]])
block('empty file2', {'config.yaml': 'defaults: [l, _self_]\nb: 1\n', 'l.yaml': '# nothing\n'}, [[]])
block('list file', {'config.yaml': 'defaults: [l, _self_]\nb: 1\n', 'l.yaml': '[1,2]'}, [[]])
block('broken file', {'config.yaml': 'defaults: [l, _self_]\nb: 1\n', 'l.yaml': 'a: [1\n'}, [[]])
block('only defaults', {'config.yaml': 'defaults: [l]\n', 'l.yaml': 'a: 1'}, [[]])
block('yml', {'config.yaml': 'defaults: [l]\n', 'l.yml': 'a: 1'}, [[]])
block('space name', {'config.yaml': 'defaults: ["my model"]\n', 'my model.yaml': 'a: 1'}, [[]])
block('parent', {'config.yaml': 'defaults: [../l]\n', '../l.yaml': 'a: 1'}, [[]])
block('parent sub', {'config.yaml': 'defaults: [{model: up}]\n', 'model/up.yaml': 'defaults: [../extra]\nq: 1\n', **GROUPS}, [[]])
block('parent sub2', {'config.yaml': 'defaults: [{model: up}]\n', 'model/up.yaml': 'defaults: [../opt/adam, {../opt: sgd}]\nq: 1\n', **GROUPS}, [[]])
block('main in sub', {'conf/config.yaml': 'defaults: [{model: big}]\nb: 1\n', 'conf/model/big.yaml': 'z: 1\n', **GROUPS}, [[]])
block('group no file folder', {'config.yaml': 'defaults: [{nogroup: x}]\na: 1\n', **GROUPS}, [[]])
block('file and folder', {'config.yaml': 'defaults: [model]\na: 1\n', 'model.yaml': 'm: 1\nmodel: {l: 3}\n', **GROUPS}, [[], ['model=big'], ['+model=big'], ['model.l=2']])
block('no defaults group add', {'config.yaml': 'a: 1\n', **GROUPS}, [['+model=big'], ['+opt=adam', '+model=small'], ['model.l=3'], ['+model.l=3'], ['+model={l: 3}'], ['+opt=nope'], ['+nogroup=x'], ['+opt@x=adam'], ['+opt@_global_=adam']])
block('no defaults group key', {'config.yaml': 'model: 1\na: 1\n', **GROUPS}, [['+model=big']])
block('hydra logging', {'config.yaml': 'defaults: [{override hydra/job_logging: disabled}, {override hydra/hydra_logging: none}, _self_]\na: 1\n', **GROUPS}, [[], ['hydra/job_logging=none'], ['hydra/launcher=basic']])
block('hydra logging bad', {'config.yaml': 'defaults: [{hydra/job_logging: disabled}, _self_]\na: 1\n', **GROUPS}, [[]])
block('hydra own', {'config.yaml': 'defaults: [{override hydra/job_logging: mine}, _self_]\na: 1\n', 'hydra/job_logging/mine.yaml': 'version: 1\n', **GROUPS}, [[]])
block('search', {'config.yaml': 'defaults: [{model: far}, _self_]\nhydra: {searchpath: ["other"]}\n', 'other/model/far.yaml': 'f: 1', **GROUPS}, [[]])
block('search2', {'config.yaml': 'defaults: [{model: far}, _self_]\nhydra: {searchpath: ["file://other"]}\n', 'other/model/far.yaml': 'f: 1', 'other/model/small.yaml': 'f: 2', **GROUPS}, [[], ['model=small'], ['+opt=adam']])
block('search ovr', {'config.yaml': 'defaults: [{model: far}, _self_]\n', 'other/model/far.yaml': 'f: 1', **GROUPS}, [['hydra.searchpath=[other]'], ['hydra.searchpath=[file://other]'], ['hydra.searchpath=other'], ['+hydra.searchpath=[other]'], ['hydra.searchpath=[nothere]']])
block('search env', {'config.yaml': 'defaults: [{model: far}, _self_]\nhydra: {searchpath: ["${oc.env:MYDIR}"]}\n', 'other/model/far.yaml': 'f: 1', **GROUPS}, [{'env': {'MYDIR': 'other'}}])
block('search nested', {'config.yaml': 'defaults: [l, _self_]\na: 1\n', 'l.yaml': 'hydra: {searchpath: [other]}\n'}, [[]])
block('search nested2', {'config.yaml': 'defaults: [l, _self_]\na: 1\n', 'l.yaml': '# @package hydra\nsearchpath: [other]\n'}, [[]])
block('search pkg', {'config.yaml': 'defaults: [{model: far}, _self_]\nhydra: {searchpath: ["pkg://nequip"]}\n', **GROUPS}, [[]])
block('anchors', 'x: &a {q: 1}\ny: *a\nz: {<<: *a, q: 2, r: 3}\n', [[]])
block('dup', 'a: 1\na: 2\n', [[]])
block('dup nested', 'b: {a: 1, a: 2}\n', [[]])
block('nested in defaults dict pkg', {'config.yaml': 'defaults: [{a/b: adam}]\n', 'a/b/adam.yaml': 'q: 1'}, [[], ['a/b=sgd'], ['a.b=x'], ['a.b.q=2']])
block('deep override key', {'config.yaml': 'defaults: [{a/b@c.d: adam}, {override a/b@c.d: sgd}]\n', 'a/b/adam.yaml': 'q: 1', 'a/b/sgd.yaml': 'q: 2'}, [[]])
block('_target_ default', {'config.yaml': 'defaults: [/model/small@training_module.model, _self_]\ntraining_module: {x: ${training_module.model.l}}\n', **GROUPS}, [[]])
block('relative interp in merged', {'config.yaml': 'defaults: [l]\na: {b: {c: 1}}\n', 'l.yaml': 'a: {b: {d: "${.c}", e: "${..z}"}, z: 3}\n'}, [[]])

BASE = 'a: 1\nb: {c: 2, d: {e: x}}\nl: [1, 2, {z: 3}]\nn: null\ns: hello\ni: ${a}\nim: ${b}\nf: 1.5\nt: true\n'
VALUES = ['3', '3.0', '1e-3', '1e3', '.5', '5.', '-3', '+3', '1_000', '1__0', '0x10', '010', '0b1', 'true', 'True', 'TRUE', 'yes', 'on', 'null', 'Null', 'NULL', '~', 'none', 'None', 'nan', 'NaN', '.nan', 'inf', '-inf', '+inf', 'Infinity', 'abc', 'a b', '" a b "', "'it''s'", "'it\\'s'", '"a\\"b"', "'a", "a'b", '"a"b', 'a"b', '[1,2]', '[1, 2, 3.5, x, null]', '[]', '[[1],[2,[3]]]', '[a b, c]', '[1,]', '[,1]', '[,]', '{a: 1}', '{a:1}', '{a: 1, b: {c: 2}}', '{}', '{a}', '{1: 2}', '{a: }', '{a b: 1}', "{'a': 1}", '{"a b": [1]}', '${a}', '${b.c}', 'x${a}y', '${oc.env:NOPE_X,3}', '${int_mul:2,3}', '"${a}"', "'${a}'", '\\${a}', '"\\${a}"', '$a', 'a$', 'a,b', '1,2', 'choice(1,2)', 'range(1,3)', 'interval(0,1)', 'glob(*)', 'int(3.7)', 'int("4")', 'float(3)', 'str(3)', 'bool(1)', 'bool("true")', 'json_str(x)', 'str([1,2])', 'int([1.5,2.5])', 'sort(2,1)', '', '=', 'a=b', 'a==b', 'a:b', 'a/b', 'a@b', 'a%b', 'a?b', 'a*b', 'a|b', 'a+b', 'a-b', 'a_b', 'a.b', 'a\\b', 'a\\,b', 'a\\ b', 'a\\=b', 'a\\[b', 'a\\:b', 'a#b', '#b', 'a!b', 'a&b', 'a;b', 'a<b', 'a^b', 'a`b', 'a~b', 'ä', '日本', 'a\tb', ' a', 'a ', ' a b ', '  ', '(a)', 'a(b)', 'a (b)', '-', '--', '.', '..', '...', '*', '/path/to/file.xyz', './x', '../x', 'C:/x', 'http://a.b/c?d=e', '2024-01-01', '12:30', '1:30', '1e', 'e1', '1.2.3', '1.e5', '-.5', '+.5', '00', '-0', '0', '0.0', '9223372036854775807', '1e400', '1e-400', 'a\\\\b', "'a\\\\'", "'a\\\\b'", '"a\\nb"', '"a\tb"', '${', '${a', '$', '$${a}', '${a}${b.c}', '[${a}, "${b.c}"]', '{x: ${a}}', '{x: "a,b"}', '["a,b", c]', '[a=b]', '[a:b]', '{a: b:c}', '{a: b=c}', '[1 2]', '[1] 2', '{a: 1} x', '"x" y', 'null ', 'nullx', 'truex', '[true, false, null, nan]', '[ 1 , 2 ]', '{ a : 1 }', '{a: [1, {b: 2}]}', '{a: 1, a: 2}', 'int(x)', 'float(nan)', 'float(inf)', 'float(1e3)', 'str(1e3)', 'str(1.0)', 'str(true)', 'str(null)', 'str("a b")', 'bool(0)', 'bool(2)', 'bool(no)', 'bool(0.0)', 'int(true)', 'int(" 4 ")', 'int(1_0)', 'str(1_0)', 'extend_list(1,2)', 'extend_list(4)', 'str({a: 1})', 'range(3)', 'tag(a,b)', 'tag(1)', '"""', "''", '""', '"\\\\"', '"\\"', 'a\\']
block("values", BASE, [["s=" + value] for value in VALUES], at="s")
KEYS = ['a=2', 'a= 2', 'b.c=3', 'b.x=3', '+b.x=3', '++b.x=3', '++b.c=3', '+b.c=3', '+b={q: 1}', 'b={q: 1}', 'b={c: 7}', 'b={c: {x: 1}}', 'b={d: {e: 1}}', 'b={d: {f: 1}}', '++b={d: {f: 1}}', '+b={d: {f: 1}}', 'b=3', 'b=null', 'b=[1]', 'b.d=5', '+b.d.g.h=5', 'b.d.e.f=1', '+b.d.e.f=1', '++b.d.e.f=1', 'l=[9]', 'l=3', 'l={a: 1}', 'l.0=5', 'l.2.z=5', 'l.2.y=5', '+l.2.y=5', 'l.3=5', '+l.4=5', 'l.-1=5', 'l[0]=5', 'l.x=5', '+l.x=5', '+l=[5]', '++l=[5]', '~l', '~l.5', '~a', '~a=1', '~a=2', '~a=1.0', '~a="1"', '~b', '~b.c', '~b.c=2', '~b={c: 2, d: {e: x}}', '~b={c: 2}', '~nope', '~nope=1', '~b.nope', '~l=[1,2,{z: 3}]', '~l=[1]', 'n=3', 'n.x=3', '+n.x=3', '+n=3', '++n.x=1', 'i=5', 'im.c=9', '+im.q=9', '++im.q=9', 'im={c: 4}', 'i.x=3', '+i.x=3', '+a=5', '++a=5', '+a.b=5', 's.x=3', '+s.x=3', 'f={a: 1}', 'f=[1]', '+new=1', 'new=1', '+new.x.y=1', '+new={x: {y: 1}}', '+new=[1,2]', '+a b=1', '+a-b=1', '+a_b.c-d=1', '+1=2', '+1.2=3', '+$x=1', '+x$y=1', '+x.=1', '+.x=1', '+x..y=1', '=1', '+=1', '~', '~=1', '+', 'a', '+a', '++a', 'a.b.c', 'x/y=1', '~x/y', 'a@b=1', '+a@b=1', 'a@:b=1', '~~a', '+++a=1', '+ä=1', '+x\\y=1', '+"x"=1', '+[x]=1', '+x[0]=1', '+{x}=1', '+x:y=1', '+x*=1', '+x%=1', '+?x=1', '+x?=1', '+x,y=1', '+_target_=a.b.C', '~~', '-a=1', '--a=1', '+3d=1', '+x.0=1', '+x.0.y=1', '+true=1', '+null=1', '+True.x=1', 'b.d={}', 'b={}', '+b={}', 'l=[]', '+t=false', 't=false', '++t=[1]', 't={a: 1}', 'b.c={x: 1}', 'b.c=[1]', '+b.c={x: 1}', '+b.c=[1]', '+l.2={y: 1}', 'l.2={y: 1}', 'l.2={z: 1}', 'l.2=5', 'l.1={q: 1}', '~l.2.z', '~t=true', '~t', '~f=1.5', '~s=hello', '~s=bye', '~i', '~im', 'n={x: 1}', 'n=[1]', '+n={x: 1}', '+n=[1]']
block("keys", BASE, [[key] for key in KEYS])
block("missing", 'a: 1\nb: {c: 2, d: {e: x}}\nl: [1, 2, {z: 3}]\nn: null\nm: ???\ns: hello\nf: 1.5\nt: true\n', [[key] for key in ['m=1', '+m=1', '++m=1', '~m=1', 'm.x=1', '+m.x=1', '++m.x=1', 'm={x: 1}', 'm=[1]']])
block("several", BASE, [['a=2', 'a=3'], ['+q=1', 'q=2'], ['+q=1', '+q=2'], ['~a', '+a=3'], ['~a', 'a=3'], ['+q={x: 1}', '+q.y=2'], ['+q={x: 1}', 'q.x=2'], ['b.c=${l.0}', 'l.0=7']])

REFERENCES = 'a: 1\nf: 2.5\nb: {c: 2, d: {e: x}, l: [1, 2]}\nl: [1, 2, {z: 3}]\ns: hello\nt: true\nn: null\ne: ""\ntypes: [C, H, O]\ndd: {k1: v1, k2: [1]}\nk: c\nk2: s\n'
TEXTS = ['${a}', '${b}', '${b.c}', '${b.d.e}', '${l.0}', '${l[0]}', '${l.2.z}', '${l[2].z}', '${b[c]}', '${b["c"]}', '${l.-1}', '${l.3}', '${nope}', '${b.nope}', '${a.x}', '${.a}', '${..a}', '${q.a}', 'x${a}', '${a}${a}', '${a} ', '" ${a}"', '${s}${n}', '${t}x', '${f}x', '${n}', '${n}x', '${l}x', '${b}x', '${e}', '${e}x', '${oc.env:NOPE_X}', '${oc.env:NOPE_X,null}', '${oc.env:NOPE_X,3}', '${oc.env:NOPE_X,3.0}', '${oc.env:NOPE_X,true}', '${oc.env:NOPE_X,${a}}', '${oc.env:NOPE_X,[1]}', '${oc.env:NOPE_X,{a: 1}}', '${oc.env:NOPE_X,}', "${oc.env:NOPE_X,''}", '${oc.env:EMPTYV}', '${oc.env:NUMV}', '${oc.env:}', '${oc.env}', '${oc.env:NOPE_X,a,b}', '${oc.env:3}', '${oc.env:NOPE_X, a b }', '${oc.env:null}', '${oc.decode:${oc.env:NUMV}}', '${oc.decode:${oc.env:LISTV}}', '${oc.decode:"[1,2]"}', "${oc.decode:'{a: 1}'}", '${oc.decode:null}', '${oc.decode:a}', '${oc.decode:3}', '${oc.decode:""}', '${oc.decode:"${a}"}', "${oc.decode:'\\${a}'}", '${oc.decode:${oc.env:REFV}}', '${oc.decode:${oc.env:NOPE_X,null}}', '${oc.decode:[1]}', '${oc.decode:true}', '${oc.decode:"1e3"}', '${oc.decode:"0x10"}', '${oc.decode:" 3 "}', '${oc.decode:"a,b"}', '${oc.decode:"a b"}', '${oc.select:a}', '${oc.select:nope}', '${oc.select:nope,5}', '${oc.select:b.c}', '${oc.select:b.nope,[1]}', '${oc.select:n,5}', '${oc.select:b}', '${oc.select:"b.d.e"}', '${oc.select:l.0}', '${oc.select:l[0]}', '${oc.select:"l[0]"}', '${oc.select:.a}', '${oc.select:..a}', '${oc.select:""}', '${oc.select:a.b}', '${oc.select:a.b,3}', '${oc.select:l.x}', '${oc.select:l.9}', '${oc.select:l.9,q}', '${oc.select:nope,${a}}', '${oc.select:nope,null}', '${oc.select:null}', '${oc.select:a,b,c}', '${oc.create:[1,2]}', '${oc.create:{a: 1}}', '${oc.create:"a: 1"}', '${oc.create:${dd}}', '${oc.create:${l}}', '${oc.create:a}', '${oc.create:3}', '${oc.create:null}', '${oc.create:""}', "${oc.create:'[${a}]'}", '${oc.create:{x: ${a}}}', '${oc.create:${oc.dict.keys:dd}}', '${oc.dict.keys:dd}', '${oc.dict.values:dd}', '${oc.dict.keys:l}', '${oc.dict.keys:nope}', '${oc.dict.keys:b.d}', '${oc.dict.values:b}', '${oc.dict.keys:${dd}}', '${oc.dict.keys:n}', '${oc.dict.values:n}', '${oc.dict.keys:{a: 1}}', '${oc.dict.keys:a}', '${oc.dict.keys:.b}', '${oc.dict.keys:""}', '${oc.deprecated:a}', '${oc.deprecated:nope}', '${oc.deprecated:b.c,"m"}', '${oc.deprecated:b}', '${oc.deprecated:n}', '${int_mul:2,3}', '${int_mul:${a},3}', '${int_mul:"2",3}', '${int_mul:2.0,3}', '${int_mul:-2,3}', '${int_mul:"-2",3}', '${int_mul:2}', '${int_mul:2,3,4}', '${int_mul:null,3}', '${int_mul:x,3}', '${int_div:6,3}', '${int_div:7,3}', '${int_div:6,0}', '${int_div:-6,3}', '${int_div:6,-3}', '${int_div:6,"3"}', '${int_div:${int_mul:4,3},2}', '${int_mul: 2 , 3 }', '${int_mul:"",3}', '${int_mul:"²",3}', '${concat_lists:${l},${types}}', '${concat_lists:[1],[2]}', '${concat_lists:[1],2}', '${concat_lists:${l},[]}', '${concat_lists:[],${l}}', '${concat_lists:[1]}', '${concat_lists:${types},${oc.dict.keys:dd}}', '${concat_lists:a,b}', '${list_to_identity_dict:${types}}', '${list_to_identity_dict:[a,b]}', '${list_to_identity_dict:[1,2]}', '${list_to_identity_dict:[1.5]}', '${list_to_identity_dict:[[1]]}', '${list_to_identity_dict:a}', '${list_to_identity_dict:[]}', '${list_to_identity_dict:[a,a]}', '${list_to_constant_dict:${types},1.5}', '${list_to_constant_dict:${types},null}', '${list_to_constant_dict:${types},[1]}', '${list_to_constant_dict:[a],${f}}', '${list_to_constant_dict:${types}}', '${list_to_constant_dict:a,1}', '${list_to_constant_dict:${types},${training_data_stats:mean}}', '${training_data_stats:mean}', '${training_data_stats:per_type}', '${training_data_stats:nope}', '${training_data_stats:mean}x', '${training_data_stats:per_type}x', '${training_data_stats:}', '${training_data_stats}', '${training_data_stats:"mean"}', '${training_data_stats: mean}', '${nope:1}', '${oc.nope:1}', '${}', '${', '${a', '$', '$a', '$$', '$${a}', '\\\\${a}', '\\${a}', '\\\\\\${a}', '${a}}', '{${a}', '${a}}x', '${ a }', '${a }', '${b. c}', '${.}', '${..}', '${b..c}', '${b.}', '${a:b}', "${'a'}", '${"a"}', '${${s}}', '${b.${k}}', '${b[${k}]}', '${${k2}}', '${a b}', '${a-b}', '${a/b}', '${a@b}', '${1}', '${b.d.e.f}', '${l[0}', '${l]0[}', '${l.0.0}', '${l[x]}', '${l[-1]}', '${hello world}', '${oc.select:"x y"}', '${hydra:job.name}', '${hydra:runtime.output_dir}', '${hydra:job.num}', '${hydra:job.id}', '${hydra:overrides.task}', '${hydra:job.config_name}', '${hydra:job.override_dirname}', '${hydra:verbose}', '${hydra:job.chdir}', '${hydra:sweep.subdir}', '${hydra:job.config}', '${hydra:}', '${hydra}', '${hydra:output_subdir}', '${hydra:searchpath}', '${hydra:job.env_set}', '${hydra:job.env_copy}', '${hydra:runtime.version_base}', '${hydra.job.name}', '${hydra:callbacks}', '[${a}, ${b.c}]', '{x: "${a}", y: "${.x}"}', '{x: {y: "${..z}"}, z: 5}', '{x: "${.y}", y: "${.z}", z: 3}', '{x: "${.x}"}', '[1, "${.0}"]', '[1, "${..a}"]', '{<<: {p: 1}, q: "${.p}"}', '!!str 3', '!!int "3"', '!!float 3', '2020-01-01', '1:30', '0o17', '017', '1_000', '.5', '1e5', '1.0e+5', '~', 'NaN', '.nan', '-.inf', 'yes', 'Off', '!custom x', '"\\u00e9"', "'it''s'", '0b11', '+5', '-0', '1e', '1.', '--1', 'a: b: c', '@x', '`x`', '%x', '& x', '* x', '? x', '- x', '? x : y', '${big_dataset_stats:nope,6.0}', '${type_names_from_package:x}', '${oc.env:A_${s},dflt}', '${oc.env:${s},"q, r"}', "${oc.env:NOPE_X,'it\\'s'}", '${oc.env:NOPE_X,a\\,b}', '${oc.env:NOPE_X,a=b}', '${oc.env:NOPE_X,a:b}', '${oc.env:NOPE_X,/x/y.z}', '${oc.env:NOPE_X,[a b, c]}', '${oc.env:NOPE_X,${oc.env:NOPE_Y,${a}}}']
ENVIRONMENT = {'EMPTYV': '', 'NUMV': '42', 'LISTV': '[1, 2]', 'REFV': '${a}'}
block("texts", REFERENCES, [{"line": "q: " + text, "env": ENVIRONMENT} for text in TEXTS], at="q")
block('circ', 'a: ${b}\nb: ${a}\n', [[]])
block('circ2', 'a: {b: "${a}"}\n', [[]])
block('circ3', 'a: ${a}\n', [[]])
block('circ4', 'a: {b: "${a.c}", c: "${a.b}"}\n', [[]])
block('chain', 'a: ${b}\nb: ${c}\nc: {d: "${e}"}\ne: [1]\nf: ${a.d.0}\n', [[]])
block('thru', 'm: {x: "${n}"}\nn: {y: {z: 4}}\nq: ${m.x.y.z}\n', [[]])
block('rel', 'm: {x: {y: "${..z}", w: "${...top}"}, z: 1}\ntop: 9\n', [[]])
block('rel copied', 'm: {x: "${.y}", y: 1}\nn: {m: "${m}", y: 2}\n', [[]])
block('rel list', 'm: [1, {x: "${..0}", y: "${...t}"}]\nt: 4\n', [[]])
block('intlist', 'm: [1, "${.0}", "${..t}"]\nt: 4\n', [[]])
block('missing used', 'a: ???\nb: ${a}\n', [[]])
block('missing x', 'a: ???\nb: "${a}x"\n', [[]])
block('used', 'x: ???\ny: ${nope}\nz: ${oc.env:NOPE_X}\ndata: {a: 1}\ntrainer: {b: "${data.a}"}\ntraining_module: {c: "${training_data_stats:mean}"}\nrun: [train]\n', [[]], sections=True)
block('used2', 'x: ???\ny: {k: "${nope}", v: 2}\ndata: {a: "${y.v}"}\ntrainer: {b: "${y}"}\ntraining_module: {}\nrun: [train]\n', [[]], sections=True)
block('used3', 'x: ???\ny: {k: "${nope}", v: 2}\ndata: {a: "${y.v}"}\ntrainer: {}\ntraining_module: {}\nrun: [train]\n', [[]], sections=True)
block('used4', 'x: ???\nw: "${x}"\ndata: {a: "${oc.select:w,3}", b: "${oc.select:x,3}"}\ntrainer: {}\ntraining_module: {}\nrun: [train]\n', [[]], sections=True)
block('hydra', 'hydra: {job: {name: mine}, run: {dir: "out/${hydra.job.name}"}}\na: ${hydra:job.name}\nb: ${hydra:run.dir}\nc: 3\n', [{'overrides': [], 'run': True}, {'overrides': ['hydra.job.name=other'], 'run': True}, {'overrides': ['hydra.run.dir=x/${c}'], 'run': True}, {'overrides': ["hydra.run.dir='x'"], 'run': True}, {'overrides': ['hydra.run.dir=null'], 'run': True}, {'overrides': ['hydra.run.nope=3'], 'run': True}, {'overrides': ['hydra.nope=3'], 'run': True}, {'overrides': ['+hydra.job.env_set.FOO=bar'], 'run': True}, {'overrides': ['hydra.job.chdir=false'], 'run': True}, {'overrides': ['hydra.verbose=true'], 'run': True}, {'overrides': ['hydra.mode=RUN'], 'run': True}, {'overrides': ['hydra.mode=foo'], 'run': True}, {'overrides': ['hydra.output_subdir=null'], 'run': True}, {'overrides': ['hydra.sweep.dir=z'], 'run': True}, {'overrides': ['+hydra.job_logging.x=1'], 'run': True}, {'overrides': ['hydra/job_logging=disabled'], 'run': True}, {'overrides': ['hydra.job.num=3'], 'run': True}, {'overrides': ['hydra.job.id=x'], 'run': True}, {'overrides': ['hydra.job.config_name=z'], 'run': True}, {'overrides': ['hydra.runtime.cwd=z'], 'run': True}, {'overrides': ['hydra={run: {dir: zz}}'], 'run': True}, {'overrides': ['hydra.run={dir: zz}'], 'run': True}, {'overrides': ['hydra.job.env_copy=[HOME]'], 'run': True}, {'overrides': ['hydra.help.app_name=q'], 'run': True}, {'overrides': ['hydra.callbacks.x=1'], 'run': True}])
block('hydra bad', 'hydra: {jb: 1}\na: 1\n', [[]])
block('hydra bad2', 'hydra: [1]\na: 1\n', [[]])
block('hydra str', 'hydra: x\na: 1\n', [[]])
block('hydra run null', 'hydra: {run: null}\na: ${hydra:run.dir}\n', [[]])
block('hydra interp', 'hydra: {run: {dir: "${a}"}}\na: 1\n', [{'overrides': [], 'run': True}])
block('hydra interp2', 'hydra: ${h}\nh: {run: {dir: x}}\na: ${hydra:run.dir}\n', [{'overrides': [], 'run': True}])
block('hydra dir missing', 'hydra: {run: {dir: ???}}\na: 1\n', [{'overrides': [], 'run': True}])
block('hydra dir env', 'hydra: {run: {dir: "${oc.env:NOPE_X,dflt}/x"}}\na: 1\n', [{'overrides': [], 'run': True}])
block('hydra env set', 'hydra: {job: {env_set: {FOO: "${b}"}}}\na: ${oc.env:FOO}\nb: 7\n', [[]])
block('hydra override_dirname', 'hydra: {run: {dir: "o/${hydra.job.override_dirname}"}}\na: 1\nb: 2\n', [{'overrides': ['a=3', 'b=4'], 'run': True}, {'overrides': ['b=4', 'a=3'], 'run': True}, {'overrides': ['+c=[1,2]'], 'run': True}, {'overrides': ['a=3', 'hydra.job.config.override_dirname.exclude_keys=[a]', 'b=1'], 'run': True}, {'overrides': ['a=3', 'hydra.job.config.override_dirname.kv_sep=-'], 'run': True}, {'overrides': [], 'run': True}])
block('unused err', 'data: {a: 1}\nz: ${nope}\n', [[]])
block('key interp', '${a}: 1\na: 2\n', [[]])
block('tag', 'a: !!python/object:os.system x\n', [[]])
block('multi doc', 'a: 1\n---\nb: 2\n', [[]])
block('bom', '\ufeffa: 1\n', [[]])
block('tab indent', 'a:\n\tb: 1\n', [[]])
block('anchor override', 'x: &x {a: 1, b: {c: 1}}\nz: {<<: *x, b: {d: 1}}\n', [[]])
block('alias twice', 'x: &x [1]\ny: [*x, *x]\n', [[]])
block('recursive', 'x: &x [*x]\n', [[]])
block('null key', '~: 1\n', [[]])
block('complex key', '? [1, 2]\n: 3\n', [[]])
block('empty', '', [[]])
block('list top', '- 1\n', [[]])
