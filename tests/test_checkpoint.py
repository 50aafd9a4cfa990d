"""Model folders: what is packed comes back; what is damaged or foreign is refused in one line."""
from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import file_limit, noise_codec
from safetensors.torch import save_file

from codec.weights import load_weights
from valle.cli import run
from valle.model.checkpoint import load_model, load_vocabulary, pack


class Bomb:
    """Pickled, it makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    record = json.loads(path.read_text(encoding="utf-8"))
    change(record)
    path.write_text(json.dumps(record), encoding="utf-8")


def cut(path: Path, share: float) -> None:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


@pytest.fixture
def copy(model_folder: Path, tmp_path: Path) -> Path:
    """The model folder, to be spoiled."""
    return Path(shutil.copytree(model_folder, tmp_path / "model"))


def test_what_is_packed_comes_back(parts: Path, tmp_path: Path) -> None:
    made = pack(tmp_path / "m", parts / "codec", parts / "interleaved",
                parts / "nar-interleaved", parts / "aligner")
    read = load_model(tmp_path / "m")
    assert sorted(contents(tmp_path / "m")) == sorted(
        f"{part}.{kind}" for part in ("aligner", "ar", "codec", "nar")
        for kind in ("json", "safetensors"))
    assert read.codec.identity == made.codec.identity
    assert read.vocabulary.phones == load_vocabulary(parts / "interleaved").phones
    for part in ("ar", "nar"):
        a, b = getattr(made, part), getattr(read, part)
        assert a.config == b.config and not a.training
        assert all(torch.equal(v, b.state_dict()[k]) for k, v in a.state_dict().items())
        full = load_weights(parts / ("interleaved" if part == "ar" else "nar-interleaved")
                            / f"{part}.safetensors")
        for name, weight in full.items():
            step = weight.abs().flatten(1).amax(1).max() / 127 if weight.dim() > 1 else 1e-3
            assert (b.state_dict()[name] - weight).abs().max() <= 0.51 * step + 1e-3


def test_packing_again_changes_no_byte(model_folder: Path, tmp_path: Path) -> None:
    pack(tmp_path / "again", *[model_folder] * 4)
    assert contents(tmp_path / "again") == contents(model_folder)


def test_int8_is_small(parts: Path, model_folder: Path) -> None:
    half = (parts / "nar-interleaved" / "nar.safetensors").stat().st_size
    assert (model_folder / "nar.safetensors").stat().st_size < 0.62 * half


def test_pack_by_command(parts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = [str(tmp_path / "m"), f"--codec={parts / 'codec'}", f"--ar={parts / 'plain'}",
             f"--nar={parts / 'nar-plain'}"]
    assert run("pack", given, "valle pack") == 0
    assert "MiB" in capsys.readouterr().out
    assert load_model(tmp_path / "m").aligner is None


@pytest.mark.parametrize("change, advice", [
    ({"aligner": None}, "needs --aligner"), ({"aligner": "codec"}, "no aligner.json"),
    ({"ar": "plain"}, "train it with --layout plain"), ({"nar": "codec"}, "no nar.json"),
    ({"codec": "aligner"}, "no codec in"), ({"codec": "other"}, "put the right codec")])
def test_pack_writes_nothing_when_parts_do_not_fit(parts: Path, tmp_path: Path,
                                                   change: dict[str, str | None],
                                                   advice: str) -> None:
    if not (parts / "other").is_dir():
        noise_codec(seed=5).save(parts / "other")
    names = {"codec": "codec", "ar": "interleaved", "nar": "nar-interleaved",
             "aligner": "aligner"} | change
    given = {k: None if v is None else parts / v for k, v in names.items()}
    with pytest.raises((ValueError, FileNotFoundError), match=advice):
        pack(tmp_path / "m", **given)  # type: ignore[arg-type]
    assert not (tmp_path / "m").exists()


def test_pack_onto_a_full_disk_leaves_no_half_file(model_folder: Path, tmp_path: Path,
                                                   capsys: pytest.CaptureFixture[str]) -> None:
    given = [str(tmp_path / "m"), *(f"--{part}={model_folder}"
                                    for part in ("codec", "ar", "nar", "aligner"))]
    with file_limit(4096):
        assert run("pack", given, "valle pack") == 1
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1 and "codec.safetensors" in printed
    assert list((tmp_path / "m").iterdir()) == []


def spoil_json(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text) and None


SPOILED: dict[str, tuple[Callable[[Path], object], str]] = {
    "half an ar": (lambda f: cut(f / "ar.safetensors", 0.5), "copy it again"),
    "half a nar": (lambda f: cut(f / "nar.safetensors", 0.99), "copy it again"),
    "half a codec": (lambda f: cut(f / "codec.safetensors", 0.3), "copy it again"),
    "half an aligner": (lambda f: cut(f / "aligner.safetensors", 0.3), "copy it again"),
    "an empty ar": (lambda f: cut(f / "ar.safetensors", 0), "copy it again"),
    "half a json": (lambda f: cut(f / "ar.json", 0.5), "foreign ar"),
    "half a nar json": (lambda f: cut(f / "nar.json", 0.5), "foreign nar"),
    "half an aligner json": (lambda f: cut(f / "aligner.json", 0.5), "foreign aligner"),
    "half a codec json": (lambda f: cut(f / "codec.json", 0.5), "foreign codec"),
    "a list": (spoil_json("ar.json", "[1, 2]"), "foreign ar"),
    "binary json": (lambda f: (f / "nar.json").write_bytes(bytes(range(256))), "foreign nar"),
    "no codec named": (lambda f: edit(f / "ar.json", lambda r: r.pop("codec")), "foreign ar"),
    "another size": (lambda f: edit(f / "ar.json", lambda r: r["config"]["transformer"].update(
        d_model=64)), "foreign ar"),
    "an option of tomorrow": (lambda f: edit(f / "nar.json", lambda r: r["config"].update(x=1)),
                              "foreign nar"),
    "phones lost": (lambda f: edit(f / "ar.json", lambda r: r["vocabulary"]["phones"].pop()),
                    "phones for a model of"),
    "phones of the aligner lost": (
        lambda f: edit(f / "aligner.json", lambda r: r["vocabulary"]["phones"].pop()),
        "foreign aligner"),
    "foreign weights": (lambda f: save_file({"a": torch.ones(3)}, f / "ar.safetensors"),
                        "foreign ar"),
    "the nar's weights": (lambda f: shutil.copy(f / "nar.safetensors", f / "ar.safetensors"),
                          "foreign ar"),
    "another codec": (lambda f: noise_codec(seed=6).save(f), "put the right codec"),
    "no ar": (lambda f: (f / "ar.safetensors").unlink(), "ar.safetensors is missing"),
    "no nar": (lambda f: (f / "nar.json").unlink(), "no nar.json"),
    "no codec": (lambda f: (f / "codec.json").unlink(), "no codec"),
    "no aligner": (lambda f: (f / "aligner.json").unlink(), "valle train aligner"),
    "no folder": (shutil.rmtree, "--model starter"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_spoiled_models_are_refused_in_one_line(name: str, copy: Path) -> None:
    spoil, advice = SPOILED[name]
    spoil(copy)
    with pytest.raises((ValueError, FileNotFoundError)) as refused:
        load_model(copy)
    text = str(refused.value)
    assert advice in text and str(copy) in text
    assert "\n" not in text and len(text) < 600


def test_vocabularies_must_agree(copy: Path) -> None:
    def swap(record: dict[str, Any]) -> None:
        phones = record["vocabulary"]["phones"]
        phones[-1], phones[-2] = phones[-2], phones[-1]

    edit(copy / "nar.json", swap)
    with pytest.raises(ValueError, match="different vocabularies; train both on the same"):
        load_model(copy)


@pytest.mark.parametrize("part", ["ar", "nar", "codec", "aligner"])
@pytest.mark.parametrize("how", ["torch", "torch, old", "pickle"])
def test_a_pickle_is_refused_and_never_opened(part: str, how: str, copy: Path,
                                              tmp_path: Path) -> None:
    target, path = tmp_path / "harm", copy / f"{part}.safetensors"
    if how == "pickle":
        path.write_bytes(pickle.dumps(Bomb(target)))
    else:
        torch.save(Bomb(target), path, _use_new_zipfile_serialization=how == "torch")
    with pytest.raises(ValueError, match="not a safetensors file"):
        load_model(copy)
    assert not target.exists()


def test_the_bomb_is_live(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Bomb(tmp_path / "harm")))  # so the test above can fail
    assert (tmp_path / "harm").is_dir()


def test_load_vocabulary(model_folder: Path, copy: Path, tmp_path: Path) -> None:
    assert load_vocabulary(model_folder).phones == load_model(model_folder).vocabulary.phones
    with pytest.raises(FileNotFoundError, match=r"neither ar.json nor nar.json"):
        load_vocabulary(tmp_path)
    for text in ("{}", "[]", '{"vocabulary": {"phones": ["a"]}}', '{"vocab'):
        (copy / "ar.json").write_text(text)
        with pytest.raises(ValueError, match=r"ar.json holds no vocabulary.*copy it again"):
            load_vocabulary(copy)
