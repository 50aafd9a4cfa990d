"""What the tests of training share: Ctrl-C at a step."""
from __future__ import annotations

import os
import signal
from typing import Any

from valle.training.stage import Stage


def interrupt_at(stage: Stage, step: int) -> Stage:
    """Ctrl-C while the batch of this step is made."""
    make = stage.batch

    def batch(at: int) -> Any:
        if at == step:
            os.kill(os.getpid(), signal.SIGINT)
        return make(at)

    stage.batch = batch  # type: ignore[method-assign]
    return stage
