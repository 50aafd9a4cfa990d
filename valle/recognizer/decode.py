"""Characters from a recogniser: CTC's best path, and beam search over CTC and attention."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from valle.features.fbank import SAMPLE_RATE, WINDOW
from valle.recognizer.characters import BLANK, CHARACTERS, collapse, read
from valle.recognizer.model import MOST_CHARACTERS, Recognizer, filterbanks

LONGEST = 15      # seconds that are decoded at once
NEVER = -1e30  # log-probability of what cannot be; finite, so that differences are defined
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class BeamOptions:
    """How to search.

    Attributes:
        beam: hypotheses kept; 1 takes CTC's best path instead.
        ctc_weight: share of CTC in the score; the rest is the attention decoder's.
    """

    beam: int = 4
    ctc_weight: float = 0.5

    def __post_init__(self) -> None:
        if self.beam < 1 or not 0 < self.ctc_weight <= 1:
            raise ValueError("--beam must be at least 1, --ctc-weight above 0 and at most 1")


@torch.inference_mode()
def transcribe(model: Recognizer, wav: torch.Tensor, options: BeamOptions | None = None) -> str:
    """The words in audio [N] at 16 kHz, lower case; empty where nothing is heard.

    Audio of more than 15 s is cut where it is quietest.
    """
    options = options or BeamOptions()
    found = []
    for piece in pieces(wav):
        memory, by_character, _, _ = model(*filterbanks(piece[None], torch.tensor([len(piece)])))
        if options.beam == 1:
            found.append(read(collapse(by_character[0].argmax(dim=-1).tolist())))
        else:
            found.append(beam_search(model, memory, by_character[0].cpu().double().numpy(),
                                     options))
    return " ".join(part for part in found if part)


def pieces(wav: torch.Tensor) -> list[torch.Tensor]:
    """Audio [N] at 16 kHz in parts of at most 15 s; parts of less than a frame are left out."""
    found, most, quiet = [], LONGEST * SAMPLE_RATE, SAMPLE_RATE // 10
    while len(wav) > most:
        loudness = wav[most // 2: most].unfold(0, quiet, quiet).square().mean(dim=1)
        end = most // 2 + int(loudness.argmin()) * quiet + quiet // 2
        found.append(wav[:end])
        wav = wav[end:]
    return [part for part in [*found, wav] if len(part) >= WINDOW]


def beam_search(model: Recognizer, memory: torch.Tensor, ctc: Scores, options: BeamOptions) -> str:
    """One-pass joint decoding (Watanabe et al. 2017, section IV-B; Hori et al. 2017).

    A hypothesis scores `ctc_weight` times CTC's log-probability of all texts that begin with it
    plus the rest times the decoder's. memory [1, T, D]; ctc: log-probabilities [T, C].
    """
    prefixes = torch.full((1, 1), BLANK, device=memory.device)
    state, attention = CTCPrefix.start(ctc), np.zeros(1)
    best, text = -np.inf, []
    for _ in range(min(len(ctc) + 1, MOST_CHARACTERS)):
        logits = model.next_logits(prefixes, memory.expand(len(prefixes), -1, -1))[:, -1]
        following = attention[:, None] + logits.log_softmax(-1).cpu().double().numpy()
        joint = ((1 - options.ctc_weight) * following
                 + options.ctc_weight * state.prefix_scores())
        ending = joint[:, BLANK].argmax()  # the decoder's blank ends a hypothesis
        if joint[ending, BLANK] > best:
            best, text = float(joint[ending, BLANK]), prefixes[ending, 1:].tolist()
        longer = np.delete(joint, BLANK, axis=1)
        chosen = np.argsort(-longer, axis=None, kind="stable")[: options.beam]
        rows, characters = np.unravel_index(chosen, longer.shape)
        characters = characters + 1  # the blank is character 0
        if joint[rows[0], characters[0]] < best:  # scores only fall: nothing better can follow
            break
        state = state.advance(rows, characters)
        attention = following[rows, characters]
        prefixes = torch.cat([prefixes[torch.from_numpy(rows)],
                              torch.from_numpy(characters)[:, None].to(prefixes)], dim=1)
    return read(text)


@dataclass
class CTCPrefix:
    """CTC's scores of growing texts (Watanabe et al. 2017, algorithm 2), all hypotheses at once.

    Attributes:
        ctc: log-probabilities [T, C].
        label, blank: log-probability [T, B] that the first t + 1 frames say exactly the hypothesis
            and end in its last character, or in a blank.
        last: its last character [B]; the blank before the first.
    """

    ctc: Scores
    label: Scores
    blank: Scores
    last: NDArray[np.int64]

    @classmethod
    def start(cls, ctc: Scores) -> CTCPrefix:
        """The empty hypothesis."""
        silent = np.cumsum(ctc[:, BLANK])[:, None]
        return cls(ctc, np.full_like(silent, NEVER), silent, np.array([BLANK]))

    def prefix_scores(self) -> Scores:
        """Log-probability [B, C] of texts that begin with each hypothesis and each character.

        At the blank: of the hypothesis itself, as the whole text.
        """
        both = np.logaddexp(self.label, self.blank)
        before = np.concatenate([self._nothing(), both[:-1]])           # [T, B]
        repeated = np.concatenate([self._nothing(), self.blank[:-1]])
        same = np.eye(len(CHARACTERS), dtype=bool)[self.last]           # [B, C]
        ways = np.where(same[None], repeated[..., None], before[..., None])
        scores = np.logaddexp.reduce(ways + self.ctc[:, None], axis=0)
        scores[:, BLANK] = both[-1]
        return scores

    def _nothing(self) -> Scores:
        """What the frames before the first say [1, B]: the empty text, and nothing else."""
        return np.where(self.last == BLANK, 0.0, NEVER)[None]

    def advance(self, rows: NDArray[np.int64], characters: NDArray[np.int64]) -> CTCPrefix:
        """Hypotheses `rows` [B'], each longer by a character [B']."""
        both = np.logaddexp(self.label, self.blank)[:, rows]
        nothing = self._nothing()[:, rows]
        enter = np.where(characters == self.last[rows], self.blank[:, rows], both)
        enter = np.concatenate([nothing, enter[:-1]]) + self.ctc[:, characters]
        label, blank = np.empty_like(enter), np.empty_like(enter)
        said, silent = np.full(len(rows), NEVER), np.full(len(rows), NEVER)
        for t, scores in enumerate(self.ctc):
            silent = np.logaddexp(said, silent) + scores[BLANK]
            said = np.logaddexp(enter[t], said + scores[characters])
            label[t], blank[t] = said, silent
        return CTCPrefix(self.ctc, label, blank, characters)
