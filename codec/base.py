"""What every codec offers, and how one is chosen."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from codec.record import read_record
from codec.spec import CodecSpec

if TYPE_CHECKING:
    import torch


class Codec(Protocol):
    """Mono audio to discrete codes and back; all models of `valle` work on these codes.

    B batch, N samples, T = ceil(N / hop) frames, Q codebooks, V codes in each.
    """

    @property
    def spec(self) -> CodecSpec:
        """All of its numbers; the most used ones are properties as well."""

    @property
    def sample_rate(self) -> int:
        """Samples per second."""

    @property
    def hop(self) -> int:
        """Samples per frame."""

    @property
    def frame_rate(self) -> float:
        """Frames per second: sample_rate / hop."""

    @property
    def n_codebooks(self) -> int:
        """Q; codebook 1 is the coarsest."""

    @property
    def codebook_size(self) -> int:
        """V: a code is in 0 .. V - 1."""

    @property
    def identity(self) -> str:
        """Sixteen hex digits over the weights: a model refuses the codes of another codec."""

    @property
    def phones(self) -> tuple[str, ...]:
        """The phones that `decode` may be told, in the order of their ids; () for none."""

    @property
    def codebooks(self) -> torch.Tensor:
        """The vectors that codes stand for, [Q, V, latent]; a frame is the sum of its codebooks."""

    def encode(self, wav: torch.Tensor) -> torch.Tensor:
        """Audio [B, 1, N] to codes [B, Q, T], int64."""

    def dequantize(self, codes: torch.Tensor) -> torch.Tensor:
        """Codes [B, Q', T] to the latents [B, D, T] they stand for: sums of `codebooks`."""

    def decode(self, codes: torch.Tensor, voice: torch.Tensor | None = None,
               phones: torch.Tensor | None = None, voice_phones: torch.Tensor | None = None,
               ) -> torch.Tensor:
        """Codes [B, Q', T], the first Q' <= Q codebooks, to audio [B, 1, T * hop].

        codes may be latents [B, D, T] as well, of floating point: what a model expects of codes.
        voice [B, Q'', T']: codes of a recording of the speaker; a codec may sound nearer for it.
        phones [B, T], voice_phones [B, T'] int64: places in `phones` of what is said in each frame,
        -1 where it is not known; a codec may be clearer for it.
        """


def load_codec(name: str | Path, device: str | torch.device = "cpu") -> Codec:
    """Load "encodec", EnCodec weights from a file (*.th), or a spectral codec from its folder.

    Raises:
        FileNotFoundError: there is nothing there, or EnCodec's weights cannot be fetched.
        ValueError: the file or folder holds no codec, or a damaged one.
    """
    choices = ("choose encodec, the path of its weights (encodec_24khz-d7cc33bc.th), or the folder "
               "of a model or codec")
    path, name = Path(name), str(name)
    if name == "encodec" or path.is_file():
        from codec.encodec24 import EncodecCodec

        return EncodecCodec.load(None if name == "encodec" else path).to(device)
    if not path.is_dir():
        raise FileNotFoundError(f"unknown codec {str(name)!r}: {choices}")
    try:
        if read_record(path)["codec"] == ENCODEC:
            return load_codec("encodec", device)
    except (KeyError, FileNotFoundError) as error:
        raise ValueError(f"no codec in {path}: {choices}") from error
    from codec.spectral import SpectralCodec

    return SpectralCodec.load(path).to(device)


ENCODEC = {"codec": "encodec"}  # the part of a model that uses EnCodec's published weights
