"""A model folder: model.json, and the weights of ar, nar, codec and aligner. No pickle.

The AR and the NAR name the vocabulary and the codec they were trained with, and a folder whose
parts do not belong together is refused.
"""
from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

import torch

from codec import Codec, load_codec
from codec.base import ENCODEC
from codec.parts import load_part, network, save_part
from codec.record import from_record, part_of, read_record, write_part, write_record
from codec.spectral import SpectralCodec
from g2p import Vocabulary
from valle.model.aligner import Aligner
from valle.model.ar import AR
from valle.model.config import ARConfig, NARConfig, to_json
from valle.model.nar import NAR

ABOUT = ("name", "licence", "data", "sampling")  # of model.json: what is said of the whole model


@dataclass(frozen=True)
class Model:
    """Everything that speaks.

    Attributes:
        aligner: None for the plain layout.
        sampling: how it speaks best: values of SamplingOptions; the others have their defaults.
        digest: sixteen hex digits over the files of weights.
    """

    ar: AR
    nar: NAR
    codec: Codec
    vocabulary: Vocabulary
    aligner: Aligner | None
    sampling: dict[str, Any] = field(default_factory=dict)
    digest: str = ""


def save_ar(folder: str | Path, model: AR, vocabulary: Vocabulary, codec: str,
            precision: str = "float16") -> None:
    """Write the AR's part of model.json and ar.safetensors.

    codec: the identity of the codec it was trained on.
    """
    _save(Path(folder), "ar", model, vocabulary, codec, precision)


def save_nar(folder: str | Path, model: NAR, vocabulary: Vocabulary, codec: str,
             precision: str = "float16") -> None:
    """Write the NAR's part of model.json and nar.safetensors."""
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
    return replace(_join(folder, folder, folder, folder), digest=weights_digest(folder))


def weights_digest(folder: Path) -> str:
    """Sixteen hex digits over the safetensors files of a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def shipped(package: str, folder: str) -> Path:
    """Weights that come with valle: a package inside it, or in the repository below weights/."""
    installed = Path(str(resources.files("valle"))) / package
    return installed if installed.is_dir() else Path(__file__).parents[2] / "weights" / folder


def model_folder(name: str | Path) -> Path:
    """Folder of a model: "starter", the voice in this repository, or a path."""
    return shipped("starter_weights", "starter") if str(name) == "starter" else Path(name)


def load_ar(folder: str | Path) -> tuple[AR, Vocabulary, str]:
    """(the AR of a folder in eval mode, its vocabulary, the identity of its codec).

    Raises:
        FileNotFoundError, ValueError: as `load_model`.
    """
    return _load(Path(folder), "ar", AR, ARConfig)


def load_nar(folder: str | Path) -> tuple[NAR, Vocabulary, str]:
    """(the NAR of a folder in eval mode, its vocabulary, the identity of its codec).

    Raises:
        FileNotFoundError, ValueError: as `load_model`.
    """
    return _load(Path(folder), "nar", NAR, NARConfig)


def load_vocabulary(folder: str | Path) -> Vocabulary:
    """The phones of a trained AR or NAR, so that the other part can be trained on the same."""
    try:
        record = read_record(folder)
    except FileNotFoundError:
        record = {}
    for name in ("ar", "nar"):
        if name in record:
            try:
                return Vocabulary.from_json(part_of(record, name)["vocabulary"])
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{folder} holds no vocabulary: {error}; copy it again") from error
    raise FileNotFoundError(f"neither an AR nor a NAR in {folder}")


def pack(out: str | Path, codec: str | Path, ar: str | Path, nar: str | Path,
         aligner: str | Path | None) -> Model:
    """Join trained parts into a model folder with int8 weights, and read it again.

    A part may be "starter", that of the voice in this repository. EnCodec goes in by name: its
    published weights are found, or fetched once, by whoever loads it.

    Raises:
        FileNotFoundError, ValueError: as `load_model`; nothing is written then.
    """
    out, model = Path(out), _join(model_folder(codec), model_folder(ar), model_folder(nar),
                                  aligner and model_folder(aligner))
    if isinstance(model.codec, SpectralCodec):
        model.codec.save(out)
    else:
        write_part(out, "codec", ENCODEC)
    save_ar(out, model.ar, model.vocabulary, model.codec.identity, "int8")
    save_nar(out, model.nar, model.vocabulary, model.codec.identity, "int8")
    if model.aligner is not None:
        model.aligner.save(out)
    write_record(out, {**read_record(out), **_about(ar)})
    return load_model(out)


def _about(folder: str | Path) -> dict[str, Any]:
    """What a record says of the whole model: its name, its licence, how it speaks best."""
    record = read_record(folder)
    return {key: record[key] for key in ABOUT if key in record}


def _join(codec_folder: str | Path, ar_folder: Path, nar_folder: Path,
          aligner_folder: str | Path | None) -> Model:
    """Load the parts, and refuse those that do not belong together."""
    ar, vocabulary, codec_of_ar = load_ar(ar_folder)
    nar, vocabulary_of_nar, codec_of_nar = load_nar(nar_folder)
    codec = load_codec(codec_folder)
    if vocabulary.to_json() != vocabulary_of_nar.to_json():
        raise ValueError(f"{ar_folder}, {nar_folder}: the AR and the NAR have different "
                         "vocabularies; train both on the same prepared data")
    for folder, trained_on in ((ar_folder, codec_of_ar), (nar_folder, codec_of_nar)):
        if trained_on != codec.identity:
            raise ValueError(f"{folder} holds a model of codec {trained_on}, {codec_folder} holds "
                             f"codec {codec.identity}; put the right codec beside it")
    if codec.phones and list(codec.phones) != vocabulary.phones:
        raise ValueError(f"{codec_folder}: this codec's decoder knows other phones than "
                         f"{ar_folder}; train it with --vocabulary of that model")
    sampling = _about(ar_folder).get("sampling", {})
    if not isinstance(sampling, dict):
        raise ValueError(f"{ar_folder}: sampling is a {type(sampling).__name__}, no object")
    if ar.config.layout == "plain":
        if nar.config.aligned:
            raise ValueError(f"{nar_folder}: this NAR needs the timings of an interleaved AR; "
                             "train it with --layout plain")
        return Model(ar, nar, codec, vocabulary, None, sampling)
    if aligner_folder is None:
        raise ValueError(f"{ar_folder}: the interleaved layout needs --aligner")
    aligner = Aligner.load(aligner_folder)
    aligner.check_spec(codec.spec)
    return Model(ar, nar, codec, vocabulary, aligner, sampling)


def _save(folder: Path, name: str, model: Any, vocabulary: Vocabulary, codec: str,
          precision: str) -> None:
    record = {"config": to_json(model.config), "trained_on": codec,
              "vocabulary": vocabulary.to_json()}
    save_part(folder, name, record, model.state_dict(), precision)


def _load(folder: Path, name: str, kind: type[Any], config: type[Any],
          ) -> tuple[Any, Vocabulary, str]:
    """(model in eval mode, vocabulary, codec identity) of one part."""
    def build(record: dict[str, Any], tensors: dict[str, torch.Tensor],
              ) -> tuple[Any, Vocabulary, str]:
        shape, vocabulary = from_record(config, record["config"]), Vocabulary.from_json(
            record["vocabulary"])
        if len(vocabulary) != shape.phones:
            raise ValueError(f"{len(vocabulary)} phones for a model of {shape.phones}")
        return network(lambda: kind(shape), tensors), vocabulary, str(record["trained_on"])

    return load_part(folder, name, build, "it is not a whole model folder; use --model starter, "
                                          "or a folder made by `valle pack`")
