"""A model folder: ar, nar, codec and aligner, each a JSON and a safetensors file. No pickle.

The AR and the NAR name the vocabulary and the codec they were trained with, and a folder whose
parts do not belong together is refused.
"""
from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from codec import Codec, load_codec
from codec.files import atomic_path
from codec.weights import load_weights, save_weights
from g2p import Vocabulary
from valle.align import Aligner
from valle.ar import AR
from valle.config import ARConfig, NARConfig, from_json, to_json
from valle.nar import NAR


@dataclass(frozen=True)
class Model:
    """Everything that speaks; aligner is None for the plain layout."""

    ar: AR
    nar: NAR
    codec: Codec
    vocabulary: Vocabulary
    aligner: Aligner | None


def save_ar(folder: str | Path, model: AR, vocabulary: Vocabulary, codec: str,
            precision: str = "float16") -> None:
    """Write ar.json and ar.safetensors; codec: the identity of the codec it was trained on."""
    _save(Path(folder), "ar", model, vocabulary, codec, precision)


def save_nar(folder: str | Path, model: NAR, vocabulary: Vocabulary, codec: str,
             precision: str = "float16") -> None:
    """Write nar.json and nar.safetensors."""
    _save(Path(folder), "nar", model, vocabulary, codec, precision)


def load_model(folder: str | Path) -> Model:
    """Read a model folder.

    Raises:
        FileNotFoundError: the folder or one of its files is missing.
        ValueError: a file is damaged, or the parts do not belong together.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"no model folder {folder}; use --model starter, or a folder made "
                                "by `valle pack`")
    ar, vocabulary, codec_of_ar = _load(folder, "ar", AR, ARConfig)
    nar, vocabulary_of_nar, codec_of_nar = _load(folder, "nar", NAR, NARConfig)
    codec = load_codec(folder)
    if vocabulary.to_json() != vocabulary_of_nar.to_json():
        raise ValueError(f"{folder}: the AR and the NAR have different vocabularies; train both on "
                         "the same prepared data")
    for part, trained_on in (("AR", codec_of_ar), ("NAR", codec_of_nar)):
        if trained_on != codec.identity:
            raise ValueError(f"{folder}: the {part} was trained on codec {trained_on}, this folder "
                             f"holds codec {codec.identity}; put the right codec beside it")
    aligner = Aligner.load(folder) if ar.config.layout == "interleaved" else None
    return Model(ar, nar, codec, vocabulary, aligner)


def load_vocabulary(folder: str | Path) -> Vocabulary:
    """The phones of a trained AR or NAR, so that the other part can be trained on the same."""
    for name in ("ar.json", "nar.json"):
        if (Path(folder) / name).is_file():
            record = json.loads((Path(folder) / name).read_text(encoding="utf-8"))
            return Vocabulary.from_json(record["vocabulary"])
    raise FileNotFoundError(f"neither ar.json nor nar.json in {folder}")


def pack(out: str | Path, codec: str | Path, ar: str | Path, nar: str | Path,
         aligner: str | Path | None) -> Model:
    """Join trained parts into a model folder with int8 weights, check it and return it."""
    out = Path(out)
    load_codec(codec).save(out)
    ar_model, vocabulary, identity = _load(Path(ar), "ar", AR, ARConfig)
    save_ar(out, ar_model, vocabulary, identity, "int8")
    nar_model, vocabulary, identity = _load(Path(nar), "nar", NAR, NARConfig)
    save_nar(out, nar_model, vocabulary, identity, "int8")
    if aligner is not None:
        Aligner.load(aligner).save(out)
    return load_model(out)


def _save(folder: Path, name: str, model: Any, vocabulary: Vocabulary, codec: str,
          precision: str) -> None:
    save_weights(folder / f"{name}.safetensors", model.state_dict(), precision)
    record = {"config": to_json(model.config), "codec": codec, "vocabulary": vocabulary.to_json()}
    with atomic_path(folder / f"{name}.json") as path:
        path.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _load(folder: Path, name: str, kind: type[Any], config: type[Any],
          ) -> tuple[Any, Vocabulary, str]:
    """(model in eval mode, vocabulary, codec identity) of one part."""
    path = folder / f"{name}.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: {folder} is not a whole model folder; "
                                "use --model starter, or a folder made by `valle pack`")
    tensors = load_weights(folder / f"{name}.safetensors")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        model: nn.Module = kind(from_json(config, record["config"]))
        model.load_state_dict(tensors)
        vocabulary = Vocabulary.from_json(record["vocabulary"])
        return model.eval().requires_grad_(False), vocabulary, record["codec"]
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        cause = str(error).splitlines()[0]
        raise ValueError(f"{folder} holds a damaged or foreign {name} model: {cause}") from error
