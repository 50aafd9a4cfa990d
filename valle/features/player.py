"""Sound out of the loudspeaker, by a program that plays what it reads."""
from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

PLAYERS = (("aplay", "-q", "-"),
           ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error", "-i", "-"),
           ("mpv", "--no-video", "--really-quiet", "-"), ("play", "-q", "-t", "wav", "-"))


def find_player() -> tuple[str, ...]:
    """The command of the first player that is here; ValueError where none is."""
    found = next((command for command in PLAYERS if shutil.which(command[0])), None)
    if found is None:
        raise ValueError(f"nothing here plays sound ({', '.join(p[0] for p in PLAYERS)}): install "
                         "one, or write a file with --out")
    return found


@contextmanager
def playing() -> Iterator[IO[bytes]]:
    """A pipe for a WAV stream, which is heard as it comes; left when all is heard.

    Raises:
        ValueError: there is no player, or it stopped.
    """
    command = find_player()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stderr is not None
        try:
            yield process.stdin
            process.stdin.close()
        except BrokenPipeError:
            pass  # its own words say why
        said = process.stderr.read().decode(errors="replace").split("\n")[0].strip()
        if process.wait():
            raise ValueError(f"{command[0]} could not play it ({said[:120]}): write a file with "
                             "--out")
