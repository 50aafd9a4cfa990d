"""The shape of the code: imports go one way, files are small, nothing is unpickled or evaluated."""
from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(p.relative_to(ROOT) for package in ("codec", "g2p", "valle")
               for p in (ROOT / package).rglob("*.py"))
FACES = [Path("infer.py"), Path("train.py")]
OURS = {"codec", "g2p", "valle", "infer", "train", "tests", "recipes", "benchmarks"}
ROOMS = (  # each may import those before it, and nothing after it
    "g2p", "codec", "valle.version", "valle.features", "valle.model", "valle.speaker",
    "valle.recognizer", "valle.engine", "valle.synthesis", "valle.tts", "valle.voices",
    "valle.serve", "valle.data", "valle.reading", "valle.evaluate", "valle.training",
    "valle.commands", "valle.cli", "valle.__main__")
EXTRAS = ("tensorboard", "torch.utils.tensorboard", "pocketsphinx", "resemblyzer", "speechmos",
          "faster_whisper", "distillmos", "onnxruntime", "parselmouth", "matplotlib",
          "transformers", "fastapi", "starlette", "uvicorn", "av", "prometheus_client", "wyoming",
          "websockets", "wandb", "openai", "markdown_it", "perth", "pytest")
SERVER = ("fastapi", "starlette", "uvicorn", "av", "prometheus_client", "wyoming", "websockets")
LIMIT = 600  # seconds, on a machine that has much else to do
MOST_LINES, LONGEST_FUNCTION, MOST_ARGUMENTS = 350, 70, 10


def module_name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(path) for path in FILES}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


@cache
def imports(path: Path) -> frozenset[str]:
    """Full names of all modules a file imports, wherever it does so."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
    return frozenset(found)


def roots(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (node for node in ast.walk(tree(path))
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def test_there_is_code_to_check() -> None:
    assert len(FILES) > 30 and all((ROOT / face).is_file() for face in FACES)


def imported_modules(path: Path) -> set[str]:
    """Our own modules that a file imports, wherever it does so, each by its full name."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {owner(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {owner(f"{node.module}.{alias.name}") for alias in node.names}
    return found - {"", module_name(path)}


def owner(name: str) -> str:
    """The module of ours that holds a dotted name; "" where it is not ours."""
    while name and name not in MODULES:
        name = name.rpartition(".")[0]
    return name


def room(module: str) -> int:
    """Place of a module's folder in ROOMS."""
    return next(index for index, name in enumerate(ROOMS)
                if module == name or module.startswith(f"{name}."))


@pytest.mark.parametrize("path", [p for p in FILES if p != Path("valle/__init__.py")], ids=str)
def test_imports_go_one_way(path: Path) -> None:
    assert roots(path) & OURS <= {"codec", "g2p", "valle"}
    here, others = module_name(path), imported_modules(path)
    assert not [other for other in others if room(other) > room(here)]
    if here.startswith("codec"):
        assert "g2p" not in roots(path)
    if here.startswith("g2p"):
        assert not roots(path) & {"torch", "encodec", "soundfile"}


def test_no_modules_import_each_other() -> None:
    graph = {module_name(path): imported_modules(path) for path in FILES}
    list(graphlib.TopologicalSorter(graph).static_order())  # CycleError names a circle


@pytest.mark.parametrize("path", FACES, ids=str)
def test_faces_are_thin(path: Path) -> None:
    assert imports(path) == {"valle.cli"}
    assert len((ROOT / path).read_text().splitlines()) < 12


@pytest.mark.parametrize("module, only", [("encodec", "codec/upstream.py"),
                                          ("phonemizer", "g2p/espeak.py"),
                                          ("espeakng_loader", "g2p/espeak.py")])
def test_one_file_imports_it(module: str, only: str) -> None:
    assert [str(p) for p in FILES if module in roots(p)] == [only]


@pytest.mark.parametrize("path", [*FILES, *FACES], ids=str)
def test_nothing_is_unpickled_evaluated_or_swallowed(path: Path) -> None:
    assert not roots(path) & {"cPickle", "dill", "joblib", "marshal", "shelve"}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "pickle":
            assert node.attr == "UnpicklingError", f"{path}:{node.lineno}: only its name"
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"{path}:{node.lineno}: bare except"
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        assert called not in ("eval", "exec", "compile", "__import__"), f"{path}:{node.lineno}"
        if called == "torch.load":
            given = {k.arg: ast.unparse(k.value) for k in node.keywords}
            assert given.get("weights_only") == "True", f"{path}:{node.lineno}: unsafe torch.load"
        if called in ("np.load", "numpy.load"):
            assert not any(k.arg == "allow_pickle" for k in node.keywords), path


@pytest.mark.parametrize("path", [*FILES, *FACES], ids=str)
def test_files_and_functions_are_small(path: Path) -> None:
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= MOST_LINES
    for node in functions(path):
        assert (node.end_lineno or 0) - node.lineno + 1 <= LONGEST_FUNCTION, node.name
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        assert len(arguments) <= MOST_ARGUMENTS, node.name


@pytest.mark.parametrize("path", [*FILES, *FACES], ids=str)
def test_every_argument_is_annotated_and_every_file_explained(path: Path) -> None:
    if (ROOT / path).read_text().strip():
        assert ast.get_docstring(tree(path)), f"{path} does not say what it is for"
    for node in functions(path):
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        bare = [a.arg for a in arguments if a.annotation is None and a.arg not in ("self", "cls")]
        assert not bare and node.returns is not None, f"{path}: {node.name} {bare}"


@pytest.mark.parametrize("path", [p for p in FILES if p.parts[0] != "codec"], ids=str)
def test_the_numbers_of_the_codec_are_in_its_folder_alone(path: Path) -> None:
    numbers = [(node.lineno, node.value) for node in ast.walk(tree(path))
               if isinstance(node, ast.Constant) and node.value in (75, 320, 24_000)]
    assert not numbers, "use CodecSpec"


def test_no_file_shadows_a_dependency_or_is_a_drawer() -> None:
    names = {p.stem for p in FILES}
    assert not names & {"encodec", "phonemizer", "utils", "helpers", "misc", "common"}


# Of the repository, not of a module.
WHOLE = {"imports", "readme", "recipes", "reference", "starter"}


def test_tests_are_named_after_what_they_test_and_import_none_of_each_other() -> None:
    """tests/test_MODULE.py, or test_MODULE_ASPECT.py; a package counts as a module."""
    names = {part for path in FILES for part in path.with_suffix("").parts}
    for path in sorted((ROOT / "tests").glob("test_*.py")):
        subject = path.stem.removeprefix("test_")
        words = subject.split("_")
        known = any("_".join(words[:n]) in names for n in range(1, len(words) + 1))
        assert known or subject in WHOLE, f"{path.name}: no module of that name"
        taken = [name for name in imports(path.relative_to(ROOT)) if name.startswith("test_")]
        assert not taken, f"{path.name} imports {taken}: what is shared is in conftest.py"


IMPORT_EACH = """
import gc, importlib, importlib.abc, os, sys
import einops, num2words, numpy, phonemizer, safetensors.torch, soundfile, soxr, torch, tqdm
modules, extras = sys.argv[1].split(), tuple(sys.argv[2].split())

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.startswith(extras):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
gc.freeze()  # the forks copy no page of what is here
failed = 0
for name in modules:
    if os.fork() == 0:  # each on its own, so that no module leans on what another has imported
        try:
            importlib.import_module(name)
        except BaseException as error:
            print(name, repr(error), flush=True)
            os._exit(1)
        os._exit(0)
    failed += os.wait()[1] != 0
sys.exit(failed > 0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("serves", [False, True])
def test_each_module_imports_alone_without_extras_and_without_effects(serves: bool, tmp_path: Path,
                                                                      ) -> None:
    light = {"valle.serve", "valle.serve.config", "valle.serve.scheduler", "valle.serve.ticket"}
    names = [name for p in FILES if p.name != "__main__.py" and serves == (
        (name := module_name(p)).startswith("valle.serve") and name not in light)]
    extras = [name for name in EXTRAS if not (serves and name in SERVER)]
    here, compiled = tmp_path / "here", tmp_path / "compiled"  # each file is compiled once
    here.mkdir()
    done = subprocess.run([sys.executable, "-X", f"pycache_prefix={compiled}", "-c", IMPORT_EACH,
                           " ".join(names), " ".join(extras)], cwd=here,
                          env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
                          timeout=LIMIT, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not list(here.iterdir())


@pytest.mark.parametrize("module, absent", [
    ("g2p", "torch"), ("valle", "torch"), ("valle.cli", "torch"), ("valle.commands.say", "torch"),
    ("valle.commands.read", "torch"),
    ("valle.commands.train", "torch"), ("codec", "valle"), ("codec.spectral", "g2p"),
    ("valle.tts", "tensorboard")])
def test_light_modules_stay_light(module: str, absent: str) -> None:
    code = f"import sys, {module}; sys.exit({absent!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-B", "-c", code], cwd=ROOT, timeout=LIMIT,
                          check=False).returncode == 0
