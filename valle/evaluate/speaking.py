"""The items of a protocol spoken by a model, or taken from a folder of any system's audio."""
from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from codec.audio import Samples, load_audio
from valle.data.loading import LONGEST_SECONDS
from valle.evaluate.protocols import SAMPLE_RATE, Item
from valle.evaluate.protocols import Protocol as Items
from valle.model.checkpoint import model_folder
from valle.synthesis.hearing import SCORERS, scorer_folder
from valle.synthesis.options import SamplingOptions
from valle.tts import VALLE, Audio


class System(Protocol):
    """Speaks texts in the voice of a prompt.

    Attributes:
        settings: what decides the result besides item and seed; a change speaks all items again.
    """

    settings: Mapping[str, Any]

    def __call__(self, item: Item, prompt: Samples, seed: int) -> Audio:
        """The text of an item without its prompt. prompt [N] at 24 kHz.

        Raises:
            ValueError: the item cannot be spoken.
        """


@dataclass
class VALLESystem:
    """A voice model as a System."""

    tts: VALLE
    sampling: SamplingOptions
    weights: str = ""
    settings: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.settings = {"weights": self.weights, "codec": self.tts.model.codec.identity,
                         "precision": self.tts.precision, "engine": self.tts.engine,
                         **dataclasses.asdict(self.sampling)}

    def __call__(self, item: Item, prompt: Samples, seed: int) -> Audio:
        voice = self.tts.encode_prompt(prompt, item.prompt_text)
        audio = self.tts.speak(item.text, prompt=voice, seed=seed, sampling=self.sampling,
                               continuation=item.continuation)
        if not item.continuation:
            return audio
        heard = voice.codes.shape[1] * self.tts.model.codec.hop
        return dataclasses.replace(audio, samples=audio.samples[heard:], phones=[])


def weights_of(model: str | Path) -> str:
    """Sixteen hex digits over the weights of a model and of the judges that it asks."""
    digest = hashlib.sha256()
    for folder in (model_folder(model), *map(scorer_folder, SCORERS)):
        for path in sorted(folder.glob("*.safetensors")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def speak_items(protocol: Items, system: System, out: Path, seed: int = 0,
                on_item: Callable[[int], object] | None = None) -> dict[str, str]:
    """Speak each item into out/ID.wav with out/ID.json beside it.

    An item whose files were made with the same text, prompt and settings is passed over. Returns
    why items could not be spoken, by id; the others are spoken.
    """
    problems: dict[str, str] = {}
    for index, item in enumerate(protocol.items):
        settings = json.loads(json.dumps({
            **system.settings, "seed": seed * 1000 + index, "item": dataclasses.asdict(item)}))
        path = out / f"{item.id}.wav"
        if not path.is_file() or read_record(path).get("protocol") != settings:
            path.with_suffix(".json").unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            try:
                audio = system(item, protocol.prompt(item), settings["seed"])
                record = {**audio.settings, "protocol": settings}
                dataclasses.replace(audio, settings=record).save(path)
            except (ValueError, OSError) as error:
                problems[item.id] = " ".join(str(error).split())
        if on_item is not None:
            on_item(1)
    return problems


def read_spoken(folder: Path, item: Item) -> Samples:
    """What a system made of an item [N] at 24 kHz: ID.wav (or .flac, .mp3, .ogg, .opus).

    Raises:
        FileNotFoundError, ValueError: there is no such file, or it holds no audio.
    """
    found = [path for suffix in (".wav", ".flac", ".mp3", ".ogg", ".opus")
             if (path := folder / f"{item.id}{suffix}").is_file()]
    if not found:
        raise FileNotFoundError(f"no {item.id}.wav in {folder}")
    return load_audio(found[0], SAMPLE_RATE, max_seconds=LONGEST_SECONDS)


def read_record(wav: Path) -> dict[str, Any]:
    """The JSON file beside a wav; empty where there is none or a damaged one."""
    try:
        record = json.loads(wav.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
