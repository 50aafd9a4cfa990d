"""What the NAR makes of real speech: book 1 as it is, the other books by the model.

    python recipes/starter/fill.py OUT MODEL PREPARED [PREPARED ...]

OUT becomes a prepared folder of the same utterances with these codes, from which `valle train
--stage codec --init CODEC --filled OUT` learns to decode what is spoken in synthesis, not only what
is encoded. Every utterance is filled with another one of its speaker as the prompt, as in
synthesis; a speaker's only one after its own first half, which stays as it is. Needs timings.
Held-out speakers (held_out.txt) are left out. Goes on where it was stopped.
"""
from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from g2p import Vocabulary
from valle.commands.train import read_patterns
from valle.data.batching import split_speakers
from valle.data.manifest import Codes, Prepared, PreparedWriter, Utterance
from valle.engine.kvcache import fast_bfloat16
from valle.engine.select import pick_device
from valle.model.checkpoint import load_nar
from valle.model.nar import NAR, NARBatch, NARRow
from valle.synthesis.decode import fill_books
from valle.synthesis.sampling import SamplingOptions

HELD_OUT = Path(__file__).with_name("held_out.txt")
PROMPT_FRAMES = 225
GROUP = 50  # utterances between two writes


class Filler:
    """Fills the codes of utterances."""

    def __init__(self, nar: NAR, vocabulary: Vocabulary, prepared: Prepared) -> None:
        self.device = pick_device("auto")
        self.nar, self.vocabulary, self.prepared = nar.to(self.device), vocabulary, prepared

    @torch.inference_mode()
    def __call__(self, utterance: Utterance, prompt: Utterance | None) -> Codes:
        """Codes [Q, T] of the utterance; without a prompt its own first half is one."""
        phones, codes, durations = self._parts(utterance)
        heard = codes.shape[1] // 2
        if prompt is not None:
            before, known, lasting = self._parts(prompt)
            heard = min(PROMPT_FRAMES, prompt.frames)
            cut = np.diff(np.minimum(np.cumsum([0, *lasting]), heard))  # phones that lie within
            begun = int(np.count_nonzero(np.cumsum(cut) < heard)) + 1
            phones, codes = before[:begun] + phones, np.hstack([known[:, :heard], codes])
            durations = [*cut[:begun], *durations]
        batch = NARBatch.pad([NARRow(phones, codes, heard, durations)], self.nar.config,
                             self.device)
        half = fast_bfloat16(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            filled = fill_books(self.nar, batch, SamplingOptions().nar_guidance)[0].cpu()
        return filled[:, -utterance.frames:].numpy().astype(np.int16)

    def _parts(self, utterance: Utterance) -> tuple[list[int], Codes, list[int]]:
        """(phones [L], codes [Q, T], frames of each phone [L])."""
        return (self.vocabulary.encode(utterance.phones or []), self.prepared.codes(utterance),
                utterance.durations or [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="prepared folder to write")
    parser.add_argument("model", type=Path, help="folder with a NAR")
    parser.add_argument("prepared", nargs="+", type=Path, help="folders from `valle prepare`")
    parser.add_argument("--hours", type=float, default=3.0, help="how much; default 3")
    options = parser.parse_args()
    torch.set_num_threads(1)
    nar, vocabulary, identity = load_nar(options.model)
    prepared = Prepared.open(options.prepared)
    train, _ = split_speakers(prepared.utterances, read_patterns([f"@{HELD_OUT}"]))
    timed = [u for u in train if u.durations and u.seconds > 1.6]
    chance = random.Random(0)
    chance.shuffle(timed)
    by_speaker: dict[str, list[Utterance]] = {}
    for u in timed:
        by_speaker.setdefault(u.speaker, []).append(u)
    timed.sort(key=lambda u: by_speaker[u.speaker].index(u))  # all voices, again and again
    total = np.cumsum([u.seconds for u in timed]) / 3600
    chosen = timed[: int(np.searchsorted(total, options.hours))]
    fill = Filler(nar, vocabulary, prepared)
    writer = PreparedWriter(options.out, {"codec": identity, "source": str(options.model)},
                            nar.config.n_codebooks)
    left = [u for u in chosen if u.id not in writer.done]
    with tqdm(total=len(left), unit="utterance") as bar:
        for first in range(0, len(left), GROUP):
            group, codes = left[first: first + GROUP], []
            for u in group:
                others = [o for o in by_speaker[u.speaker] if o is not u]
                codes.append(fill(u, chance.choice(others) if others else None))
                bar.update()
            writer.add(group, codes, [])
    writer.close("finished")


if __name__ == "__main__":
    main()
