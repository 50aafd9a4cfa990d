"""Decoding: what the AR may write next (batch.py has it write), and the NAR's codebooks."""
from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

import torch
import torch.nn.functional as F

from g2p import SPACE
from valle.engine.base import Decoder
from valle.model.nar import NAR, NARBatch
from valle.model.tokens import AUDIO, EOS, TokenIds

# All in seconds.
MIN_PER_PHONE = 0.04   # plain layout: no <eos> before as much on average
MAX_PER_PHONE = 0.213  # both layouts: the cap on the whole
LEAST_CAP = 3.0        # interleaved layout: one word may take as long, pauses and all
LONGEST_PHONE = 0.8    # interleaved layout: no single phone or pause is longer
LONGEST_SPACE = 0.6    # nor a pause without punctuation


@dataclass(frozen=True)
class Request:
    """One text to speak: tokens up to and including the prompt, then the target's phone ids.

    frame_rate: of the codec; lengths are limited in seconds.
    durations: frames that each of the phones has to last (interleaved layout); None leaves that to
        the model.
    """

    tokens: list[int]
    phones: list[int]
    boundary: list[bool]
    seed: int
    frame_rate: float
    durations: tuple[int, ...] | None = None

    def frames(self, seconds: float) -> int:
        """The whole number of frames nearest to so many seconds."""
        return round(seconds * self.frame_rate)

    def unconditional(self, ids: TokenIds) -> list[int]:
        """Tokens of the same language that say nothing: as many phones, all unknown, no prompt."""
        return [*self.tokens[:2], *[ids.first_phone] * len(self.phones), AUDIO]


@dataclass(frozen=True)
class Generated:
    """Codebook 1 of one target: codes [T], frames per phone (interleaved), how it ended."""

    codes: tuple[int, ...]
    durations: tuple[int, ...] | None = None
    finish: str = "cap"


class Guided:
    """Classifier-free guidance (Ho and Salimans 2022; for speech: Koel-TTS, arXiv:2502.05236).

    Behind every row is its unconditional one (`Request.unconditional`), which hears the same codes,
    but knows neither text nor prompt. A code gains `guidance` - 1 times what the two differ by;
    together the codes stay as likely as they were, so that the lengths of phones are the row's own.
    """

    def __init__(self, rows: Decoder, ids: TokenIds, guidance: float) -> None:
        self.rows, self.ids, self.guidance = rows, ids, guidance

    def prefill(self, rows: Sequence[list[int]]) -> torch.Tensor:
        """rows: each followed by its unconditional one."""
        return self._lead(self.rows.prefill(rows))

    def step(self, tokens: list[int]) -> torch.Tensor:
        phone, code = self.ids.first_phone, self.ids.first_code
        return self._lead(self.rows.step([t for token in tokens
                                          for t in (token, phone if token < code else token)]))

    def keep(self, rows: list[int]) -> None:
        self.rows.keep([r for row in rows for r in (2 * row, 2 * row + 1)])

    def _lead(self, logits: torch.Tensor) -> torch.Tensor:
        """Logits [2B, V] of rows of both kinds to those [B, V] to draw from."""
        first = self.ids.first_code
        heads = logits[:, first:].unflatten(1, (self.ids.group, -1))
        codes, unconditional = heads[0::2], heads[1::2]
        led = codes + (self.guidance - 1) * (codes - unconditional)
        led += codes.logsumexp(2, keepdim=True) - led.logsumexp(2, keepdim=True)
        return torch.cat([logits[0::2, :first], led.flatten(1)], dim=1)


class Writer(Protocol):
    """The rules of one layout for one row: what may come next, and what came."""

    codes: list[int]
    done: bool
    most: int

    def generated(self) -> Generated: ...
    def choose(self, logits: torch.Tensor, codes: list[int], u: float) -> int: ...


class PlainWriter:
    """Codes until <eos>; no <eos> too early, a cap at the end."""

    def __init__(self, request: Request, ids: TokenIds) -> None:
        self.ids, self.done = ids, False
        self.codes, self.finish = list[int](), "cap"
        phones = max(1, len(request.phones))
        self.least = request.frames(MIN_PER_PHONE) * phones
        self.most = request.frames(MAX_PER_PHONE) * phones

    def generated(self) -> Generated:
        return Generated(tuple(self.codes), None, self.finish)

    def choose(self, logits: torch.Tensor, codes: list[int], u: float) -> int:
        """<eos> with its own probability, else the drawn codes of a group. logits [V]."""
        p_end = chance_of(EOS, logits, self.ids)
        if len(self.codes) >= self.least and u < p_end:
            self.finish, self.done = "eos", True
            return EOS
        self.codes += codes
        self.done = len(self.codes) >= self.most
        return self.ids.codes(codes)[0]


class InterleavedWriter:
    """Another code, or the next phone of the text: never a skip, never a loop.

    The length of each phone is drawn by its inverse distribution function: the model's
    probabilities to advance give the chance that the phone still lasts; when that falls below a
    quantile drawn once per phone, the next phone begins. The quantile 0.5 gives median lengths.
    Where the request says how long each phone lasts, that decides.
    """

    def __init__(self, request: Request, ids: TokenIds) -> None:
        self.ids, self.done = ids, False
        self.codes, self.durations, self.finish = list[int](), list[int](), "cap"
        self.phones = [ids.first_phone + p for p in request.phones]
        self.boundary, self.spaces = request.boundary, [p == SPACE for p in request.phones]
        self.longest_phone = request.frames(LONGEST_PHONE)
        self.longest_space = request.frames(LONGEST_SPACE)
        self.most = max(request.frames(LEAST_CAP),
                        request.frames(MAX_PER_PHONE) * len(self.phones))
        self.lasting, self.quantile = 1.0, 0.5
        self.ends: list[int] | None = None
        if request.durations is not None:
            self.ends = [(end + ids.group // 2) // ids.group * ids.group
                         for end in accumulate(request.durations)]
            self.most = self.ends[-1] + ids.group

    def generated(self) -> Generated:
        return Generated(tuple(self.codes), tuple(self.durations), self.finish)

    def choose(self, logits: torch.Tensor, codes: list[int], u: float) -> int:
        begun = len(self.durations)
        if begun == 0 or self._is_over(begun - 1, logits):
            return self._advance(u)
        self.durations[-1] += len(codes)
        self.codes += codes
        self.done = len(self.codes) >= self.most
        return self.ids.codes(codes)[0]

    def _is_over(self, place: int, logits: torch.Tensor) -> bool:
        """Does the phone in this place, the last that has begun, end here? logits [V]."""
        lasted = self.durations[place]
        if self.ends is not None:
            return len(self.codes) >= self.ends[place]
        if not lasted and not self.boundary[place]:
            return False
        following = self.phones[place + 1] if place + 1 < len(self.phones) else EOS
        self.lasting *= 1 - chance_of(following, logits, self.ids)
        most = self.longest_space if self.spaces[place] else self.longest_phone
        return self.lasting < self.quantile or lasted >= most

    def _advance(self, u: float) -> int:
        durations = self.durations
        if len(durations) == len(self.phones):
            self.finish, self.done = "eos", True
            return EOS
        durations.append(0)
        self.lasting, self.quantile = 1.0, u
        return self.phones[len(durations) - 1]


def chance_of(token: int, logits: torch.Tensor, ids: TokenIds) -> float:
    """Probability of a token that is no code against all codes. logits [V]."""
    codes = logits[ids.first_code: ids.first_code + ids.codebook_size]
    return float(torch.cat([codes, logits[token: token + 1]]).softmax(0)[-1])


@torch.inference_mode()
def fill_codebooks(model: NAR, batch: NARBatch, guidance: float = 1.0,
                   on_codebook: Callable[[], None] | None = None) -> torch.Tensor:
    """Greedy NAR decoding, one pass per codebook: codes [B, Q, T] whole.

    batch.codes holds all codebooks of the prompt and the first of the target; the others of the
    target are overwritten.
    guidance: away from what the model says without text and prompt, as in `Guided`; 1 is off.
    """
    is_prompt = batch.is_prompt
    for codebook in range(1, model.config.n_codebooks):
        likeliest = _guided(model, batch, codebook, guidance).argmax(dim=2)
        codes = batch.codes.clone()
        codes[:, codebook] = torch.where(is_prompt, codes[:, codebook], likeliest)
        batch = dataclasses.replace(batch, codes=codes)
        if on_codebook is not None:
            on_codebook()
    return batch.codes


@torch.inference_mode()
def fill_latents(model: NAR, batch: NARBatch, codebooks: torch.Tensor, guidance: float = 1.0,
                 temperature: float = 1.0, on_codebook: Callable[[], None] | None = None,
                 ) -> torch.Tensor:
    """What the codec's decoder takes, [B, D, T]: codebooks 2..Q of the target as expected vectors.

    Each of them adds the mean of its vectors (codebooks [Q', V, D]) under the NAR's probabilities,
    given the means of those below it. Few frames have a code that is likely: the likeliest one is
    nearly always wrong, and further from the truth than the mean. Temperatures below 1 lead from
    the mean towards the likeliest; 0 takes that.
    """
    is_prompt = batch.is_prompt[:, :, None]
    latents, expected = codebooks[0][batch.codes[:, 0]], model.nothing_expected(batch)
    for codebook in range(1, model.config.n_codebooks):
        batch = dataclasses.replace(batch, expected=expected)
        logits = _guided(model, batch, codebook, guidance).float()
        chances = ((logits / temperature).softmax(2) if temperature else
                   F.one_hot(logits.argmax(2), logits.shape[2]).float())
        latents = latents + torch.where(is_prompt, codebooks[codebook][batch.codes[:, codebook]],
                                        chances @ codebooks[codebook])
        expected = expected + chances @ model.tables[codebook]
        if on_codebook is not None:
            on_codebook()
    return latents.transpose(1, 2)


def _guided(model: NAR, batch: NARBatch, codebook: int, guidance: float) -> torch.Tensor:
    """Logits [B, T, V] of a codebook (0-based), led away from those of the target alone."""
    level = torch.full((len(batch.codes),), codebook, device=batch.codes.device)
    logits = model(batch, level)
    if guidance == 1:
        return logits
    return logits + (guidance - 1) * (logits - _unconditional(model, batch, level))


def _unconditional(model: NAR, batch: NARBatch, level: torch.Tensor) -> torch.Tensor:
    """Logits [B, T, V] of the target's frames by those frames alone; what they are in the prompt's
    frames means nothing."""
    shift, spoken = batch.prompt_frames[:, None], batch.n_frames - batch.prompt_frames
    frames = torch.arange(batch.codes.shape[2], device=level.device)[None]
    longest = max(1, int(spoken.max()))
    ahead = (frames[:, :longest] + shift).clamp(max=frames.shape[1] - 1)
    codes = batch.codes.gather(2, ahead[:, None].expand(-1, batch.codes.shape[1], -1))
    expected = batch.expected
    if expected is not None:
        expected = expected.gather(1, ahead[:, :, None].expand(-1, -1, expected.shape[2]))
    alone = NARBatch(torch.zeros_like(batch.phones), batch.n_phones, codes, spoken,
                     torch.zeros_like(batch.prompt_frames),
                     None if batch.frame_phones is None else torch.zeros_like(ahead), expected)
    logits = model(alone, level)
    back = (frames - shift).clamp(0, longest - 1)[:, :, None]
    return logits.gather(1, back.expand(-1, -1, logits.shape[2]))
