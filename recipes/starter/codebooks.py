"""The starter's codec before its decoder has learned: codebooks of log-mel frames, by k-means.

    python recipes/starter/codebooks.py OUT FOLDER [FOLDER ...]

There is no encoder to train: a frame of codes stands for two frames of the log-mel spectrum, 37.5 a
second. FOLDERs hold audio of any kind and are read up to --hours, in random order; held-out
speakers (held_out.txt) are left out. Takes five minutes; `valle train decoder --init OUT` goes on.
"""
from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import torch

from codec.spectral import SpectralCodec, SpectralConfig
from valle.data.clips import read_audio
from valle.data.corpora import read_corpus
from valle.data.held_out import read_patterns, split_speakers
from valle.training.stages.codec import load_pcm

HELD_OUT = Path(__file__).with_name("held_out.txt")
CODEC = SpectralConfig(hop=640, stack=2, encoder_blocks=0, latent=160)
FRAMES = 400_000  # that the codebooks are made of, at most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("folders", nargs="+", type=Path, help="corpora")
    parser.add_argument("--hours", type=float, default=6.0, help="how much to read; default 6")
    options = parser.parse_args()
    torch.manual_seed(0)
    codec = SpectralCodec(CODEC)
    found = [one for folder in options.folders for one in read_corpus(folder) if not one.problem]
    train, _ = split_speakers(found, read_patterns([f"@{HELD_OUT}"]))
    load = partial(load_pcm, sample_rate=codec.sample_rate)
    clips = read_audio([one.audio for one in train], load, codec.sample_rate, options.hours,
                       seed=0).values()
    latents = torch.cat([codec.latents(torch.from_numpy(clip / 32768).float()[None])[0]
                         for clip in clips], dim=1)
    if latents.shape[1] < CODEC.codebook_size:
        parser.error(f"{latents.shape[1]} frames are too few for {CODEC.codebook_size} codes")
    chosen = torch.randperm(latents.shape[1])[:FRAMES]
    codec.start_quantizer(latents[None, :, chosen])
    codec.save(options.out)
    print(f"{options.out}: codec {SpectralCodec.load(options.out).identity}")


if __name__ == "__main__":
    main()
