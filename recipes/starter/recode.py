"""AR, NAR and decoder of one codec as a start for those of another, whose frames are as long or
longer.

    python recipes/starter/recode.py OUT MODEL CODEC --old PREPARED ... --new PREPARED ...

MODEL is the trained voice, CODEC the new codec (codebooks.py); --old and --new are the same corpora
prepared with either. A new code begins as the mean of the codes that the old codec has in its
place, and the decoder's first layer is fitted by least squares to what the old encoder and the
decoder's old first layer make of the same spectra. All else is kept, and a fraction of the training
brings it back. OUT gets model.json with `ar`, `nar` and `codec`, for `--init OUT`.
"""
from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F

from codec.spectral import SpectralCodec
from valle.data.held_out import read_patterns, split_speakers
from valle.data.manifest import Prepared, load_samples
from valle.model.ar import AR
from valle.model.checkpoint import load_ar, load_nar, save_ar, save_nar
from valle.model.nar import NAR

HELD_OUT = Path(__file__).with_name("held_out.txt")
FITTED = 300  # utterances that the decoder's first layer is fitted to


def paired(old: Prepared, new: Prepared) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes [Q, T, R] of the old codec and [Q', T] of the new one, for the same T stretches."""
    ratio = new.spec.hop // old.spec.hop
    if not ratio or new.spec.hop % old.spec.hop:
        raise ValueError(f"a new frame must last whole old ones: {new.spec.hop} samples, "
                         f"{old.spec.hop}")
    others = {utterance.id: utterance for utterance in new.utterances}
    before, after = [], []
    for utterance in old.utterances:
        if utterance.id in others:
            codes = torch.from_numpy(old.codes(utterance)).long()
            fresh = torch.from_numpy(new.codes(others[utterance.id])).long()
            frames = min(codes.shape[1] // ratio, fresh.shape[1])
            before.append(codes[:, : frames * ratio].unflatten(1, (frames, ratio)))
            after.append(fresh[:, :frames])
    if not before:
        raise ValueError("--old and --new have no utterance in common")
    return torch.cat(before, dim=1), torch.cat(after, dim=1)


def means(vectors: torch.Tensor, codes: torch.Tensor, size: int) -> torch.Tensor:
    """Mean [V, D] of the vectors [T, D] of each code [T]; zeros where a code is not used."""
    sums = vectors.new_zeros(size, vectors.shape[1]).index_add_(0, codes, vectors)
    return sums / torch.bincount(codes, minlength=size)[:, None].clamp(min=1)


@torch.no_grad()
def recode_ar(ar: AR, before: torch.Tensor, after: torch.Tensor) -> None:
    """Embeddings of the new codes of codebook 1, as far apart as the old ones."""
    table = ar.embed_tokens.weight[ar.ids.first_code:]
    found = means(table[before[0]].mean(1), after[0], len(table))
    centred = found - found.mean(0)
    table.copy_(found.mean(0) + centred * table.std() / centred.std())


@torch.no_grad()
def recode_nar(nar: NAR, before: torch.Tensor, after: torch.Tensor) -> None:
    """Embeddings of the new codes: a residual quantizer of the sums of the old ones."""
    old = nar.tables.clone()
    rest = torch.stack([table[codes] for table, codes in zip(old, before, strict=False)]).sum(
        0).mean(1)
    for book, table in enumerate(nar.tables):
        found = means(rest, after[book], len(table))
        rest = rest - found[after[book]]
        # The heads are tied to these tables: those of later books must not begin as nothing.
        table.copy_(found * old[book].std() / found.std() if book else found)


@torch.no_grad()
def recode_decoder(old: SpectralCodec, new: SpectralCodec, prepared: Prepared) -> SpectralCodec:
    """The new codec with the old decoder, its first layer fitted to its own spectra."""
    config = replace(new.config, **{name: getattr(old.config, name) for name in (
        "decoder_width", "decoder_blocks", "decoder_attend_every", "decoder_phones",
        "filter_window")})
    codec = SpectralCodec(config)
    codec.load_state_dict({name: tensor for name, tensor in new.state_dict().items()
                           if not name.startswith("decoder.")}, strict=False)
    kept = {name: tensor for name, tensor in old.decoder.state_dict().items()
            if not name.startswith("embed.")}
    codec.decoder.load_state_dict(kept, strict=False)
    size = 3 * codec.decoder.embed.in_channels + 1
    products = torch.zeros(size, size, dtype=torch.double)
    targets = torch.zeros(size, codec.decoder.embed.out_channels, dtype=torch.double)
    train, _ = split_speakers(prepared.utterances, read_patterns([f"@{HELD_OUT}"]))
    for utterance in train[:: max(1, len(train) // FITTED)]:
        wav = torch.from_numpy(load_samples(utterance))[None]
        wav = wav[:, : wav.shape[1] // new.hop * new.hop]
        frames = codec._unstack(codec.latents(wav))
        wanted = old.decoder.embed(old.latents(wav))[0].T.double()
        padded = F.pad(frames[0].double(), (0, 0, 1, 1))
        around = torch.cat([padded[:-2], padded[1:-1], padded[2:],
                            padded.new_ones(len(padded) - 2, 1)], dim=1)
        products += around.T @ around
        targets += around.T @ wanted
    found = torch.linalg.solve(products + 1e-3 * FITTED * torch.eye(size), targets).float()
    weight = found[:-1].unflatten(0, (3, -1))
    codec.decoder.embed.weight.copy_(weight.permute(2, 1, 0))
    codec.decoder.embed.bias.copy_(found[-1])
    return codec


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("model", type=Path, help="folder of the trained voice")
    parser.add_argument("codec", type=Path, help="folder of the new codec")
    parser.add_argument("--old", type=Path, nargs="+", required=True, help="prepared for MODEL")
    parser.add_argument("--new", type=Path, nargs="+", required=True, help="prepared with CODEC")
    options = parser.parse_args()
    old, new = Prepared.open(options.old), Prepared.open(options.new)
    before, after = paired(old, new)
    ar, vocabulary, _ = load_ar(options.model)
    nar, _, _ = load_nar(options.model)
    recode_ar(ar, before, after)
    recode_nar(nar, before, after)
    codec = recode_decoder(SpectralCodec.load(options.model), SpectralCodec.load(options.codec),
                           new)
    save_ar(options.out, ar, vocabulary, codec.identity)
    save_nar(options.out, nar, vocabulary, codec.identity)
    codec.save(options.out)
    print(f"{options.out}: codec {codec.identity}")


if __name__ == "__main__":
    main()
