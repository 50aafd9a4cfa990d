"""Speaker encoders and what trains them, against Kaldi, the papers' sizes and values by hand."""
from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import file_limit

from codec.audio import load_audio
from codec.record import write_part
from valle.features.augment import (
    Augmentation,
    add_noise,
    change_speed,
    coloured_noise,
    reverberate,
    spec_augment,
)
from valle.features.fbank import fbank
from valle.speaker.deep_speaker import DeepSpeakerGRU, DeepSpeakerResCNN, clipped_relu
from valle.speaker.ecapa import AttentiveStatistics, EcapaTDNN
from valle.speaker.encoder import ENCODERS, TrainedEncoder
from valle.speaker.heads import SCALE, Head
from valle.speaker.model import NETWORKS, SpeakerConfig, SpeakerModel
from valle.speaker.triplets import NEAREST, EmbeddingBank, triplet_loss

EXAMPLES = Path(__file__).parents[1] / "examples"
TINY = {"ecapa": 16, "deep-speaker-rescnn": 4, "deep-speaker-gru": 16}


@pytest.fixture(scope="module")
def alto() -> np.ndarray:
    return load_audio(EXAMPLES / "alto.wav", 16_000)


def tiny(model: str) -> SpeakerModel:
    torch.manual_seed(0)
    return SpeakerModel(SpeakerConfig(model, TINY[model])).eval()


# --- features ------------------------------------------------------------------------------------

@pytest.mark.parametrize("window", ["povey", "hamming"])
@pytest.mark.parametrize("n_mels", [64, 80])
def test_fbank_equals_kaldi(window: str, n_mels: int, alto: np.ndarray) -> None:
    knf = pytest.importorskip("kaldi_native_fbank", reason="pip install kaldi-native-fbank")
    options = knf.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.snip_edges = True
    options.frame_opts.window_type = window
    options.mel_opts.num_bins = n_mels
    kaldi = knf.OnlineFbank(options)
    kaldi.accept_waveform(16_000, (alto * 32768).tolist())
    kaldi.input_finished()
    expected = np.stack([kaldi.get_frame(i) for i in range(kaldi.num_frames_ready)])
    found = fbank(torch.from_numpy(alto)[None], n_mels, window)[0].numpy()
    assert found.shape == expected.shape == (1 + (len(alto) - 400) // 160, n_mels)
    np.testing.assert_allclose(found, expected, atol=5e-3)


def test_fbank_refuses_what_it_cannot_read() -> None:
    with pytest.raises(ValueError, match="399 samples are less than one frame"):
        fbank(torch.zeros(1, 399))
    with pytest.raises(ValueError, match="choose povey or hamming"):
        fbank(torch.zeros(1, 400), window="hann")


# --- networks ------------------------------------------------------------------------------------

@pytest.mark.parametrize("network, channels, millions", [
    (EcapaTDNN, 512, 6.2), (EcapaTDNN, 1024, 14.7), (DeepSpeakerResCNN, 64, 24),
    (DeepSpeakerGRU, 1024, 23)])
def test_sizes_are_those_of_the_papers(network: type, channels: int, millions: float) -> None:
    with torch.device("meta"):
        count = sum(p.numel() for p in network(channels).parameters())
    assert abs(count / 1e6 - millions) < (0.05 if millions < 20 else 0.5)


@pytest.mark.parametrize("name", NETWORKS)
def test_embeddings_have_unit_length_whatever_the_clip(name: str) -> None:
    model, wav = tiny(name), 0.1 * torch.randn(2, 16_000)
    features = model.features(wav)
    assert features.shape == (2, 98, 80 if name == "ecapa" else 64)
    torch.testing.assert_close(features.mean(dim=1), torch.zeros(2, features.shape[2]), atol=1e-4,
                               rtol=0)
    for size in (400, 8_000, 16_000):
        embedding = model.embed(wav[:, :size])
        assert embedding.shape == (2, 192 if name == "ecapa" else 512)
        torch.testing.assert_close(embedding.norm(dim=1), torch.ones(2))
    alone = model.embed(wav[:1])
    torch.testing.assert_close(alone, model.embed(wav)[:1], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(alone, model.embed(0.5 * wav[:1]), atol=1e-3, rtol=1e-2)


def test_clipped_relu_stops_at_twenty() -> None:
    x = torch.tensor([-3.0, 0.0, 7.5, 20.0, 91.0])
    assert clipped_relu(x).tolist() == [0.0, 0.0, 7.5, 20.0, 20.0]


def test_even_attention_gives_mean_and_deviation() -> None:
    pool = AttentiveStatistics(8).eval()
    torch.nn.init.zeros_(pool.attention[-1].weight)
    x = torch.randn(3, 8, 50)
    expected = torch.cat([x.mean(dim=2), x.std(dim=2, correction=0)], dim=1)
    torch.testing.assert_close(pool(x), expected)


def test_every_weight_learns() -> None:
    for name in NETWORKS:
        model = tiny(name).train()
        model(model.features(torch.randn(4, 8_000))).square().mean().backward()
        idle = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
        # A shift before a softmax over time, or one that normalisation removes, has no effect.
        assert all(n.endswith("bias") for n in idle), idle


def test_a_small_ecapa_fits_four_mebibytes(tmp_path: Path) -> None:
    SpeakerModel(SpeakerConfig("ecapa", 384)).save(tmp_path, "int8")
    assert sum(p.stat().st_size for p in tmp_path.iterdir()) <= 4 << 20


# --- folders -------------------------------------------------------------------------------------

@pytest.mark.parametrize("precision, closeness", [("float32", 1 - 1e-6), ("float16", 0.9999),
                                                  ("int8", 0.999)])
def test_a_saved_encoder_hears_the_same(precision: str, closeness: float, alto: np.ndarray,
                                        tmp_path: Path) -> None:
    model = tiny("ecapa").train()
    model.embed(torch.randn(4, 8_000))  # so that batch normalisation has seen something
    model.eval().save(tmp_path, precision)
    before, after = TrainedEncoder(model), ENCODERS.load(str(tmp_path))
    assert before(alto, 16_000) @ after(alto, 16_000) > closeness
    assert not after(np.zeros(16_000, np.float32), 16_000).any()
    assert not after(alto[:100], 16_000).any()


def test_bad_folders_and_shapes_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no speaker in .*valle train speaker"):
        ENCODERS.load(str(tmp_path))
    tiny("ecapa").save(tmp_path)
    write_part(tmp_path, "speaker", {"config": {"model": "ecapa", "channels": 24}})
    with pytest.raises(ValueError, match="damaged or foreign speaker"):
        ENCODERS.load(str(tmp_path))
    for given, said in (({"model": "x"}, "--model x: choose ecapa"),
                        ({"channels": -1}, "channels -1: must be 0 to 16384")):
        with pytest.raises(ValueError, match=said):
            SpeakerConfig(**given)
    with pytest.raises(ValueError, match="--channels 12: ecapa needs a multiple of 8"):
        EcapaTDNN(12)
    with file_limit(1000), pytest.raises(OSError, match="safetensors"):
        tiny("ecapa").save(tmp_path / "full")


# --- heads ---------------------------------------------------------------------------------------

def head(kind: str) -> Head:
    """Two speakers, along the axes of a plane."""
    made = Head(kind, 2, 2)
    made.weight.data = torch.tensor([[3.0, 0.0], [0.0, 0.5]])
    return made


@pytest.mark.parametrize("kind, degrees, true", [
    ("am", 60, 0.5 - 0.35),
    ("aam", 60, math.cos(math.pi / 3 + 0.2)),
    ("aam", 175, math.cos(math.radians(175)) - 0.2 * math.sin(0.2)),
    ("sphereface", 30, (math.cos(math.radians(120)) + 5 * math.cos(math.radians(30))) / 6),
    ("sphereface", 60, (-1.5 + 5 * 0.5) / 6),        # psi(60) = -cos(240) - 2
    ("sphereface", 170, (math.cos(math.radians(680)) * -1 - 6
                         + 5 * math.cos(math.radians(170))) / 6)])
def test_margins_by_hand(kind: str, degrees: float, true: float) -> None:
    angle = math.radians(degrees)
    embedding = 7 * torch.tensor([[math.cos(angle), math.sin(angle)]])
    logits = head(kind).logits(embedding, torch.tensor([0]))[0].detach()
    assert logits.tolist() == pytest.approx([32 * true, 32 * math.sin(angle)], abs=1e-3)
    loss = float(head(kind)(embedding, torch.tensor([0])).detach())
    assert loss == pytest.approx(-math.log(1 / (1 + math.exp(float(logits[1] - logits[0])))),
                                 rel=1e-3)


def test_softmax_is_an_affine_layer() -> None:
    made = head("softmax")
    made.bias.data = torch.tensor([0.25, -1.0])  # type: ignore[union-attr]
    assert made.logits(torch.tensor([[2.0, 4.0]]), torch.tensor([1])).tolist() == [[6.25, 1.0]]


@pytest.mark.parametrize("kind", ["am", "aam", "sphereface"])
def test_margins_only_make_it_harder_and_never_turn_back(kind: str) -> None:
    cosine = torch.linspace(-1, 1, 400)
    penalised = head(kind).penalised(cosine)
    assert bool((penalised.diff() > -1e-5).all()) and bool((penalised <= cosine + 1e-3).all())
    assert SCALE == 32


def test_an_unknown_head_is_refused() -> None:
    with pytest.raises(ValueError, match="--head arc: choose softmax, am, aam, sphereface"):
        Head("arc", 2, 2)


# --- triplets ------------------------------------------------------------------------------------

def test_triplet_loss_by_hand() -> None:
    a, p, n = torch.tensor([[2.0, 0.0], [1.0, 0.0]]), torch.tensor([[3.0, 4.0], [1.0, 0.0]]), \
        torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert float(triplet_loss(a, p, n)) == pytest.approx((1 - 0.6 + 0.1 + 0) / 2)


def test_near_negatives_are_those_of_a_brute_force_search() -> None:
    rng = np.random.default_rng(0)
    embeddings, speakers = rng.normal(size=(90, 8)), rng.integers(12, size=90)
    bank = EmbeddingBank(90, 8)
    bank.refresh(torch.from_numpy(embeddings).float(), torch.arange(90), torch.from_numpy(speakers))
    rows = rng.permutation(90)[:20]
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    count = round(NEAREST * min(sum(speakers != speakers[row]) for row in rows))
    for place in (0, 7, count - 1):
        draws = torch.full((20,), (place + 0.5) / count)
        found = bank.near_negatives(torch.from_numpy(rows), draws).tolist()
        for row, negative in zip(rows, found, strict=True):
            others = [i for i in range(90) if speakers[i] != speakers[row]]
            assert negative == sorted(others, key=lambda i: -(unit[row] @ unit[i]))[place]


# --- augmentation --------------------------------------------------------------------------------

def test_noise_is_as_loud_as_asked(alto: np.ndarray) -> None:
    noise = coloured_noise(len(alto), 1.0, np.random.default_rng(0))
    added = add_noise(alto, noise, 10.0) - alto
    assert 10 * np.log10(np.mean(alto ** 2) / np.mean(added ** 2)) == pytest.approx(10, abs=0.01)
    assert np.array_equal(add_noise(alto, np.zeros_like(alto), 10.0), alto)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_noise_has_its_colour(exponent: float) -> None:
    power = np.abs(np.fft.rfft(coloured_noise(1 << 17, exponent, np.random.default_rng(1)))) ** 2
    bands = [np.log2(power[low: 2 * low].mean()) for low in (256, 1024, 4096, 16384)]
    assert np.diff(bands) / 2 == pytest.approx([-exponent] * 3, abs=0.15)


def test_reverberation_dies_away_in_its_time() -> None:
    click = np.zeros(32_000, np.float32)
    click[0] = 1
    wet = reverberate(click, 0.4, np.random.default_rng(0))
    assert wet.shape == click.shape and np.linalg.norm(wet) == pytest.approx(1, rel=1e-3)
    assert np.abs(wet).argmax() == 0 and not wet[6_500:].max() > 1e-3
    early, late = (np.mean(wet[a: a + 800] ** 2) for a in (400, 3_600))  # 0.2 s apart
    assert 10 * np.log10(early / late) == pytest.approx(30, abs=4)


def test_speed_moves_the_pitch() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000).astype(np.float32)
    fast = change_speed(tone, 1.1)
    assert len(fast) == pytest.approx(16_000 / 1.1, abs=2)
    peak = np.abs(np.fft.rfft(fast)).argmax() * 16_000 / len(fast)
    assert peak == pytest.approx(1100, abs=2)
    assert change_speed(tone, 1.0) is tone


def test_spec_augment_zeroes_bands_and_leaves_the_rest() -> None:
    features = torch.randn(40, 60, 80)
    masked = spec_augment(features, Augmentation(), np.random.default_rng(0))
    widths = []
    for before, after in zip(features, masked, strict=True):
        rows, columns = (after == 0).all(dim=1), (after == 0).all(dim=0)
        assert int(rows.sum()) <= 10 and int(columns.sum()) <= 8
        kept = ~rows[:, None] & ~columns
        assert torch.equal(before[kept], after[kept]) and not after[~kept].any()
        widths.append(int(rows.sum()))
    assert 0 in widths and 10 in widths and bool((features != 0).all())


def test_augmented_speech_follows_from_the_seed(alto: np.ndarray) -> None:
    change = Augmentation(noise=1, reverberation=1)
    twice = [change(alto, [alto[::-1]], np.random.default_rng(3)) for _ in range(2)]
    assert np.array_equal(*twice) and not np.array_equal(twice[0], alto)
    other = change(alto, [alto[::-1]], np.random.default_rng(4))
    assert not np.array_equal(twice[0], other) and other.shape == alto.shape
    assert float(F.cosine_similarity(*(torch.from_numpy(x)[None] for x in (other, alto)))) > 0.2
