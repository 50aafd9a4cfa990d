"""codec/encodec24.py and load_codec: encodec's real network, weights laid out as published.

The published weights cannot be fetched by a test, so the fixture saves encodec's own network with
seeded random weights under the published file's layout and name.
"""
from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from codec import Codec, encodec24, load_codec
from codec.encodec24 import SHA256, URL, EncodecCodec, published_weights, untrained_model

NAME = URL.rpartition("/")[2]


def speech(batch: int, samples: int, seed: int = 0) -> torch.Tensor:
    """Noise that swells, [batch, 1, samples]."""
    noise = torch.randn(batch, 1, samples, generator=torch.Generator().manual_seed(seed))
    return 0.3 * noise * torch.sin(torch.arange(samples) / 3000).abs()


def digits(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file laid out like the published one; codebooks are the network's own latents."""
    path = tmp_path_factory.mktemp("weights") / NAME
    torch.manual_seed(0)
    model = untrained_model()
    with torch.no_grad():
        latents = model.encoder(speech(1, 1024 * 320))[0].T  # [1024, D]
        for level, layer in enumerate(model.quantizer.vq.layers):
            book = layer._codebook
            steps = latents[torch.randperm(1024)] - latents[torch.randperm(1024)]
            book.embed.copy_(latents if level == 0 else 0.7**level * steps)
            book.inited.fill_(1)
    torch.save(model.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def codec(weights: Path) -> EncodecCodec:
    return EncodecCodec.load(weights, sha256=digits(weights))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Torch hub's cache, empty and our own; no proxy between the test and the loopback."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture
def closed_url() -> str:
    """A URL on the loopback where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/{NAME}"


@contextmanager
def web_server(folder: Path) -> Iterator[str]:
    """The address of a server on the loopback that hands out the files of `folder`."""
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


# --- the contract ----------------------------------------------------------------------------

def test_constants(codec: EncodecCodec) -> None:
    contract: Codec = codec
    assert (contract.sample_rate, contract.hop, contract.frame_rate) == (24_000, 320, 75.0)
    assert (contract.n_codebooks, contract.codebook_size) == (8, 1024)
    assert contract.sample_rate == codec.model.sample_rate
    assert contract.frame_rate == codec.model.frame_rate
    assert contract.codebook_size == codec.model.quantizer.bins
    assert not any(p.requires_grad for p in codec.parameters()) and not codec.model.training


@pytest.mark.parametrize("samples", [1, 319, 320, 321, 7_777, 24_000])
def test_lengths(codec: EncodecCodec, samples: int) -> None:
    frames = -(-samples // 320)
    codes = codec.encode(speech(2, samples))
    assert codes.shape == (2, 8, frames) and codes.dtype == torch.int64
    wav = codec.decode(codes)
    assert wav.shape == (2, 1, frames * 320) and wav.isfinite().all()
    assert not wav.requires_grad


def test_equals_encodecs_own_calls(codec: EncodecCodec, weights: Path) -> None:
    model = untrained_model()
    model.load_state_dict(torch.load(weights, weights_only=True))
    model.set_target_bandwidth(6.0)
    wav = speech(2, 12_345, seed=1)
    with torch.no_grad():
        frames = model.encode(wav)
        decoded = model.decode(frames)
    codes = codec.encode(wav)
    assert torch.equal(codes, frames[0][0])
    assert torch.equal(codec.decode(codes), decoded)
    assert len(codes.unique()) > 100  # the comparison is not between constants


def test_fewer_codebooks_decode(codec: EncodecCodec) -> None:
    codes = codec.encode(speech(1, 3_200))
    few, all_of_them = codec.decode(codes[:, :2]), codec.decode(codes)
    assert few.shape == all_of_them.shape and not torch.allclose(few, all_of_them)


def test_a_batch_equals_its_parts(codec: EncodecCodec) -> None:
    wav = speech(3, 6_400)
    assert torch.equal(codec.encode(wav), torch.cat([codec.encode(one[None]) for one in wav]))


@pytest.mark.parametrize("shape", [(24_000,), (1, 24_000), (1, 2, 24_000), (1, 1, 0)])
def test_bad_audio(codec: EncodecCodec, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"shape \[B, 1, N\]"):
        codec.encode(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(8, 10), (1, 9, 10), (1, 0, 10), (1, 8, 0)])
def test_bad_code_shapes(codec: EncodecCodec, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        codec.decode(torch.zeros(shape, dtype=torch.int64))


@pytest.mark.parametrize("code", [-1, 1024])
def test_codes_out_of_range(codec: EncodecCodec, code: int) -> None:
    with pytest.raises(ValueError, match=r"codes must be in 0 \.\. 1023"):
        codec.decode(torch.full((1, 8, 4), code))


def test_identity_names_the_weights(codec: EncodecCodec, weights: Path) -> None:
    again = EncodecCodec.load(weights, sha256=digits(weights))
    assert again.identity == codec.identity
    assert len(codec.identity) == 16 and int(codec.identity, 16) >= 0
    for tensor in (again.model.quantizer.vq.layers[7].codebook,
                   next(again.model.encoder.parameters())):
        changed = EncodecCodec(again.model)
        with torch.no_grad():
            tensor.view(-1)[0] += 1
        assert changed.identity != codec.identity
        with torch.no_grad():
            tensor.view(-1)[0] -= 1


# --- finding and checking the weights ----------------------------------------------------------

def test_wrong_checksum_is_refused(weights: Path) -> None:
    with pytest.raises(ValueError, match=f"sha256 {digits(weights)}, not {SHA256}.*fetch {URL}"):
        load_codec(weights)


def test_foreign_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.th"
    for content in ({"layer.weight": torch.zeros(3)}, [1, 2]):
        torch.save(content, path)
        with pytest.raises(ValueError, match="does not hold the weights of EnCodec"):
            EncodecCodec.load(path, sha256=digits(path))


class Boobytrap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_pickled_code_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "evil.th"
    torch.save({"layer.weight": Boobytrap(tmp_path / "ran")}, path)
    with pytest.raises(ValueError, match="does not hold the weights"):
        EncodecCodec.load(path, sha256=digits(path))
    assert not (tmp_path / "ran").exists()


def test_truncated_weights_are_refused(tmp_path: Path, weights: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(weights.read_bytes()[:1_000_000])
    with pytest.raises(ValueError, match="damaged or another file"):
        EncodecCodec.load(path, sha256=digits(weights))


def test_the_cache_is_used(cache: Path, weights: Path, codec: EncodecCodec,
                           closed_url: str) -> None:
    cache.mkdir(parents=True)
    (cache / NAME).symlink_to(weights)
    loaded = EncodecCodec.load(sha256=digits(weights), url=closed_url)
    assert loaded.identity == codec.identity


def test_fetched_once_into_the_cache(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    source = tmp_path / "web" / NAME
    source.write_bytes(bytes(range(256)) * 9_000)  # larger than one chunk
    with web_server(source.parent) as address:
        path = published_weights(f"{address}/{NAME}", digits(source))
    assert path == cache / NAME and path.read_bytes() == source.read_bytes()
    assert published_weights(f"{address}/{NAME}", digits(source)) == path  # the server is gone
    assert [p.name for p in cache.iterdir()] == [NAME]


def test_fetched_file_with_a_wrong_checksum_is_not_kept(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / NAME).write_bytes(b"<html>please log in</html>")
    with (web_server(tmp_path / "web") as address,
          pytest.raises(ValueError, match=f"has sha256 .*, not {SHA256}.*put the right file at")):
        published_weights(f"{address}/{NAME}")
    assert not list(cache.iterdir())


def test_page_not_found(cache: Path, tmp_path: Path) -> None:
    with (web_server(tmp_path) as address,
          pytest.raises(FileNotFoundError, match="cannot be fetched")):
        published_weights(f"{address}/{NAME}")
    assert not list(cache.iterdir())


def test_offline_is_one_line_that_says_where_to_put_the_file(cache: Path, closed_url: str) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        EncodecCodec.load(url=closed_url)
    text = str(caught.value)
    assert "refused" in text and f"put it at {cache / NAME}" in text and "\n" not in text


def test_unwritable_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                          closed_url: str) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "file"))
    with pytest.raises(OSError, match="cannot write .*TORCH_HOME"):
        published_weights(closed_url)


# --- load_codec --------------------------------------------------------------------------------

def test_load_codec_names_the_choices(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="unknown codec 'mp3': choose encodec"):
        load_codec("mp3")
    with pytest.raises(ValueError, match=f"no codec in {tmp_path}: choose encodec"):
        load_codec(tmp_path)


def test_load_codec_by_name_and_path(monkeypatch: pytest.MonkeyPatch, weights: Path, cache: Path,
                                     codec: EncodecCodec) -> None:
    cache.mkdir(parents=True)
    (cache / NAME).symlink_to(weights)
    with pytest.raises(ValueError, match=f"not {SHA256}"):
        load_codec("encodec")
    # No other weights have the published checksum: here the file is taken at its word.
    monkeypatch.setattr(encodec24, "_sha256", lambda _: SHA256)
    assert load_codec("encodec").identity == load_codec(weights).identity == codec.identity


def test_load_codec_opens_a_spectral_folder(tmp_path: Path) -> None:
    from codec.spectral import SpectralCodec

    torch.manual_seed(0)
    saved = SpectralCodec()
    saved.save(tmp_path)
    loaded = load_codec(tmp_path)
    assert isinstance(loaded, SpectralCodec) and loaded.sample_rate == 24_000


def test_a_model_on_encodec_names_it(monkeypatch: pytest.MonkeyPatch, weights: Path, cache: Path,
                                     codec: EncodecCodec, tmp_path: Path) -> None:
    from g2p import Vocabulary
    from valle.model.ar import AR
    from valle.model.checkpoint import load_model, pack, save_ar, save_nar
    from valle.model.config import ARConfig, NARConfig, size
    from valle.model.nar import NAR

    cache.mkdir(parents=True)
    (cache / NAME).symlink_to(weights)
    monkeypatch.setattr(encodec24, "_sha256", lambda _: SHA256)  # as above
    vocabulary = Vocabulary.build([["a"]])
    ar = AR(ARConfig(len(vocabulary), layout="plain", transformer=size("tiny")))
    nar = NAR(NARConfig(len(vocabulary), aligned=False, transformer=size("tiny")))
    save_ar(tmp_path / "ar", ar, vocabulary, codec.identity)
    save_nar(tmp_path / "nar", nar, vocabulary, codec.identity)
    pack(tmp_path / "model", weights, tmp_path / "ar", tmp_path / "nar", None)
    assert not (tmp_path / "model" / "codec.safetensors").exists()
    assert isinstance(load_model(tmp_path / "model").codec, EncodecCodec)
