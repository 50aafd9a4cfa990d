"""Model folders: what is packed comes back; what is damaged or foreign is refused in one line."""
from __future__ import annotations

import json
import os
import pickle
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import file_limit, noise_codec
from safetensors.torch import load_file, save_file

from codec.spectral import SpectralCodec
from codec.weights import load_weights
from valle.cli import run
from valle.model.aligner import Aligner
from valle.model.checkpoint import load_ar, load_model, load_nar, load_vocabulary, pack


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
        ["model.json", *(f"{part}.safetensors" for part in ("aligner", "ar", "codec", "nar"))])
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
    ({"aligner": None}, "needs --aligner"), ({"aligner": "codec"}, "no aligner in"),
    ({"ar": "plain"}, "train it with --layout plain"), ({"nar": "codec"}, "no nar in"),
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


def change(what: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    return lambda folder: edit(folder / "model.json", what)


def fill(path: Path, value: float) -> None:
    tensors = load_file(path)
    name = next(name for name, tensor in tensors.items() if tensor.dtype == torch.float16)
    tensors[name].flatten()[0] = value
    save_file(tensors, path)


SPOILED: dict[str, tuple[Callable[[Path], object], str]] = {
    "half an ar": (lambda f: cut(f / "ar.safetensors", 0.5), "copy it again"),
    "half a nar": (lambda f: cut(f / "nar.safetensors", 0.99), "copy it again"),
    "half a codec": (lambda f: cut(f / "codec.safetensors", 0.3), "copy it again"),
    "half an aligner": (lambda f: cut(f / "aligner.safetensors", 0.3), "copy it again"),
    "an empty ar": (lambda f: cut(f / "ar.safetensors", 0), "copy it again"),
    "half a json": (lambda f: cut(f / "model.json", 0.5), "copy it again"),
    "no codec named": (change(lambda r: r.pop("trained_on")), "foreign ar"),
    "another size": (change(lambda r: r["ar"]["config"]["transformer"].update(d_model=64)),
                     "has the shape"),
    "an option of tomorrow": (change(lambda r: r["nar"]["config"].update(x=1)), "what is x?"),
    "phones lost": (change(lambda r: r["vocabulary"]["phones"].pop()), "phones for a model of"),
    "foreign weights": (lambda f: save_file({"a": torch.ones(3)}, f / "ar.safetensors"),
                        "foreign ar"),
    "the nar's weights": (lambda f: shutil.copy(f / "nar.safetensors", f / "ar.safetensors"),
                          "foreign ar"),
    "another codec": (lambda f: noise_codec(seed=6).save(f), "put the right codec"),
    "no ar": (lambda f: (f / "ar.safetensors").unlink(), "ar.safetensors is missing"),
    "no nar": (change(lambda r: r.pop("nar")), "no nar in"),
    "no codec": (change(lambda r: r.pop("codec")), "no codec in"),
    "no aligner": (change(lambda r: r.pop("aligner")), "valle train aligner"),
    "no record": (lambda f: (f / "model.json").unlink(), "no ar in"),
    "NaN weights": (lambda f: fill(f / "nar.safetensors", torch.nan), "holds NaN or infinity"),
    "infinite weights": (lambda f: fill(f / "codec.safetensors", torch.inf), "NaN or infinity"),
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
        phones = list(record["vocabulary"]["phones"])
        phones[-1], phones[-2] = phones[-2], phones[-1]
        record["nar"]["vocabulary"] = {"phones": phones}

    edit(copy / "model.json", swap)
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
    with pytest.raises(FileNotFoundError, match="neither an AR nor a NAR"):
        load_vocabulary(tmp_path)
    for value in ({}, [], {"phones": ["a"]}, {"phones": "<unk>"}, {"phones": ["<unk>", 1]}, None):
        edit(copy / "model.json", lambda record, value=value: record.update(vocabulary=value))
        with pytest.raises(ValueError, match="holds no vocabulary.*copy it again"):
            load_vocabulary(copy)


# --- every value ---------------------------------------------------------------------------------

WRONG = ("6", None, [1], {}, -1, 10 ** 30, 10 ** 400)


def values(record: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Every number, text and list below ar, nar, codec and aligner: (what holds it, its name)."""
    found = []
    for name, value in record.items():
        found += values(value) if isinstance(value, dict) else [(record, name)]
    return found


LOADERS: dict[str, Callable[[Path], object]] = {
    "codec": SpectralCodec.load, "ar": load_ar, "nar": load_nar, "aligner": Aligner.load}


@pytest.mark.parametrize("part", LOADERS)
def test_every_value_of_a_record_is_checked(part: str, copy: Path) -> None:
    whole = json.loads((copy / "model.json").read_text(encoding="utf-8"))
    for index in range(len(values(whole[part]))):
        for wrong in WRONG:
            record = json.loads(json.dumps(whole))
            holder, name = values(record[part])[index]
            holder[name] = wrong
            (copy / "model.json").write_text(json.dumps(record), encoding="utf-8")
            with pytest.raises(ValueError, match=name) as refused:
                LOADERS[part](copy)
            assert "\n" not in str(refused.value) and len(str(refused.value)) < 600


def test_a_value_that_only_the_shapes_contradict(copy: Path) -> None:
    for part, more in (("ar", {"n_layer": 256}), ("ar", {"d_model": 16_384}), ("ar", {"d_ff": 7}),
                       ("nar", {"n_head": 1, "d_model": 30}), ("nar", {"d_ff": 65_536})):
        shutil.copy(copy / "model.json", copy / "before")
        edit(copy / "model.json",
             lambda r, part=part, more=more: r[part]["config"]["transformer"].update(more))
        with pytest.raises(ValueError, match="has the shape"):
            load_model(copy)
        shutil.move(copy / "before", copy / "model.json")


TEXTS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is damaged"), "a list": (b"[1, 2]", "holds a list"),
    "a number": (b"7", "holds a int"), "null": (b"null", "holds a NoneType"),
    "binary": (bytes(range(256)), "is damaged"), "half": (b'{"format": 1, "ar": {', "is damaged"),
    "deep": (b"[" * 100_000, "is damaged"),
    "not a number": (b'{"format": NaN}', "NaN is no number"),
    "no format": (b"{}", "format: 'None'"), "format 0": (b'{"format": 0}', "format: '0'"),
    "format true": (b'{"format": true}', "format: 'True'"),
    "format text": (b'{"format": "1"}', "format: '1'"),
    "of tomorrow": (b'{"format": 2}', "has format 2, this valle reads 1: update valle"),
    "parts of another kind": (b'{"format": 1, "ar": 3}', "ar is a int"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_records_that_are_none(name: str, copy: Path) -> None:
    text, advice = TEXTS[name]
    (copy / "model.json").write_bytes(text)
    with pytest.raises(ValueError, match=advice) as refused:
        load_model(copy)
    assert str(copy) in str(refused.value) and "\n" not in str(refused.value)


def test_two_gigabytes_of_json_are_not_read(copy: Path) -> None:
    with (copy / "model.json").open("r+b") as file:
        file.truncate(1 << 31)
    started = time.monotonic()
    with pytest.raises(ValueError, match="2048 MiB long: it is no record of a model"):
        load_model(copy)
    assert time.monotonic() - started < 1


def test_a_byte_order_mark_does_not_matter(copy: Path) -> None:
    text = (copy / "model.json").read_text(encoding="utf-8")
    (copy / "model.json").write_text(text, encoding="utf-8-sig")
    assert load_model(copy).ar.config.layout == "interleaved"


@pytest.mark.parametrize("sampling", [3, [], "warm"])
def test_sampling_is_an_object(sampling: Any, copy: Path) -> None:
    edit(copy / "model.json", lambda record: record.update(sampling=sampling))
    with pytest.raises(ValueError, match="sampling is a .*, no object"):
        load_model(copy)


# --- older folders -------------------------------------------------------------------------------

def make_older(folder: Path) -> None:
    """As folders were before there was one model.json."""
    record = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    vocabulary, codec = record["vocabulary"], record["trained_on"]
    for name in ("ar", "nar"):
        part = record[name] | {"vocabulary": vocabulary, "codec": codec}
        (folder / f"{name}.json").write_text(json.dumps(part), encoding="utf-8")
    aligner = record["aligner"] | {"vocabulary": vocabulary}
    (folder / "aligner.json").write_text(json.dumps(aligner), encoding="utf-8")
    (folder / "codec.json").write_text(json.dumps(record["codec"]["config"]), encoding="utf-8")
    (folder / "model.json").unlink()


def test_older_folders_are_read_and_packed_anew(copy: Path, model_folder: Path,
                                                tmp_path: Path) -> None:
    make_older(copy)
    older, newer = load_model(copy), load_model(model_folder)
    assert older.ar.config == newer.ar.config and older.vocabulary == newer.vocabulary
    assert older.codec.identity == newer.codec.identity
    pack(tmp_path / "packed", *[copy] * 4)
    assert contents(tmp_path / "packed") == contents(model_folder)
    pack(copy, *[copy] * 4)
    assert contents(copy) == contents(model_folder), "nothing of the old format is left"


@pytest.mark.parametrize("name", ["ar", "nar", "codec", "aligner"])
def test_damaged_older_folders_are_refused(name: str, copy: Path) -> None:
    make_older(copy)
    cut(copy / f"{name}.json", 0.5)
    with pytest.raises(ValueError, match=rf"{name}\.json is damaged .*copy it again"):
        load_model(copy)


def test_packing_keeps_what_is_said_of_the_model(copy: Path, tmp_path: Path) -> None:
    edit(copy / "model.json", lambda r: r.update(sampling={"top_k": 3}, licence="MIT"))
    assert pack(tmp_path / "m", *[copy] * 4).sampling == {"top_k": 3}
    assert json.loads((tmp_path / "m" / "model.json").read_text())["licence"] == "MIT"


def test_everybody_may_read_what_is_packed(parts: Path, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        pack(tmp_path / "m", parts / "codec", parts / "plain", parts / "nar-plain", None)
        (tmp_path / "m" / "ar.safetensors").chmod(0o640)
        pack(tmp_path / "m", parts / "codec", parts / "plain", parts / "nar-plain", None)
    finally:
        os.umask(before)
    modes = {p.name: p.stat().st_mode & 0o777 for p in (tmp_path / "m").iterdir()}
    assert modes.pop("ar.safetensors") == 0o640, "a file that is there keeps its mode"
    assert set(modes.values()) == {0o644}
