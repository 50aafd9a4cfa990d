"""Check the installation, or recordings that are to be prompts.

  valle doctor                       versions, espeak, weights, a self test of two seconds
  valle doctor p.wav                 how good p.wav is as a prompt, and what to do about its faults
  valle doctor p.wav --plot p.png    the same, drawn (pip install 'valle[evaluate]')

Of a recording it says how long, loud, noisy, clipped, wide and reverberant it is, whether there is
mains hum, an offset or a second speaker, and which three to eight seconds a prompt takes of it.
Exit code 0 when everything is well, 1 when something is to be mended, 2 when a file is not read.
"""
from __future__ import annotations

import argparse
import importlib.metadata
import platform
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from valle.commands.examination import examine_all
from valle.commands.voice_options import add_transcriber_argument

PACKAGES = ("torch", "numpy", "soundfile", "soxr", "einops", "phonemizer", "espeakng-loader",
            "encodec", "safetensors", "num2words", "tqdm")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recordings", type=Path, nargs="*", metavar="AUDIO",
                        help="recordings to examine; without any, the installation is checked")
    parser.add_argument("--model", default="starter", help="starter, or a model folder to check")
    parser.add_argument("--text", metavar="WORDS", help="what is said in the one recording; "
                        "default: what --transcriber hears")
    parser.add_argument("--language", default="en-us", help="of the recordings")
    add_transcriber_argument(parser)
    parser.add_argument("--plot", type=Path, metavar="FILE.png",
                        help="draw the one recording: its sound, what was found, the piece taken")
    parser.add_argument("--json", action="store_true", help="print JSON, a line for each recording")


def run(options: argparse.Namespace) -> int:
    """The exit code: of the recordings, where some are given, else of the installation."""
    if options.recordings:
        return examine_all(options)
    for name in ("text", "plot", "json"):
        if getattr(options, name):
            raise ValueError(f"--{name} is about a recording: give its file")
    return check_installation(options)


def check_installation(options: argparse.Namespace) -> int:
    checks: dict[str, Callable[[], str]] = {
        "python": lambda: f"{platform.python_version()} on {platform.machine()}",
        "packages": packages, "device": device, "native": native, "espeak": espeak,
        "torchaudio": torchaudio, "weights": lambda: weights(options.model),
        "self test": lambda: self_test(options.model)}
    healthy = True
    for name, check in checks.items():
        try:
            print(f"ok    {name:11}{check()}")
        except Exception as error:  # noqa: BLE001 - a doctor reports every illness and goes on
            healthy = False
            print(f"FAIL  {name:11}{' '.join(str(error).split()) or type(error).__name__}")
        sys.stdout.flush()
    return 0 if healthy else 1


def packages() -> str:
    """Versions of what is installed; ImportError names what is missing."""
    found, missing = [], []
    for package in PACKAGES:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(package)
    if missing:
        raise ImportError(f"missing: {', '.join(missing)}; run `pip install -c constraints.txt .`")
    return ", ".join(found)


def device() -> str:
    import torch

    if torch.cuda.is_available():
        return f"cuda: {torch.cuda.get_device_name()}"
    return f"cpu, {torch.get_num_threads()} threads (torch sees no CUDA device)"


def native() -> str:
    """The AR's step in C is not needed; without it speaking takes longer."""
    from valle.engine.compile import NativeError, cache_folder, private_folder
    from valle.engine.native import library

    try:
        library()
        if private_folder(cache_folder()) is None:
            return (f"compiled anew by every process: {cache_folder()} is not, or not only, yours; "
                    f"chmod -R go-w {cache_folder()}")
        return f"the AR's step is compiled and kept in {cache_folder()}"
    except NativeError as error:
        return f"not usable, the AR runs in torch, some three times slower: {error}"


def espeak() -> str:
    from g2p import espeak_info, phonemize

    info = espeak_info()
    heard = "".join(phonemize("hello"))
    return f"{info['version']} from {info['source']} ({info['library']}), hello ={heard}"


def torchaudio() -> str:
    """torchaudio is not needed; a broken one must not get in the way."""
    from codec.upstream import TORCHAUDIO_ERROR

    if TORCHAUDIO_ERROR is None:
        return "usable (not needed)"
    return f"not usable, guarded: nothing here needs it ({TORCHAUDIO_ERROR[:60]})"


def weights(model: str) -> str:
    from valle.model.checkpoint import model_folder

    folder = model_folder(model)
    files = list(folder.glob("*.safetensors")) if folder.is_dir() else []
    if not files:
        raise FileNotFoundError(f"no weights in {folder}; clone the whole repository, or give "
                                "--model the folder of a model")
    size = sum(f.stat().st_size for f in files) / 2 ** 20
    return f"{folder}: {', '.join(sorted(f.stem for f in files))}, {size:.1f} MiB"


def self_test(model: str) -> str:
    """Speak about two seconds after a synthetic babble: the machinery, not the voice."""
    import numpy as np

    from valle.tts import VALLE

    started = time.monotonic()
    tts = VALLE.from_pretrained(model)
    loaded = time.monotonic()
    rate = tts.model.codec.sample_rate
    seconds = np.arange(2 * rate) / rate
    pitch = 120 * (1 + 0.2 * np.sin(5 * seconds))  # a constant one would be music
    places, phase = np.arange(1, 50)[:, None], 2 * np.pi * pitch.cumsum() / rate
    babble = np.zeros_like(seconds)
    for turn, formants in enumerate(((750, 1200, 2500, 5500), (300, 2300, 3000, 6000))):
        gains = sum(np.exp(-((places * pitch - formant) / 150) ** 2) for formant in formants)
        vowel = (gains * np.sin(places * phase)).sum(axis=0)
        babble += vowel * np.maximum(0, np.sin(2 * np.pi * 2.5 * seconds + np.pi * turn))
    prompt = (0.05 * babble).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a babble does not say "ah" is no news
        audio = tts.speak("This is a test of two seconds.", prompt=(prompt, rate),
                          prompt_text="ah, ah, ah, ah, ah, ah")
    spent = time.monotonic() - loaded
    if not np.isfinite(audio.samples).all() or audio.seconds < 0.2:
        raise ValueError(f"{model} gave {audio.seconds:.2f} s of unusable audio; its files may be "
                         "damaged: fetch them again")
    return (f"{audio.seconds:.1f} s of speech in {spent:.1f} s (RTF {spent / audio.seconds:.2f}), "
            f"loaded in {loaded - started:.1f} s")
