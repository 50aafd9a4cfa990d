"""The command line's parser: errors in one line, every default in the help."""
from __future__ import annotations

import argparse
from typing import Any, NoReturn


class Help(argparse.RawDescriptionHelpFormatter):
    """Adds the default of an option to its help, where there is one and it is not told already."""

    def _get_help_string(self, action: argparse.Action) -> str:
        told = action.help or ""
        if (not action.option_strings or action.default in (None, False, (), argparse.SUPPRESS)
                or "default" in told):
            return told
        return f"{told} (default: %(default)s)".lstrip()


class Parser(argparse.ArgumentParser):
    """argparse's, without twelve lines of usage before the one that matters."""

    def __init__(self, prog: str, description: str, epilog: str | None = None,
                 **others: Any) -> None:
        """description: the examples in it name `infer.py` or `train.py`; here they name prog.
        others: what argparse hands on to the parsers of subcommands.
        """
        for name in ("infer.py", "train.py"):
            description = description.replace(f"  {name} ", f"  {prog} ").replace(
                f"| {name} ", f"| {prog} ")
        super().__init__(prog=prog, description=description, epilog=epilog, formatter_class=Help,
                         **others)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; `{self.prog} --help` lists what there is\n")
