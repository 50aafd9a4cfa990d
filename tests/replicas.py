"""Trainings in several processes, one after another: python tests/replicas.py '[[2, ["ar", ...]]]'.

The processes are forked from this one, which imports torch once and never goes backward itself;
they find each other as under torchrun.
"""
from __future__ import annotations

import json
import os
import socket
import sys
import traceback

from valle.cli import run


def train(processes: int, arguments: list[str]) -> int:
    """Exit code of the processes: the first that is not 0."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    children = []
    for rank in range(processes):
        if child := os.fork():
            children.append(child)
            continue
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(processes),
                       "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        code = 99
        try:
            code = run("train", arguments, "train.py")
        except Exception:  # noqa: BLE001
            traceback.print_exc()
        finally:
            os._exit(code)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    import valle.training.run  # noqa: F401  # once, for all of them

    sys.modules["torch.utils.tensorboard"] = None  # type: ignore[assignment]
    codes = [train(processes, arguments) for processes, arguments in json.loads(sys.argv[1])]
    sys.exit(next((code for code in codes if code), 0))
