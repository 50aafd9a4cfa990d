"""What a server allows: every limit in one place, each an option of `valle serve`."""
from __future__ import annotations

import os
from dataclasses import dataclass

from codec.record import WrongValue, check_range

KEY = "VALLE_API_KEY"  # environment variable: whoever wants to be spoken to must have it


@dataclass(frozen=True)
class Limits:
    """How much the server takes on.

    Attributes:
        max_requests: at once, those that wait for their turn included; one more is answered 429.
        width: segments that are decoded side by side.
        patience: seconds that a segment may take, and that a client may take to read one.
        ahead: segments of a request that may be spoken before its client reads them.
        max_input: characters of a text.
        max_batch: texts of a batch.
        max_upload: MiB of a request.
    """

    max_requests: int = 64
    width: int = 8
    patience: float = 60.0
    ahead: int = 4
    max_input: int = 4096
    max_batch: int = 32
    max_upload: float = 16.0

    def __post_init__(self) -> None:
        check_range(self, max_requests=(1, 100_000), width=(1, 256), patience=(0.001, 86_400.0),
                    ahead=(1, 1000), max_input=(1, 10_000_000), max_batch=(1, 1000),
                    max_upload=(0.01, 1024.0))


@dataclass(frozen=True)
class Access:
    """Who may ask.

    Attributes:
        key: that every request which speaks must bring; "" asks for none.
        origins: of web pages elsewhere that may ask; none by default.
        hosts: names by which the server may be called; any if empty.
    """

    key: str = ""
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


LOOPBACK = ("localhost", "127.0.0.1", "::1")


def access(host: str, origins: tuple[str, ...]) -> Access:
    """Of a server that listens on a host; the key comes from the environment.

    On a loopback address only the names of that are answered: otherwise any web page could have
    its own name point there, and ask as if it belonged to the server.
    """
    key = os.environ.get(KEY, "").strip()
    if KEY in os.environ and not key:
        raise WrongValue(KEY, "''", "is set but empty: unset it, or give it a key")
    return Access(key, origins, LOOPBACK if host in LOOPBACK else ())
