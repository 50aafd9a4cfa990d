"""The step in C: the model of torch to the last digits, one row at a time, compiled once."""
from __future__ import annotations

import _ctypes
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import tiny_ar
from decoding import PLACES, ROWS, WIDTH, come_and_go, follow, go_on, needs_compiler

from valle import VALLE
from valle.engine.compile import NativeError, private_folder
from valle.engine.kvcache import PRECISIONS, Cached, PackedAR
from valle.engine.native import Native, NativeAR, library
from valle.engine.threads import Threads, cores
from valle.model.ar import AR
from valle.model.config import ARConfig, TransformerConfig

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A process that has not compiled anything yet, with a cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    library.cache_clear()
    yield tmp_path / "cache" / "valle"
    library.cache_clear()


def wide_ar() -> AR:
    """Widths that are no multiples of the machine's vectors."""
    shape = TransformerConfig(n_layer=2, n_head=3, d_model=42, d_ff=75)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AR(ARConfig(20, transformer=shape)).eval()
        for parameter in model.parameters():
            parameter.data.mul_(3)
    return model


@needs_compiler
@pytest.mark.parametrize("model", [tiny_ar("plain", sharpness=3.0), wide_ar()],
                         ids=["tiny", "odd widths"])
def test_float32_is_what_torch_computes(model: AR) -> None:
    ours, theirs = (come_and_go(Native(NativeAR(model), PLACES, WIDTH)),
                    come_and_go(Cached(PackedAR(model), PLACES, WIDTH)))
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=2e-5, rtol=2e-5)


@needs_compiler
@pytest.mark.parametrize(("precision", "error"), [("bfloat16", 0.03), ("int8", 0.05)])
def test_fewer_bits_change_little(precision: str, error: float) -> None:
    model = tiny_ar("plain", sharpness=3.0)
    exact = come_and_go(Cached(PackedAR(model), PLACES, WIDTH))
    found = come_and_go(Native(NativeAR(model, precision), PLACES, WIDTH))
    for a, b in zip(found, exact, strict=True):
        assert 0 < (a - b).abs().max() < error * b.abs().max()


@needs_compiler
@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_row_does_not_depend_on_its_neighbours_nor_on_threads(precision: str) -> None:
    model = NativeAR(tiny_ar("plain", sharpness=3.0), precision)
    together, threads = follow(Native(model, PLACES, WIDTH), ROWS), torch.get_num_threads()
    for index, row in enumerate(ROWS):
        decoder = Native(model, PLACES, WIDTH)
        try:
            alone = [decoder.prefill([row])]
            torch.set_num_threads(threads + 1)
            alone += go_on(decoder, [row])
        finally:
            torch.set_num_threads(threads)
        for a, b in zip(together, alone, strict=True):
            assert torch.equal(a[index], b[0])


@needs_compiler
def test_a_full_cache_is_refused() -> None:
    decoder = Native(tiny_ar("plain"), 8, 1)
    decoder.prefill([ROWS[0]])
    decoder.step([30])
    with pytest.raises(ValueError, match="9 tokens do not fit a cache of 8"):
        decoder.step([31])


@pytest.mark.slow
@needs_compiler
def test_the_starter_says_the_same_natively() -> None:
    spoken = [VALLE.from_pretrained("starter", "cpu", "float32", engine).speak(
        "We went home.", prompt=EXAMPLES / "alto.wav",
        prompt_text=(EXAMPLES / "alto.txt").read_text()) for engine in ("torch", "native")]
    assert [audio.settings["engine"] for audio in spoken] == ["torch", "native"]
    np.testing.assert_array_equal(*(audio.samples for audio in spoken))


@needs_compiler
def test_it_is_compiled_once(forgotten: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library()
    made = list(forgotten.iterdir())
    assert len(made) == 1 and made[0].suffix == ".so"
    library.cache_clear()
    monkeypatch.setattr("subprocess.run", lambda *a, **k: pytest.fail("compiled again"))
    library()


@needs_compiler
def test_a_home_that_cannot_be_written_does_not_matter(forgotten: Path, tmp_path: Path,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten.parent.write_text("a file where the folder should be")
    places = tmp_path / "temporary"
    places.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(places))
    assert library().step
    assert not list(places.iterdir()), "nothing is left behind"


SPOILED: dict[str, Callable[[Path], object]] = {
    "half of it": lambda made: made.write_bytes(made.read_bytes()[:5_000]),
    "empty": lambda made: made.write_bytes(b""),
    "text": lambda made: made.write_bytes(b"half a file"),
    "one byte": lambda made: made.write_bytes(made.read_bytes()[:-1] + b"x"),
    "a link": lambda made: made.symlink_to("/dev/null"),
    "another library": lambda made: shutil.copy(_ctypes.__file__, made),
    "one that others may write": lambda made: made.chmod(0o777),
    "somebody else's": lambda made: os.chown(made, 12_345, -1),
}


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("name", SPOILED)
def test_a_file_that_is_not_ours_is_not_loaded_but_made_again(name: str, forgotten: Path) -> None:
    if name == "somebody else's" and os.geteuid():
        pytest.skip("only root can give files away")
    library()
    made, = forgotten.iterdir()
    library.cache_clear()
    content = made.read_bytes()
    made.unlink()  # not overwritten: it is loaded
    if name != "a link":
        made.write_bytes(content)
    SPOILED[name](made)
    assert library().step
    again, = forgotten.iterdir()
    assert again.stat().st_size > 5_000 and again.stat().st_mode & 0o777 == 0o700
    assert again.stem.endswith(hashlib.sha256(again.read_bytes()).hexdigest())


def compiled_in_a_process(cache: Path) -> list[str]:
    """What a process keeps in its cache folder."""
    code = "from valle.engine.native import library; library()"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120,
                   env={**os.environ, "XDG_CACHE_HOME": str(cache)})
    return sorted(path.name for path in (cache / "valle").iterdir())


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("shared", ["valle", "."])
@pytest.mark.parametrize("mode", [0o777, 0o775, 0o722])
def test_nothing_is_loaded_from_or_kept_in_a_folder_that_others_may_write(
        shared: str, mode: int, tmp_path: Path) -> None:
    (tmp_path / "cache" / "valle").mkdir(parents=True)
    (tmp_path / "cache" / shared).chmod(mode)
    trap = tmp_path / "cache" / "valle" / "native-0123456789abcdef-00.so"
    trap.write_text("somebody put this here")
    assert private_folder(tmp_path / "cache" / "valle") is None
    assert compiled_in_a_process(tmp_path / "cache") == [trap.name]


@needs_compiler
def test_a_folder_in_tmp_will_do_when_it_is_ours(tmp_path: Path) -> None:
    (tmp_path / "sticky").mkdir()
    (tmp_path / "sticky").chmod(0o1777)
    kept, = compiled_in_a_process(tmp_path / "sticky" / "mine")
    assert kept.startswith("native-") and (tmp_path / "sticky/mine").stat().st_mode & 0o77 == 0
    (tmp_path / "sticky" / "mine" / "valle").chmod(0o1777)
    assert private_folder(tmp_path / "sticky" / "mine" / "valle") is None


def test_threads_are_never_more_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.get_num_threads", lambda: 10_000)  # as OMP_NUM_THREADS asks for
    tried: list[int] = []
    Threads().run(tried.append)
    assert set(tried) == {1, cores()}


@needs_compiler
def test_flags_that_fail_are_tried_once(forgotten: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("valle.engine.compile.MACHINE_FLAGS", (("-fno-such-flag",), ()))
    library()
    library.cache_clear()
    monkeypatch.setattr("subprocess.run", lambda *a, **k: pytest.fail("compiled again"))
    assert library().step


def test_without_a_compiler_torch_takes_over(forgotten: Path, model_folder: Path,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(NativeError, match="no C compiler"):
        library()
    assert VALLE.from_pretrained(model_folder, "cpu").engine == "torch"
    with pytest.raises(ValueError, match="^engine native: no C compiler .* choose torch"):
        VALLE.from_pretrained(model_folder, "cpu", engine="native")


def test_a_compiler_that_fails_is_quoted(forgotten: Path, tmp_path: Path,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken-cc"
    broken.write_text("#!/bin/sh\necho 'no such machine' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CC", str(broken))
    with pytest.raises(NativeError, match=r"broken-cc cannot compile native\.c: no such machine"):
        library()
    assert not list(forgotten.iterdir()), "nothing is left behind"


def test_threads_that_wait_for_others_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all threads are slower than one, one is taken, and the other way round."""
    monkeypatch.setattr("torch.get_num_threads", lambda: 4)
    monkeypatch.setattr("valle.engine.threads.cores", lambda: 4)
    clock = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    for slower, faster in ((4, 1), (1, 4)):
        ran: list[int] = []

        def step(threads: int, slower: int = slower, ran: list[int] = ran) -> None:
            ran.append(threads)
            clock[0] += 2.0 if threads == slower else 1.0

        share = Threads()
        for _ in range(400):
            share.run(step)
        assert ran[:2] == [1, 4] and ran.count(slower) == 4, "tried at steps 0, 33, 98, 227"
        assert ran.count(faster) == 400
