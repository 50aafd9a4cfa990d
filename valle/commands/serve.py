"""Serve speech by HTTP, in the words of OpenAI's API.

  valle serve
  curl localhost:8000/v1/audio/speech --json '{"input": "Hello.", "voice": "clara"}' -o hello.mp3

It listens on this machine alone. --host 0.0.0.0 lets others in; set the environment variable
VALLE_API_KEY to a secret, and only those who bring it are spoken to. Only clone voices whose
owners agree.
"""
from __future__ import annotations

import argparse
import logging
import sys

from g2p import Lexicon
from valle.commands.flags import add_flags, from_flags
from valle.commands.voice_options import (
    add_lexicon_argument,
    add_transcriber_argument,
    add_voice_arguments,
    add_voices_argument,
    add_watermark_argument,
    load_marked_voice,
)
from valle.features.optional import package
from valle.serve.config import LOOPBACK, Limits, access

PACKAGES = ("fastapi", "uvicorn", "multipart", "av", "prometheus_client", "websockets")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    add_voices_argument(parser)
    add_lexicon_argument(parser)
    parser.add_argument("--origin", action="append", default=[], metavar="URL",
                        help="a web page elsewhere that may ask, as https://example.org; may be "
                             "given again")
    parser.add_argument("--wyoming", type=int, nargs="?", const=10200, metavar="PORT",
                        help="answer Home Assistant too, by the Wyoming protocol (port 10200)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of the model")
    parser.add_argument("--drain", type=int, default=60, metavar="SECONDS",
                        help="how long a server that is told to stop may finish what it has")
    add_transcriber_argument(parser)
    add_watermark_argument(parser)
    add_flags(parser, Limits)
    add_voice_arguments(parser)


def run(options: argparse.Namespace) -> int:
    for name in (*PACKAGES, *(["wyoming"] if options.wyoming else [])):
        package(name, "valle serve", "'valle[serve]'")
    limits, rights = from_flags(options, Limits), access(options.host, tuple(options.origin))
    for name, port in (("port", options.port), ("wyoming", options.wyoming or 0)):
        if not 0 <= port < 1 << 16:
            raise ValueError(f"--{name} {port}: must be 0 to 65535")
    if options.threads < 1:
        raise ValueError(f"--threads {options.threads}: must be 1 or more")
    import torch
    import uvicorn

    from valle.engine.threads import cores
    from valle.recognizer.transcriber import Transcriber
    from valle.serve.app import create_app

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    torch.set_num_threads(min(options.threads, cores()))
    lexicon = Lexicon(options.lexicon) if options.lexicon else None
    tts, sampling = load_marked_voice(options)
    tts.lexicon = lexicon  # read again when it changes
    tts.sampling, tts.transcriber = sampling, Transcriber(options.transcriber)
    if options.host not in LOOPBACK and not rights.key:
        print("warning: anybody who reaches this server may use it: set VALLE_API_KEY",
              file=sys.stderr)
    if tts.watermark is None and options.watermark is None:
        print("speech is not watermarked: pip install 'valle[watermark]'", file=sys.stderr)
    wyoming = (options.host, options.wyoming) if options.wyoming else None
    app = create_app(tts, options.voices, limits, rights, wyoming)
    config = uvicorn.Config(app, options.host, options.port, log_config=None, access_log=False,
                            server_header=False, lifespan="on", ws_max_size=1 << 20,
                            timeout_graceful_shutdown=options.drain)
    uvicorn.Server(config).run()
    return 0
