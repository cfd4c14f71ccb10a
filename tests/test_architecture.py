"""The rules of docs/architecture.md on who imports whom, what is pure and where a mesh may be named.

Each rule is a function from a package folder to what breaks it; each is also shown to fail on a broken tree.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "reconciler"

#: Low to high; a layer imports only lower ones.
LAYERS = (
    ("model",),
    ("adapters",),
    ("load", "compile", "plan", "report"),
    ("ports",),
    ("io",),
    ("pipeline",),
    ("daemon",),
    ("cli", "web"),
    ("__main__",),
)
HEIGHT = {name: height for height, names in enumerate(LAYERS) for name in names}
PURE = frozenset(name for names in LAYERS[:3] for name in names)
SEE_ADAPTERS = frozenset({"adapters", "compile", "pipeline"})

#: Modules that touch the world, the clock or chance. ``pathlib`` and ``io`` only for what stays in memory.
IMPURE = re.compile(
    r"(aiohttp|apscheduler|asyncio|click|concurrent|fcntl|getpass|git|glob|http|io|kubernetes|logging|multiprocessing|os"
    r"|pathlib|platform|pwd|random|requests|secrets|select|selectors|shutil|signal|socket|sqlalchemy|sqlite3|ssl"
    r"|structlog|subprocess|sys|tempfile|threading|time|urllib\.request|urllib3|uuid)(\.|$)"
)
PURE_NAMES = frozenset({"pathlib.PurePath", "pathlib.PurePosixPath", "io.StringIO", "io.BytesIO"})
IMPURE_BUILTINS = frozenset({"open", "print", "input", "breakpoint", "exec", "eval", "__import__"})
CLOCK = frozenset(
    f"{owner}.{method}" for owner in ("datetime", "date") for method in ("now", "utcnow", "today", "fromtimestamp")
) | {"importlib.import_module"}

#: Folders of adapters/ that are no mesh: what several of them write and read.
SHARED = frozenset({"standard"})
#: Products beside those that have a folder in adapters/.
PRODUCTS = frozenset({"istio", "linkerd", "consul", "appmesh", "app-mesh", "kuma", "osm", "cilium", "traefik", "maesh"})
PRODUCTS |= {"nginx", "gloo", "envoy", "kong", "tetrate"}
VAGUE_NAMES = frozenset({"manager", "helper", "helpers", "util", "utils", "common", "misc", "sync"})
MAX_LINES = 300


@dataclass(frozen=True)
class Module:
    """One file of the package. ``part`` is the layer's name; the package's own ``__init__`` is below all."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def part(self) -> str:
        return part_of(self.name)

    def at(self, node: ast.AST, text: str) -> str:
        return f"{self.name}:{getattr(node, 'lineno', 0)}: {text}"


def part_of(name: str) -> str:
    return name.partition(".")[2].partition(".")[0]


@cache
def modules(package: Path) -> tuple[Module, ...]:
    found = []
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(Module(name, path, ast.parse(path.read_text(), str(path))))
    return tuple(found)


def imports(module: Module) -> Iterator[tuple[ast.AST, str]]:
    """Every imported name, dotted and absolute, those within functions and type-checking blocks included."""
    package = module.name.split(".") if module.path.name == "__init__.py" else module.name.split(".")[:-1]
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node, f"{base}.{alias.name}") for alias in node.names)


def inner_imports(package: Path) -> Iterator[tuple[Module, ast.AST, str]]:
    for module in modules(package):
        for node, name in imports(module):
            if part_of(name) in HEIGHT and name.startswith("reconciler."):
                yield module, node, name


def layers(package: Path) -> Iterator[str]:
    """A layer imports only lower ones, and itself; the package's own ``__init__`` imports none."""
    for module in modules(package):
        if module.part and module.part not in HEIGHT:
            yield f"{module.name}: {module.part} has no layer"
    for module, node, name in inner_imports(package):
        other = part_of(name)
        if other != module.part and HEIGHT[other] >= HEIGHT.get(module.part, -1):
            yield module.at(node, f"{module.part or 'the package'} may not import {name}")


def adapters_are_seen_by(package: Path) -> Iterator[str]:
    """Only ``compile`` and ``pipeline`` import adapters."""
    for module, node, name in inner_imports(package):
        if part_of(name) == "adapters" and module.part not in SEE_ADAPTERS:
            yield module.at(node, f"only compile and pipeline may import {name}")


def adapters_are_strangers(package: Path) -> Iterator[str]:
    """An adapter's folder imports no other one but what is shared, and nothing outside imports a folder directly."""
    folders = {path.name for path in (package / "adapters").glob("*/")} - SHARED
    for module, node, name in inner_imports(package):
        folder = name.split(".")[1:3]
        if folder[0] == "adapters" and folder[-1] in folders and module.name.split(".")[1:3] != folder:
            yield module.at(node, f"{name} may be imported by itself only; the registry finds it")


def model_is_bare(package: Path) -> Iterator[str]:
    """``model`` and ``ports`` import nothing but the standard library and this package."""
    for module in modules(package):
        if module.part in {"model", "ports"}:
            for node, name in imports(module):
                if name.split(".")[0] not in sys.stdlib_module_names | {"reconciler"}:
                    yield module.at(node, f"{module.part} may not import {name}")


def is_impure(name: str) -> bool:
    return name in CLOCK or (IMPURE.match(name) is not None and name not in PURE_NAMES)


def impure_call(node: ast.AST) -> str:
    """The impure thing that a node calls or reads, or an empty string."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_BUILTINS:
        return node.func.id
    if isinstance(node, ast.Attribute):
        written = ast.unparse(node)
        return next((name for name in CLOCK if written == name or written.endswith(f".{name}")), "")
    return ""


def purity(package: Path) -> Iterator[str]:
    """Up to ``report``: no files, clock, network, chance or logging, by import or by call."""
    for module in modules(package):
        if module.part not in PURE:
            continue
        for node, name in imports(module):
            if is_impure(name):
                yield module.at(node, f"{module.part} is pure and may not import {name}")
        for node in ast.walk(module.tree):
            if call := impure_call(node):
                yield module.at(node, f"{module.part} is pure and may not use {call}")


def no_cycles(package: Path) -> Iterator[str]:
    """Modules do not import each other in a circle while they load; an import within a function may look back."""
    known = {module.name for module in modules(package)}
    edges: dict[str, set[str]] = {name: set() for name in known}
    for module, node, name in inner_imports(package):
        target = name if name in known else name.rpartition(".")[0]
        if node in module.tree.body and target in known - {module.name}:
            edges[module.name].add(target)
    while leaves := {name for name, targets in edges.items() if not targets & edges.keys()}:
        edges = {name: targets for name, targets in edges.items() if name not in leaves}
    circle = {name for name, targets in edges.items() if any(name in edges[other] for other in targets & edges.keys())}
    if edges:
        yield f"modules import each other: {', '.join(sorted(circle or edges))}"


def meshes_stay_home(package: Path) -> Iterator[str]:
    """A mesh is named in its adapter's folder and in the I/O module of its API (``io/<mesh>``) only, and where that
    module is imported; and, where there is such a module, in the schema of connections, by which users ask for it."""
    folders = {path.name for path in (package / "adapters").glob("*/") if not path.name.startswith("_")}
    names = PRODUCTS | (folders - SHARED)
    pattern = re.compile(rf"(?<![a-z])({'|'.join(sorted(names))})(?![a-z])", re.IGNORECASE)
    for path in sorted(package.rglob("*")):
        place = path.relative_to(package)
        at_home = place.parts[0] == "adapters" and len(place.parts) > 2
        refused = place.as_posix() == "load/schemas/future.json"  # words of the design that are told to be too early
        if not path.is_file() or path.suffix == ".pyc" or at_home or refused:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for found in pattern.findall(line):
                own = f"io/{found.lower()}"
                imports = line.strip().startswith(f"from reconciler.io.{found}")
                connects = place.as_posix() == "load/schemas/Cluster.json" and (package / own).is_dir()
                if not (
                    imports or connects or place.as_posix() == f"{own}.py" or place.as_posix().startswith(f"{own}/")
                ):
                    yield f"{place}:{number}: names {found}, which belongs to its adapter"


def size_and_names(package: Path) -> Iterator[str]:
    """Modules say what they are for, are short enough to be read, and have names that say something."""
    for module in modules(package):
        if len(module.path.read_text().splitlines()) > MAX_LINES:
            yield f"{module.name}: longer than {MAX_LINES} lines"
        if not ast.get_docstring(module.tree):
            yield f"{module.name}: has no docstring"
        if VAGUE_NAMES & set(module.name.split(".")[-1].split("_")):
            yield f"{module.name}: a name that says nothing"


Rule = Callable[[Path], Iterator[str]]
RULES: tuple[Rule, ...] = (
    layers,
    adapters_are_seen_by,
    adapters_are_strangers,
    model_is_bare,
    purity,
    no_cycles,
    meshes_stay_home,
    size_and_names,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_package_keeps_the_rule(rule: Rule) -> None:
    assert not list(rule(PACKAGE)), rule.__doc__


def test_the_package_is_looked_at() -> None:
    parts = {module.part for module in modules(PACKAGE)}
    assert {"model", "adapters", "ports", ""} <= parts
    assert any(name == "reconciler.model.refs.KindId" for _module, _node, name in inner_imports(PACKAGE))


BROKEN: tuple[tuple[Rule, str, str, str], ...] = (
    (layers, "model/a.py", "from reconciler.load import x", "model may not import reconciler.load.x"),
    (layers, "model/a.py", "def f():\n    from reconciler.io import x", "a:2: model may not import reconciler.io.x"),
    (layers, "model/a.py", "if TYPE_CHECKING:\n    import reconciler.plan", "may not import reconciler.plan"),
    (layers, "load/a.py", "from ..plan import x", "load may not import reconciler.plan.x"),
    (layers, "load/a.py", "from reconciler import report", "load may not import reconciler.report"),
    (layers, "plan/a.py", "from reconciler import ports", "plan may not import reconciler.ports"),
    (layers, "daemon/a.py", "import reconciler.cli", "daemon may not import"),
    (layers, "__init__.py", "from reconciler.model import refs", "the package may not import"),
    (layers, "extras/a.py", "", "extras has no layer"),
    (adapters_are_seen_by, "io/a.py", "from reconciler.adapters.base import Adapter", "only compile and pipeline"),
    (adapters_are_seen_by, "cli/a.py", "def f():\n    import reconciler.adapters", "only compile and pipeline"),
    (adapters_are_strangers, "adapters/one/a.py", "from reconciler.adapters.two import x", "by itself only"),
    (adapters_are_strangers, "adapters/standard/a.py", "from reconciler.adapters.one import x", "by itself only"),
    (adapters_are_strangers, "compile/a.py", "from reconciler.adapters.one import ADAPTER", "by itself only"),
    (model_is_bare, "model/a.py", "import yaml", "model may not import yaml"),
    (model_is_bare, "ports.py", "import orjson", "ports may not import orjson"),
    (purity, "plan/a.py", "import os.path", "may not import os.path"),
    (purity, "compile/a.py", "def f():\n    import random", "a:2: compile is pure"),
    (purity, "report/a.py", "from urllib import request", "may not import urllib.request"),
    (purity, "adapters/one/a.py", "import kubernetes.client", "may not import kubernetes.client"),
    (purity, "plan/a.py", "from datetime import datetime\nx = datetime.now()", "a:2: plan is pure"),
    (purity, "plan/a.py", "import datetime as d\nx = d.datetime.now", "may not use datetime.now"),
    (purity, "load/a.py", "x = open('a').read()", "may not use open"),
    (purity, "load/a.py", "from importlib import import_module", "may not import importlib.import_module"),
    (no_cycles, "load/a.py", "from reconciler.load.b import x", "reconciler.load.a, reconciler.load.b"),
    (meshes_stay_home, "plan/a.py", "# as Istio does", "plan/a.py:1: names Istio"),
    (meshes_stay_home, "load/schemas/Mesh.json", '{"enum": ["linkerd"]}', "names linkerd"),
    (meshes_stay_home, "load/schemas/Cluster.json", '{"enum": ["linkerd"]}', "names linkerd"),
    (meshes_stay_home, "adapters/base.py", "x = 'two'", "names two"),
    (meshes_stay_home, "io/other.py", "x = 'consul'", "names consul"),
    (size_and_names, "plan/a.py", '"""Long."""\n' + "x = 1\n" * MAX_LINES, "longer than"),
    (size_and_names, "plan/a.py", "x = 1", "has no docstring"),
    (size_and_names, "plan/object_utils.py", '"""Things."""', "says nothing"),
)
SOUND = {
    "__init__.py": '__version__ = "1"',
    "model/a.py": "import datetime\nfrom pathlib import PurePosixPath\nfrom reconciler.model import b",
    "model/b.py": "from reconciler import __version__",
    "adapters/base.py": "from reconciler.model.a import x\ncosmos = 1",
    "adapters/one/a.py": "from reconciler.adapters.base import X\nfrom reconciler.adapters.one import b\nname = 'one'",
    "adapters/one/b.py": "from . import c",
    "adapters/two/__init__.py": "from reconciler.adapters.standard import a",
    "adapters/standard/a.py": "said = 'standard'",
    "load/b.py": "import yaml\nfrom reconciler.load.a import x\nfrom importlib import resources",
    "compile/a.py": "from reconciler.adapters import registry",
    "ports.py": "from typing import Protocol\nfrom reconciler.model.a import x",
    "io/consul.py": "import os, time\nfrom reconciler import ports\nname = 'consul'",
    "cli/a.py": "from reconciler.pipeline import run\nprint(open('x'))",
    "__main__.py": "from reconciler.cli import a",
}


def build(folder: Path, files: dict[str, str]) -> Path:
    package = folder / "reconciler"
    for name, text in files.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return package


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule is not size_and_names], ids=lambda r: r.__name__)
def test_a_sound_tree_breaks_no_rule(rule: Rule, tmp_path: Path) -> None:
    assert not list(rule(build(tmp_path, SOUND)))


@pytest.mark.parametrize(("rule", "path", "text", "expected"), BROKEN)
def test_a_broken_tree_is_found(rule: Rule, path: str, text: str, expected: str, tmp_path: Path) -> None:
    package = build(tmp_path, {**SOUND, path: text})
    assert any(expected in problem for problem in rule(package)), list(rule(package))
