"""What the tests share: a synthetic corpus, tiny models, and a whole model folder. No downloads.

Speech is a stack of harmonics whose spectrum depends on the phone alone, so that timings are known
exactly and small models can learn something. Phones are espeak's own.
"""
from __future__ import annotations

import importlib.util
import os
import resource
import signal
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray

if TYPE_CHECKING:
    from g2p import Vocabulary
    from valle.model.aligner import Aligner

os.environ.setdefault("OMP_NUM_THREADS", "1")  # also for the processes that tests start
torch.set_num_threads(1)
# A job in the background ignores the first, one of nohup the second.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

RATE = 24_000
PROMPT_TEXT = "The quick fox ran over the lazy dog."
SENTENCES = ("A small boat.", "The sea was calm.", "We went home, slowly.", "Come in!",
             "Is it late?", "My old house.")
TINY_PHONES = 20
TINY_CODES = 64


def vowel(phones: Iterable[str], pitch: float = 120.0) -> tuple[NDArray[np.float32], list[float]]:
    """Samples [N] at 24 kHz and the end of each phone in seconds; boundaries are silent."""
    pieces: list[NDArray[np.float64]] = []
    ends: list[float] = []
    total = 0
    for phone in phones:
        seed = zlib.crc32(phone.strip("ˈˌː").encode())
        silent = phone in (" ", ",", ".", "?", "!", ";", ":")
        size = round((0.03 if silent else 0.08 + 0.01 * (seed % 4)) * RATE)
        time = (total + np.arange(size)) / RATE
        formants = np.random.default_rng(seed).uniform((250, 900, 2200, 4600),
                                                       (800, 2100, 3600, 5400))
        harmonics = pitch * np.arange(1, 50)
        gains = sum(np.exp(-((harmonics - f) / 150) ** 2) for f in formants)
        wave = (np.sin(2 * np.pi * harmonics[:, None] * time) * gains[:, None]).sum(0)
        pieces.append(wave * (0.0 if silent else 0.1))
        total += size
        ends.append(total / RATE)
    samples = np.concatenate(pieces)
    return (samples + np.random.default_rng(0).normal(0, 1e-4, total)).astype(np.float32), ends


def tiny_ar(layout: str, seed: int = 0, leaning: float = 0.0, sharpness: float = 6.0,
            group: int = 1):
    """A random AR with decided opinions, in eval mode.

    leaning: how many nats a move on (next phone, <eos>) is likelier than by chance.
    """
    from valle.model.ar import AR
    from valle.model.config import ARConfig, size

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = AR(ARConfig(TINY_PHONES, codebook_size=TINY_CODES, layout=layout,
                            transformer=size("tiny"), group=group))
    lean(model, leaning, sharpness)
    return model.eval().requires_grad_(False)


@torch.no_grad()
def lean(model: torch.nn.Module, nats: float, sharpness: float = 1.0) -> None:
    """Scale the weights and make all phones and <eos> likelier than codes by about `nats`.

    Every embedding gets a part along one common direction, which the last norm makes the largest.
    """
    for parameter in model.parameters():
        if parameter.dim() > 1:
            parameter.mul_(sharpness)
    if nats:
        weight, width = model.embed_tokens.weight, model.config.transformer.d_model
        weight[:, 0] = 4.0
        weight[: model.ids.first_code, 0] += nats / width ** 0.5


def mu_law(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Eight bits a sample, as G.711 has them."""
    packed = np.sign(samples) * np.log1p(255 * np.abs(samples)) / np.log(256)
    packed = np.round(packed * 127) / 127
    return np.sign(packed) * (256 ** np.abs(packed) - 1) / 255


def telephone(samples: NDArray[np.float32], companded: bool) -> NDArray[np.float32]:
    """Samples [N] at 24 kHz as they come out of a telephone: 8 kHz, perhaps in eight bits."""
    import soxr

    narrow = soxr.resample(samples, RATE, 8_000)
    return soxr.resample(mu_law(narrow) if companded else narrow, 8_000, RATE).astype("f4")


@dataclass(frozen=True)
class Corpus:
    """A plain-folder corpus of two speakers, and one held out."""

    root: Path
    codec: Path
    prepared: Path


@contextmanager
def file_limit(size: int) -> Iterator[None]:
    """No file may grow beyond size bytes: a write stops in the middle, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def write_corpus(root: Path) -> None:
    """SPEAKER/NAME.wav with .txt and the exact .phones."""
    from g2p import phonemize

    for speaker, pitch in (("anna", 180.0), ("ben", 110.0), ("held", 140.0)):
        (root / speaker).mkdir(parents=True)
        for i, text in enumerate((PROMPT_TEXT, SENTENCES[0]) if speaker == "held" else SENTENCES):
            phones = phonemize(text)
            samples, ends = vowel(phones, pitch)
            soundfile.write(root / speaker / f"{i}.wav", samples, RATE)
            (root / speaker / f"{i}.txt").write_text(text)
            lines = [f"{phone}\t{end:.4f}\n" for phone, end in zip(phones, ends, strict=True)]
            (root / speaker / f"{i}.phones").write_text("".join(lines), encoding="utf-8")


@torch.no_grad()
def noise_codec(seed: int = 0, small: bool = False, **numbers: int):
    """A SpectralCodec with random weights and codebooks of seeded noise of falling size."""
    from codec.spectral import SpectralCodec, SpectralConfig

    config = SpectralConfig(encoder_width=16, encoder_blocks=1, decoder_width=16, decoder_blocks=1,
                            latent=16, n_codebooks=3, **numbers) if small else None
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        codec = SpectralCodec(config)
        for level, layer in enumerate(codec.quantizer.vq.layers):
            layer._codebook.embed.normal_(0, 0.5 * 0.7 ** level)
            layer._codebook.inited.fill_(1.0)
    return codec.eval()


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Audio, text, exact timings; prepared with a small codec of three books."""
    from valle.data.preparation import Preparation
    from valle.data.prepare import prepare

    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder / "plain")
    noise_codec(small=True).save(folder / "codec")
    prepare(folder / "plain", folder / "prepared",
            Preparation(codec=folder / "codec", workers=0))
    return Corpus(folder / "plain", folder / "codec", folder / "prepared")


def taught_aligner(vocabulary: Vocabulary) -> Aligner:
    """An aligner that has learned PROMPT_TEXT in one voice, by the voice's exact timings."""
    from codec.mel import log_mel
    from g2p import phonemize
    from valle.model.aligner import Aligner, AlignerConfig

    phones = phonemize(PROMPT_TEXT)
    torch.manual_seed(0)
    model = Aligner(AlignerConfig(len(vocabulary), width=32, blocks=1), vocabulary)
    samples, ends = vowel(phones, 120.0)
    edges = np.round(np.array(ends) * 75).astype(int)
    truth = torch.from_numpy(np.repeat(model.labels(phones), np.diff(edges, prepend=0)))[None]
    mel = log_mel(torch.from_numpy(samples)[None])[..., : truth.shape[1]]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(60):
        loss = model.loss(mel, torch.tensor([mel.shape[2]]), truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def build_parts(folder: Path) -> None:
    """Random codec, aligner, AR (both layouts) and NAR, as training leaves them, below folder."""
    from codec import load_codec
    from g2p import Vocabulary, phonemize
    from valle.model.ar import AR
    from valle.model.checkpoint import save_ar, save_nar
    from valle.model.config import ARConfig, NARConfig, size
    from valle.model.nar import NAR

    noise_codec().save(folder / "codec")
    identity = load_codec(folder / "codec").identity
    vocabulary = Vocabulary.build(phonemize(t) for t in (
        *SENTENCES, PROMPT_TEXT, "Good judges enjoy hot chips; they thank vague young wizards."))
    with torch.random.fork_rng():
        torch.manual_seed(1)
        taught_aligner(vocabulary).save(folder / "aligner")
        for layout in ("interleaved", "plain"):
            ar = AR(ARConfig(len(vocabulary), layout=layout, transformer=size("tiny")))
            lean(ar, 6.0, sharpness=4.0)
            save_ar(folder / layout, ar, vocabulary, identity)
            aligned = layout == "interleaved"
            nar = NAR(NARConfig(len(vocabulary), aligned=aligned, transformer=size("tiny")))
            save_nar(folder / f"nar-{layout}", nar, vocabulary, identity)


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders codec, aligner, interleaved, plain, nar-interleaved and nar-plain."""
    folder = tmp_path_factory.mktemp("parts")
    build_parts(folder)
    return folder


@pytest.fixture(scope="session")
def model_folder(parts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole, random, interleaved model as `valle pack` makes it."""
    from valle.model.checkpoint import pack

    out = tmp_path_factory.mktemp("model")
    pack(out, parts / "codec", parts / "interleaved", parts / "nar-interleaved", parts / "aligner")
    return out


@pytest.fixture(scope="session")
def plain_folder(parts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in the plain layout; it needs no aligner."""
    from valle.model.checkpoint import pack

    out = tmp_path_factory.mktemp("plain")
    pack(out, parts / "codec", parts / "plain", parts / "nar-plain", None)
    return out


@pytest.fixture(scope="session")
def prompt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About three seconds of PROMPT_TEXT as a WAV file."""
    from g2p import phonemize

    path = tmp_path_factory.mktemp("prompt") / "prompt.wav"
    soundfile.write(path, vowel(phonemize(PROMPT_TEXT))[0], RATE)
    return path


@pytest.fixture(scope="session")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of the three example voices, cut into clips (voices.py)."""
    from voices import write_voices

    root = tmp_path_factory.mktemp("corpora") / "voices"
    write_voices(root)
    return root


@pytest.fixture
def no_tensorboard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without TensorBoard, as in a core install; importing it takes seconds."""
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)


EXAMPLE = Path(__file__).parents[1] / "examples" / "alto.wav"
SAID = EXAMPLE.with_suffix(".txt").read_text().strip()


def needs(*packages: str) -> pytest.MarkDecorator:
    """Skips a test where one of the packages is missing."""
    missing = [p for p in packages if importlib.util.find_spec(p) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {missing}")


@pytest.fixture(scope="session")
def said() -> tuple[np.ndarray, int]:
    """SAID by the voice of an example, [N] at 16 kHz, and the rate."""
    from codec.audio import load_audio

    return load_audio(EXAMPLE, 16_000), 16_000
