"""The API reference, from the docstrings: `make docs`, or python docs/reference.py FOLDER.

Nothing is fetched, and the pages need no network to be read. A name that cannot be documented is
an error, and so is a reference in a docstring that leads nowhere (references.py).
"""
from __future__ import annotations

import pkgutil
import sys
import warnings
from importlib import import_module
from pathlib import Path

import pdoc
from references import PACKAGES, ROOT, broken


def show_everything(name: str) -> None:
    """List the modules of a package, and of those inside it, beside the names that it exports."""
    package = import_module(name)
    inside = list(pkgutil.iter_modules(package.__path__))
    if exported := getattr(package, "__all__", None):
        for attribute in exported:  # valle's are imported on first use
            setattr(package, attribute, getattr(package, attribute))
        names = [module.name for module in inside if module.name != "__main__"]
        vars(package).update(__all__=[*exported, *names])
    for module in inside:
        if module.ispkg:
            show_everything(f"{name}.{module.name}")


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("usage: python docs/reference.py FOLDER")
    if lost := broken():
        raise SystemExit("docstrings refer to what is not there:\n" + "\n".join(lost))
    sys.path.insert(0, str(ROOT))
    warnings.simplefilter("error")
    warnings.simplefilter("ignore", DeprecationWarning)  # of packages that ours import
    # Types that are generic in their stubs alone, as tqdm[Any]: shown as they are written.
    warnings.filterwarnings("ignore", message="Error parsing type annotation")
    for package in PACKAGES:
        show_everything(package)
    version = import_module("valle").__version__
    pdoc.render.configure(docformat="google", include_undocumented=False,
                          footer_text=f"valle {version}")
    pdoc.pdoc(*PACKAGES, output_directory=Path(sys.argv[1]))


if __name__ == "__main__":
    main()
