"""The starter's codec: shapes, saving, what its identity covers, how its quantizer starts."""
from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from codec import load_codec
from codec.discriminator import Discriminator, spectral_distance
from codec.mel import MelConfig, log_mel
from codec.source import noise, pitch, pulses
from codec.spectral import SpectralCodec, SpectralConfig

SMALL = SpectralConfig(encoder_width=16, encoder_blocks=1, decoder_width=16, decoder_blocks=3,
                       latent=8, n_codebooks=3, codebook_size=16)
STACKED = dataclasses.replace(SMALL, hop=640, stack=2, n_mels=20, encoder_blocks=0, latent=40)


@pytest.fixture(params=[SMALL, STACKED], ids=["encoder", "stacked"])
def codec(request: pytest.FixtureRequest) -> SpectralCodec:
    torch.manual_seed(0)
    codec = SpectralCodec(request.param)
    codec.start_quantizer(codec.latents(torch.randn(4, 24_000) * 0.1))
    return codec.eval()


@pytest.mark.parametrize("samples", [1, 319, 320, 321, 641, 24_000])
def test_frames_are_hops_rounded_up(codec: SpectralCodec, samples: int) -> None:
    codes = codec.encode(torch.randn(2, 1, samples) * 0.1)
    frames = -(-samples // codec.hop)
    assert codes.shape == (2, 3, frames) and codes.dtype == torch.int64
    assert codes.min() >= 0 and codes.max() < 16
    for books in (1, 2, 3):
        assert codec.decode(codes[:, :books]).shape == (2, 1, frames * codec.hop)


def test_a_longer_row_does_not_change_the_frames_before(codec: SpectralCodec) -> None:
    wav = torch.randn(1, 1, 48_000) * 0.1
    whole, part = codec.encode(wav), codec.encode(wav[..., :24_000])
    assert torch.equal(whole[..., :30], part[..., :30])


def test_without_an_encoder_latents_are_the_spectrum_frame_upon_frame() -> None:
    codec, wav = SpectralCodec(STACKED), torch.randn(2, 6400) * 0.1
    mel = (log_mel(wav, MelConfig(n_mels=20)) + 5) / 2.5
    latents = codec.latents(wav)
    assert torch.equal(latents[:, :20], mel[..., 0::2])
    assert torch.equal(latents[:, 20:], mel[..., 1::2])


def test_the_decoder_gets_the_finer_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    codec, heard = SpectralCodec(dataclasses.replace(STACKED, decoder_phones=PHONES)), []
    whole = codec.decoder.forward
    monkeypatch.setattr(codec.decoder, "forward",
                        lambda *given: heard.append(given) or whole(*given))
    latents, said = torch.randn(1, 40, 3), torch.tensor([[2, 0, -1]])
    codec.synthesize(latents, latents, None, said, said)
    frames, voice, phones, voice_phones = heard[0]
    assert torch.equal(frames[0], torch.stack(
        [latents[0, part, t] for t in range(3) for part in (slice(20), slice(20, 40))]))
    assert torch.equal(voice, frames)
    assert phones.tolist() == voice_phones.tolist() == [[2, 2, 0, 0, -1, -1]]


@pytest.mark.parametrize(("changed", "said"), [
    ({"stack": 3}, "hop 640 must be a multiple of stack 3"),
    ({"latent": 80}, "without an encoder it must be stack \\* n_mels, 40"),
    ({"latent": 41, "encoder_blocks": 1}, "latent 41 must be a multiple of stack 2")])
def test_sizes_that_do_not_fit_are_refused(changed: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        dataclasses.replace(STACKED, **changed)


def test_log_mel_of_silence_and_of_a_tone() -> None:
    seconds = torch.arange(24_000) / 24_000
    tone = log_mel(torch.sin(2 * torch.pi * 1000 * seconds)[None])[0]
    assert torch.allclose(log_mel(torch.zeros(1, 24_000)), torch.tensor(1e-4).log())
    top = 2595 * torch.log10(torch.tensor(1 + 12_000 / 700)) / 81  # mel from one filter to the next
    expected = 2595 * torch.log10(torch.tensor(1 + 1000 / 700)) / top - 1
    assert abs(float(tone.mean(dim=1).argmax()) - float(expected)) <= 1


def test_save_and_load_again_and_again(codec: SpectralCodec, tmp_path: Path) -> None:
    codec.save(tmp_path / "a")
    once = SpectralCodec.load(tmp_path / "a")
    once.save(tmp_path / "b")
    twice = load_codec(tmp_path / "b")
    wav = torch.randn(1, 1, 8000) * 0.1
    assert once.identity == twice.identity
    assert torch.equal(once.encode(wav), twice.encode(wav))
    assert torch.equal(once.decode(once.encode(wav)), twice.decode(twice.encode(wav)))


def test_identity_covers_the_codes_and_not_the_decoder(codec: SpectralCodec) -> None:
    before = codec.identity
    with torch.no_grad():
        for parameter in codec.decoder.parameters():
            parameter.add_(0.1)
    assert codec.identity == before
    with torch.no_grad():
        codec.quantizer.vq.layers[2]._codebook.embed[3, 2] += 1e-3
    changed = codec.identity
    assert changed != before
    if codec.encoder is not None:
        with torch.no_grad():
            codec.encoder.embed.weight[0, 0, 0] += 1e-3
        assert codec.identity != changed


def test_codebooks_are_what_codes_stand_for(codec: SpectralCodec) -> None:
    codes = codec.encode(torch.randn(1, 1, 3200) * 0.1)
    summed = sum(codec.codebooks[q][codes[0, q]] for q in range(3))
    assert torch.allclose(codec.quantizer.vq.decode(codes.transpose(0, 1))[0].T, summed, atol=1e-5)


def test_k_means_start_uses_the_codes_and_more_books_are_nearer(codec: SpectralCodec) -> None:
    latents = codec.latents(torch.randn(4, 24_000) * 0.1)
    codes = codec.quantizer.vq.encode(latents)
    errors = [(codec.quantizer.vq.decode(codes[:n]) - latents).square().mean() for n in (1, 2, 3)]
    assert errors[0] > errors[1] > errors[2]
    assert codes[0].unique().numel() >= 12


def test_a_damaged_folder_is_refused_in_one_line(codec: SpectralCodec, tmp_path: Path) -> None:
    codec.save(tmp_path)
    weights = tmp_path / "codec.safetensors"
    weights.write_bytes(weights.read_bytes()[:-500])
    with pytest.raises(ValueError, match="codec.safetensors"):
        SpectralCodec.load(tmp_path)
    with pytest.raises(FileNotFoundError, match="codec"):
        SpectralCodec.load(tmp_path / "nowhere")


def listening(codec: SpectralCodec) -> SpectralCodec:
    """The codec with attention that has learned something: it starts as none at all."""
    for attention in codec.decoder.attention.values():
        torch.nn.init.normal_(attention.out.weight, std=0.3)
    return codec


def test_the_decoder_listens_to_a_voice_whatever_its_length_and_order(codec: SpectralCodec) -> None:
    listening(codec)
    codes, voice, other = (codec.encode(torch.randn(2, 1, n) * 0.1) for n in (6400, 9600, 3200))
    plain, known = codec.decode(codes), codec.decode(codes, voice)
    assert known.shape == plain.shape and not torch.allclose(known, plain)
    assert not torch.allclose(known, codec.decode(codes, other))
    x, embedded = (codec.decoder._embed(codec._unstack(codec.dequantize(c)), None)
                   for c in (codes, voice))
    attention = codec.decoder.attention["2"]
    torch.testing.assert_close(attention(x, embedded), attention(x, embedded.flip(1)))


def test_a_row_listens_to_its_own_voice_alone(codec: SpectralCodec) -> None:
    listening(codec)
    codes, voice = (codec.encode(torch.randn(2, 1, n) * 0.1) for n in (6400, 9600))
    together = codec.decode(codes, voice)
    alone = codec.decode(codes[1:], voice[1:])
    torch.testing.assert_close(alone, together[1:], atol=2e-3, rtol=0)
    swapped = codec.decode(codes[1:], voice[:1])
    assert (swapped - together[1:]).abs().max() > 2e-2


def test_a_codec_saved_before_decoders_listened_loads_and_decodes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    old = SpectralCodec(dataclasses.replace(SMALL, decoder_attend_every=0)).eval()
    old.start_quantizer(old.latents(torch.randn(4, 24_000) * 0.1))
    old.save(tmp_path)
    record = json.loads((tmp_path / "model.json").read_text())["codec"]["config"]
    del record["decoder_attend_every"], record["decoder_phones"]
    (tmp_path / "codec.json").write_text(json.dumps(record))
    (tmp_path / "model.json").unlink()
    codec = SpectralCodec.load(tmp_path)
    codes = codec.encode(torch.randn(1, 1, 6400) * 0.1)
    assert torch.equal(codec.decode(codes), codec.decode(codes, codes))


PHONES = ("<unk>", " ", "a", "b")


def test_a_grown_decoder_sounds_as_before_and_then_learns_phones(codec: SpectralCodec,
                                                                 tmp_path: Path) -> None:
    grown = codec.grown(codec.config.decoder_blocks + 2, PHONES)
    codes = codec.encode(torch.randn(2, 1, 20 * codec.hop) * 0.1)
    said = torch.tensor([[1] * 10 + [2] * 10, [3] * 20])
    assert grown.identity == codec.identity, "models trained on its codes stay valid"
    torch.testing.assert_close(grown.decode(codes, codes, said, said), codec.decode(codes, codes))
    assert grown.decoder.phone is not None
    torch.nn.init.normal_(grown.decoder.phone.weight)
    known, other = grown.decode(codes, None, said), grown.decode(codes, None, said.flip(0))
    assert (known - other).abs().max() > 1e-2
    nobody = torch.full_like(said, -1)
    assert torch.equal(grown.decode(codes, None, nobody), grown.decode(codes))
    grown.save(tmp_path)
    assert SpectralCodec.load(tmp_path).phones == PHONES
    with pytest.raises(ValueError, match="can only grow"):
        grown.grown(1, PHONES)
    with pytest.raises(ValueError, match="keeps its phones"):
        grown.grown(grown.config.decoder_blocks, PHONES[:3])


def test_latents_are_decoded_as_the_codes_they_stand_for(codec: SpectralCodec) -> None:
    codes = codec.encode(torch.randn(2, 1, 6400) * 0.1)
    assert torch.equal(codec.decode(codec.dequantize(codes)), codec.decode(codes))


@pytest.mark.parametrize("hertz", [90.0, 150.0, 300.0])
def test_the_share_of_noise_is_that_of_its_power(hertz: float) -> None:
    codec = SpectralCodec()
    frames, bins = 150, codec.config.filter_window // 2 + 1
    f0 = torch.full((1, frames), hertz)
    source = pulses(f0, codec.sample_rate, codec.hop)
    by_pulses, by_noise = (codec._spectrum(wav).abs().square()[0, 20:-20, 5:-5].mean()
                           for wav in (source, noise(source)))
    for gain in (0.1, 10.0):
        share = codec._share_of_noise(torch.ones(1, bins, frames),
                                      torch.full((1, bins, frames), gain), f0)
        measured = gain ** 2 * by_noise / (gain ** 2 * by_noise + by_pulses)
        assert share.mean() == pytest.approx(float(measured), rel=0.1)


def test_what_trains_the_codec_stays_on_one_device() -> None:
    """Meta tensors stand for a GPU's, which CI has not: they refuse to meet those of the CPU."""
    device = torch.device("meta")
    codec, discriminator = SpectralCodec().to(device), Discriminator().to(device)
    wav = torch.empty(2, 19_200, device=device)
    f0, _ = pitch(wav, codec.sample_rate, codec.hop)
    codes = codec.encode(wav[:, None])
    spoken, scores = codec.synthesize(codec.dequantize(codes), codec.latents(wav), f0)
    losses = (spectral_distance(spoken, wav, codec.sample_rate), discriminator.loss(wav, spoken),
              *discriminator.generator_losses(wav, spoken), scores)
    assert all(loss.device == device for loss in losses)
    with pytest.raises(RuntimeError, match="device"):
        spectral_distance(spoken, torch.zeros(2, 19_200), codec.sample_rate)
