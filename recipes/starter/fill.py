"""What AR and NAR make of real speech: latents as in synthesis, of which the recording is known.

    python recipes/starter/fill.py OUT MODEL PREPARED [PREPARED ...]

OUT gets ID.npy for each utterance: what the NAR expects of its frames (latents [D, T], float16).
It is sampled as the model's model.json says ("sampling"), which is how it will speak.
From these `valle train decoder --filled OUT` learns to decode what is spoken in synthesis,
not only what is encoded; filled.json names their codec. Every utterance is filled with another one
of its speaker as the prompt, as in synthesis; a speaker's only one after its own first half, which
stays as it is. Of half of the utterances book 1 is drawn by the AR as well, each code after the
true ones before it (teacher forcing keeps the timing, so that the recording still fits); of the
other half it is the true one. Needs timings. Held-out speakers (held_out.txt) are left out. Goes on
where it was stopped.
"""
from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from codec.files import atomic_path
from codec.record import from_record
from valle.data.held_out import read_patterns, split_speakers
from valle.data.lock import locked
from valle.data.manifest import Codes, Prepared, Utterance
from valle.engine.kvcache import fast_bfloat16
from valle.engine.select import pick_device
from valle.model.checkpoint import Model, load_model
from valle.model.nar import NARBatch, NARRow
from valle.synthesis.decode import fill_latents
from valle.synthesis.options import SamplingOptions
from valle.synthesis.sampling import draw, truncate

HELD_OUT = Path(__file__).with_name("held_out.txt")
PROMPT_SECONDS = 3.0


class Filler:
    """Fills the codes of utterances."""

    def __init__(self, model: Model, prepared: Prepared) -> None:
        self.device = pick_device("auto")
        self.ar, self.nar = model.ar.to(self.device), model.nar.to(self.device)
        self.codebooks = model.codec.codebooks.to(self.device)
        self.vocabulary, self.prepared = model.vocabulary, prepared
        self.sampling = from_record(SamplingOptions, model.sampling)

    @torch.inference_mode()
    def __call__(self, utterance: Utterance, prompt: Utterance | None, drawn: bool,
                 ) -> NDArray[np.float16]:
        """Latents [D, T] of the utterance; without a prompt its own first half is one.

        drawn: book 1 by the AR as well.
        """
        phones, codes, durations = self._parts(utterance)
        heard = codes.shape[1] // 2
        if prompt is not None:
            before, known, lasting = self._parts(prompt)
            heard = min(self.prepared.spec.frames(PROMPT_SECONDS), prompt.frames)
            cut = np.diff(np.minimum(np.cumsum([0, *lasting]), heard))  # phones that lie within
            begun = int(np.count_nonzero(np.cumsum(cut) < heard)) + 1
            phones, codes = before[:begun] + phones, np.hstack([known[:, :heard], codes])
            durations = [*cut[:begun], *durations]
        half = fast_bfloat16(self.device)
        if drawn:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
                codes = codes.copy()
                codes[0, heard:] = self._drawn(phones, durations, codes[0].tolist(), heard)
        batch = NARBatch.pad([NARRow(phones, codes, heard, durations)], self.nar.config,
                             self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            filled = fill_latents(self.nar, batch, self.codebooks, self.sampling.nar_guidance,
                                  self.sampling.nar_temperature)
        return filled[0, :, -utterance.frames:].cpu().numpy().astype(np.float16)

    def _drawn(self, phones: list[int], durations: list[int], codes: list[int], heard: int,
               ) -> NDArray[np.int16]:
        """Book 1 after `heard` frames as the AR draws each code after the true ones before it."""
        ids, options = self.ar.ids, self.sampling
        spoken = torch.tensor(ids.interleave(phones, durations, codes))
        is_code = spoken >= ids.first_code
        target = is_code.cumsum(0) > heard
        blind = spoken.where(is_code, ids.first_phone)[target]  # without text and prompt
        known = self._logits(ids.prefix("en-us", phones), spoken)[target & is_code]
        twin = self._logits(ids.prefix("en-us", [0] * len(phones)), blind)[is_code[target]]
        led = truncate((known + (options.guidance - 1) * (known - twin)) / options.temperature,
                       options.top_k, options.top_p)
        return draw(led, torch.rand(len(led), dtype=torch.float64)).numpy().astype(np.int16)

    def _logits(self, prefix: list[int], spoken: torch.Tensor) -> torch.Tensor:
        """Logits [N, V] of the codes in the place of each of the tokens [N] after a prefix."""
        tokens = torch.cat([torch.tensor(prefix), spoken])[None].to(self.device)
        logits = self.ar(tokens)[0, len(prefix) - 1: -1, self.ar.ids.first_code:]
        return logits.float().cpu()

    def _parts(self, utterance: Utterance) -> tuple[list[int], Codes, list[int]]:
        """(phones [L], codes [Q, T], frames of each phone [L])."""
        return (self.vocabulary.encode(utterance.phones or []), self.prepared.codes(utterance),
                utterance.durations or [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("model", type=Path, help="folder with codec, AR and NAR")
    parser.add_argument("prepared", nargs="+", type=Path, help="folders from `valle prepare`")
    parser.add_argument("--hours", type=float, default=3.0, help="how much; default 3")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = load_model(options.model)
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
    fill = Filler(model, prepared)
    with locked(options.out, "filling"):
        with atomic_path(options.out / "filled.json") as path:
            about = {"codec": model.codec.identity, "source": str(options.model)}
            path.write_text(json.dumps(about) + "\n")
        for u in tqdm(chosen, unit="utterance"):
            others = [o for o in by_speaker[u.speaker] if o is not u]
            prompt, drawn = chance.choice(others) if others else None, chance.random() < .5
            target = options.out / f"{u.id}.npy"
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                with atomic_path(target) as path, path.open("wb") as file:
                    np.save(file, fill(u, prompt, drawn))


if __name__ == "__main__":
    main()
