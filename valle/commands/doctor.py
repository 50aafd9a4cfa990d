"""Check the installation: versions, espeak, torchaudio, weights, and a self test of two seconds.

Exit code 0 when everything needed to speak works; every other line says what to do.
"""
from __future__ import annotations

import argparse
import importlib.metadata
import platform
import sys
import time
import warnings
from collections.abc import Callable

PACKAGES = ("torch", "numpy", "soundfile", "soxr", "einops", "phonemizer", "espeakng-loader",
            "encodec", "safetensors", "num2words", "tqdm")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default="starter", help="starter, or a model folder to check")


def run(options: argparse.Namespace) -> int:
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
