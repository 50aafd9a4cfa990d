"""Names in docstrings that are nowhere: what `make docs` and the tests refuse.

A reference is a name of ours between backquotes: `valle.data.lock.locked`, `lock.locked`,
`Aligner`, `Aligner.score`. Arguments, commands and files are no names of ours.
"""
from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("valle", "codec", "g2p")
REFERENCE = re.compile(r"(?<!`)`([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)`(?!`)")
FILES = ("py", "json", "md", "c")
Places = dict[str, set[str]]


def modules() -> Iterator[tuple[str, ast.Module]]:
    """(full name, tree) of every module of ours."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), ast.parse(path.read_text(encoding="utf-8"))


def places() -> Places:
    """What can be referred to in each module, and in each class, by full and by short name."""
    found: Places = defaultdict(set)
    for name, tree in modules():
        parent, _, short = name.rpartition(".")
        found[parent].add(short)
        for key in (name, short):
            found[key] |= _defined(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                found[node.name] |= _defined(node) | set(
                    re.findall(r"self\.(\w+)", ast.unparse(node)))
    return found


def _defined(node: ast.Module | ast.ClassDef) -> set[str]:
    """Names that a module or class defines, or imports by name."""
    found: set[str] = set()
    for child in ast.walk(node) if isinstance(node, ast.Module) else node.body:
        if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
            found.add(child.name)
        elif isinstance(child, ast.Assign):
            found |= {name.id for target in child.targets for name in ast.walk(target)
                      if isinstance(name, ast.Name)}
        elif isinstance(child, ast.AnnAssign) and isinstance(child.target, ast.Name):
            found.add(child.target.id)
        elif isinstance(child, (ast.Import, ast.ImportFrom)):
            found |= {alias.asname or alias.name for alias in child.names}
    return found


def is_known(reference: str, known: Places) -> bool:
    """Whether a reference leads somewhere; True for what is no name of ours."""
    parts = reference.split(".")
    if len(parts) == 1:
        is_class = re.fullmatch(r"[A-Z]+[a-z0-9]\w*", reference)
        return not is_class or any(reference in names for names in known.values())
    if parts[-1] in FILES:
        return True
    for size in range(len(parts) - 1, 0, -1):
        if (place := ".".join(parts[:size])) in known:
            return parts[size] in known[place] or parts[size] in dir(object)
    return True


def broken() -> list[str]:
    """`module: reference` of each that leads nowhere."""
    known = places()
    return [f"{name}: {reference}" for name, tree in modules() for node in ast.walk(tree)
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
            for reference in REFERENCE.findall(ast.get_docstring(node) or "")
            if reference.split(".")[0] not in _arguments(node) and not is_known(reference, known)]


def _arguments(node: ast.AST) -> set[str]:
    """Of a function; `config.steps` is a field of what it was given."""
    return {a.arg for a in node.args.args} if isinstance(node, ast.FunctionDef) else set()
