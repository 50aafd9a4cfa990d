"""EnCodec, 24 kHz at 6 kb/s, behind the Codec contract.

Défossez et al. 2022, "High Fidelity Neural Audio Compression", arXiv:2210.13438. The network is
the `encodec` package's own; this file finds, checks and loads its weights and fixes the shapes.
"""
from __future__ import annotations

import hashlib
import http.client
import pickle
import urllib.error
import urllib.request
import warnings
from functools import cached_property
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from codec.files import atomic_path
from codec.spec import CodecSpec
from codec.upstream import EncodecModel

URL = "https://dl.fbaipublicfiles.com/encodec/v0/encodec_24khz-d7cc33bc.th"
SHA256 = "d7cc33bc"  # the first digits, as in the published name
BANDWIDTH = 6.0  # kb/s: 8 codebooks x 10 bits x 75 frames/s
CHUNK = 1 << 20


class EncodecCodec(nn.Module):
    """A `codec.Codec` over encodec's own 24 kHz model: 8 codebooks of 1024, 75 frames/s."""

    spec = CodecSpec(sample_rate=24_000, hop=320, n_codebooks=8, codebook_size=1024)
    sample_rate, hop, frame_rate = spec.sample_rate, spec.hop, spec.frame_rate
    n_codebooks, codebook_size = spec.n_codebooks, spec.codebook_size
    phones: tuple[str, ...] = ()

    def __init__(self, model: EncodecModel) -> None:
        super().__init__()
        model.set_target_bandwidth(BANDWIDTH)
        self.model = model.eval().requires_grad_(False)

    @classmethod
    def load(cls, path: str | Path | None = None, *, sha256: str = SHA256, url: str = URL,
             ) -> EncodecCodec:
        """Read weights laid out like the published file.

        path: that file; None takes it from torch hub's cache, and fetches it once into there.
        sha256: the first digits of the file's checksum, as published.

        Raises:
            FileNotFoundError: no such file, or it cannot be fetched.
            ValueError: another checksum, or not the weights of this model.
        """
        path = published_weights(url, sha256) if path is None else Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"no EnCodec weights at {path}: fetch them from {url}")
        found = _sha256(path)
        if not found.startswith(sha256):
            raise ValueError(f"{path} is damaged or another file (sha256 {found[:8]}, not "
                             f"{sha256}): delete it and fetch {url} again")
        model = untrained_model()
        try:
            model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        except (RuntimeError, TypeError, EOFError, pickle.UnpicklingError) as error:
            raise ValueError(f"{path} does not hold the weights of EnCodec 24 kHz: fetch "
                             f"{url}") from error
        return cls(model)

    @cached_property
    def identity(self) -> str:
        """Sixteen hex digits over what decides the codes: encoder and the eight codebooks."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.model.encoder.state_dict().items()):
            digest.update(name.encode() + tensor.cpu().numpy().tobytes())
        for layer in self.model.quantizer.vq.layers[: self.n_codebooks]:
            digest.update(layer.codebook.cpu().numpy().tobytes())
        return digest.hexdigest()[:16]

    @property
    def codebooks(self) -> torch.Tensor:
        """The quantizer's vectors [Q, V, 128]."""
        layers = self.model.quantizer.vq.layers[: self.n_codebooks]
        return torch.stack([layer.codebook for layer in layers])

    @torch.no_grad()
    def encode(self, wav: torch.Tensor) -> torch.Tensor:
        """Audio [B, 1, N] to codes [B, 8, T], int64, T = ceil(N / 320).

        Raises:
            ValueError: another shape, or no samples.
        """
        if wav.dim() != 3 or wav.shape[1] != 1 or not wav.shape[2]:
            raise ValueError(f"audio must have the shape [B, 1, N], N > 0, not {list(wav.shape)}")
        return self.model.encode(wav)[0][0]

    @torch.no_grad()
    def decode(self, codes: torch.Tensor, voice: torch.Tensor | None = None,
               phones: torch.Tensor | None = None, voice_phones: torch.Tensor | None = None,
               ) -> torch.Tensor:
        """Codes [B, Q', T] with Q' <= 8 to audio [B, 1, T * 320]; fewer books, less detail.

        codes may be latents [B, 128, T]. EnCodec's decoder has no use for voice and phones.

        Raises:
            ValueError: another shape, or a code outside 0 .. 1023.
        """
        if codes.is_floating_point():
            return self.model.decoder(codes)  # type: ignore[no-any-return]
        return self.model.decoder(self.dequantize(codes))  # type: ignore[no-any-return]

    def dequantize(self, codes: torch.Tensor) -> torch.Tensor:
        """Codes [B, Q', T] with Q' <= 8 to latents [B, 128, T].

        Raises:
            ValueError: another shape, or a code outside 0 .. 1023.
        """
        if codes.dim() != 3 or not 0 < codes.shape[1] <= self.n_codebooks or not codes.shape[2]:
            raise ValueError(f"codes must have the shape [B, 1 to 8, T], not {list(codes.shape)}")
        if codes.min() < 0 or codes.max() >= self.codebook_size:
            raise ValueError(f"codes must be in 0 .. {self.codebook_size - 1}, not in "
                             f"{int(codes.min())} .. {int(codes.max())}")
        return self.model.quantizer.decode(codes.transpose(0, 1))  # type: ignore[no-any-return]


def untrained_model() -> EncodecModel:
    """EnCodec's 24 kHz network with random weights and, upstream's way, codebooks of zeros."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*weight_norm.*", category=FutureWarning)
        return EncodecModel.encodec_model_24khz(pretrained=False)


def published_weights(url: str = URL, sha256: str = SHA256) -> Path:
    """Path of the published weights in torch hub's cache; fetched at first use.

    Raises:
        FileNotFoundError: they are not there and cannot be fetched.
        ValueError: what came has another checksum.
        OSError: the cache cannot be written.
    """
    target = Path(torch.hub.get_dir(), "checkpoints", url.rpartition("/")[2])
    if target.is_file():
        return target
    try:
        with atomic_path(target) as temporary:
            _download(url, temporary)
            found = _sha256(temporary)
            if not found.startswith(sha256):
                raise ValueError(f"what came from {url} has sha256 {found[:8]}, not {sha256}: try "
                                 f"again, or put the right file at {target}")
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError,
            TimeoutError) as error:
        reason = getattr(error, "reason", None) or error
        raise FileNotFoundError(f"EnCodec's weights are not here and cannot be fetched ({reason}): "
                                f"fetch {url} elsewhere and put it at {target}") from error
    except OSError as error:
        raise OSError(f"cannot write {target}: {error.strerror}; free some space, or set "
                      "TORCH_HOME to another folder") from error
    return target


def _download(url: str, path: Path) -> None:
    with urllib.request.urlopen(url, timeout=30) as response, path.open("wb") as file:
        total = int(response.headers.get("Content-Length") or 0) or None
        with tqdm(total=total, unit="B", unit_scale=True, desc="EnCodec weights") as progress:
            while chunk := response.read(CHUNK):
                progress.update(file.write(chunk))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
