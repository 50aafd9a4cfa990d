"""A voice that is kept: one safetensors file with the encoded prompt and its owner's consent.

Nothing in it is code, and the recording is not in it: the codes say no more than the codec keeps.
"""
from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from codec import Codec
from codec.files import atomic_path
from codec.ltas import BANDS, LTAS
from codec.record import from_record
from valle.synthesis.piece import Piece
from valle.synthesis.quality import Quality
from valle.synthesis.voice import Prompt

FORMAT = 2  # 1 knows no pieces and no quality
HEADER = "valle_voice"
NO_CONSENT = "a voice needs the consent of its owner: say in words who agreed to what"
LARGEST = 1 << 22  # bytes: hours of codes
SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Voice:
    """A prompt that has a name.

    Attributes:
        codec: identity of the codec whose codes it holds.
        consent: what the owner of the voice agreed to, in words.
        created: when, in UTC.
        quality: of each recording that it was made of; empty where nobody looked.
    """

    name: str
    prompt: Prompt
    codec: str
    language: str
    consent: str
    created: str
    quality: tuple[Quality, ...] = ()

    @classmethod
    def of(cls, name: str, prompt: Prompt, codec: str, language: str, consent: str,
           quality: tuple[Quality, ...] = ()) -> Voice:
        """A voice made now; ValueError without consent."""
        if not consent.strip():
            raise ValueError(NO_CONSENT)
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        return cls(name, prompt, codec, language, consent, now, quality)

    def check(self, codec: Codec) -> None:
        """ValueError where a model with this codec cannot speak in it."""
        if self.codec != codec.identity:
            raise ValueError(f"the voice {self.name} was made with codec {self.codec}, the model "
                             f"has {codec.identity}: make it again from its recording")
        codes = self.prompt.codes
        if int(codes.max()) >= codec.codebook_size or len(codes) != codec.n_codebooks:
            raise ValueError(f"the voice {self.name} is damaged: make it again")

    def save(self, path: Path) -> None:
        """Write it, whole or not at all; OSError where the place cannot be written."""
        prompt = self.prompt
        tensors = {"codes": prompt.codes.cpu().int().contiguous(),
                   "ltas": prompt.ltas.bands.cpu().float().contiguous()}
        if prompt.durations is not None:
            tensors["durations"] = torch.tensor(prompt.durations, dtype=torch.int32)
        record = Record(FORMAT, self.name, self.codec, self.language, self.consent,
                        sha256(self.consent), self.created, prompt.text, tuple(prompt.phones),
                        prompt.ltas.seconds, prompt.sha256, prompt.warnings, prompt.heard_by,
                        prompt.piece, self.quality)
        with atomic_path(path) as temporary:
            save_file(tensors, temporary, {HEADER: json.dumps(asdict(record), ensure_ascii=False)})

    @classmethod
    def load(cls, path: Path) -> Voice:
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: no such file.
            ValueError: it is something else, damaged, or of a later format.
        """
        if not path.is_file():
            raise FileNotFoundError(f"no voice at {path}")
        try:
            if path.stat().st_size > LARGEST:
                raise ValueError("it is far too large")
            with safe_open(path, "pt") as file:
                record = _record(json.loads(file.metadata()[HEADER]))
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return _built(record, tensors, str(path.resolve()))
        except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"{path} is no voice, or is damaged ({str(error)[:80]}): make it "
                             "again") from error


@dataclass(frozen=True)
class Record:
    """The header of a voice's file."""

    format: int
    name: str
    codec: str
    language: str
    consent: str
    consent_sha256: str
    created: str
    text: str
    phones: tuple[str, ...]
    ltas_seconds: float
    sha256: str
    warnings: tuple[str, ...] = ()
    heard_by: str = ""
    piece: Piece | None = None
    quality: tuple[Quality, ...] = ()


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _record(values: Any) -> Record:
    """The header; ValueError where it is damaged or of a later format."""
    if isinstance(values, dict) and type(values.get("format")) is int and values["format"] > FORMAT:
        raise ValueError(f"format {values['format']}, this valle reads {FORMAT}: update valle")
    return from_record(Record, values)


def _built(record: Record, tensors: dict[str, torch.Tensor], source: str) -> Voice:
    """The voice of a header and its tensors; ValueError when they do not belong together."""
    if sha256(record.consent) != record.consent_sha256:
        raise ValueError("its consent was changed")
    codes, bands = tensors["codes"].long(), tensors["ltas"].float()
    durations = tensors["durations"].tolist() if "durations" in tensors else None
    if codes.dim() != 2 or not codes.numel() or int(codes.min()) < 0:
        raise ValueError(f"codes of shape {list(codes.shape)}")
    if bands.shape != (BANDS,) or not bool(bands.isfinite().all()):
        raise ValueError("its spectrum is damaged")
    if durations is not None and (len(durations) != len(record.phones) or min(durations) < 0
                                  or sum(durations) != codes.shape[1]):
        raise ValueError("its timings are damaged")
    prompt = Prompt(codes, list(record.phones), durations, LTAS(bands, record.ltas_seconds),
                    record.text, source, record.sha256, record.warnings, record.heard_by,
                    record.piece)
    return Voice(record.name, prompt, record.codec, record.language, record.consent,
                 record.created, record.quality)
