"""The recogniser: its parts against slow references, its search, its training, its commands."""
from __future__ import annotations

import itertools
import json
from pathlib import Path

import jiwer
import numpy as np
import pytest
import soundfile
import torch
from conftest import PROMPT_TEXT, SENTENCES, Corpus

from codec.record import write_part
from g2p import phonemize
from valle import cli
from valle.recognizer.characters import BLANK, CHARACTERS, collapse, plain_phones, read, spell
from valle.recognizer.conformer import Conformer, subsampled
from valle.recognizer.decode import BeamOptions, CTCPrefix, beam_search, pieces, transcribe
from valle.recognizer.listener import RECOGNIZERS, TrainedRecognizer
from valle.recognizer.model import (
    Recognizer,
    RecognizerConfig,
    ctc_loss,
    filterbanks,
    masked_mean,
    teacher_forcing,
)

PHONES = ("a", "b", "c")
A, B = CHARACTERS.index("a"), CHARACTERS.index("b")


def tiny(seed: int = 0) -> Recognizer:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Recognizer(RecognizerConfig(PHONES, width=16, blocks=2, heads=2,
                                           decoder_layers=1)).eval()


# targets

def test_texts_are_spelled_and_read():
    assert read(spell("It's 10:30, Dr. Who!")) == "it's ten thirty doctor who"
    assert spell("...") == [] and BLANK not in spell(PROMPT_TEXT)
    assert plain_phones(["ˈɛ", " ", "ˌaɪ", "t", "."]) == ["ɛ", "aɪ", "t"]


def test_paths_collapse():
    assert collapse([0, 1, 1, 0, 1, 2, 2, 0]) == [1, 1, 2] and collapse([]) == []


# encoder

def test_padding_changes_nothing():
    model, rng = tiny(), np.random.default_rng(0)
    short, long = (torch.from_numpy(rng.normal(0, 0.1, n).astype(np.float32))
                   for n in (9_000, 16_000))
    both = torch.nn.utils.rnn.pad_sequence([short, long], batch_first=True)
    features, frames = filterbanks(both, torch.tensor([9_000, 16_000]))
    alone, one = filterbanks(short[None], torch.tensor([9_000]))
    assert frames.tolist() == [54, 98] and one.tolist() == [54]
    torch.testing.assert_close(features[0, :54], alone[0])
    assert not features[0, 54:].any()
    _, characters, phones, lengths = model(features, frames)
    _, expected, expected_phones, length = model(alone, one)
    assert lengths.tolist() == [14, 25] and length.tolist() == [14]
    torch.testing.assert_close(characters[0, :14], expected[0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(phones[0, :14], expected_phones[0], atol=1e-4, rtol=1e-4)


def test_features_have_mean_zero_and_variance_one():
    wav = torch.randn(1, 16_000, generator=torch.Generator().manual_seed(0)) * 0.1 + 0.02
    features, frames = filterbanks(wav, torch.tensor([16_000]))
    assert frames.item() == features.shape[1] == 98
    torch.testing.assert_close(features.mean(1), torch.zeros(1, 80), atol=1e-4, rtol=0)
    torch.testing.assert_close(features.square().mean(1), torch.ones(1, 80), atol=1e-3, rtol=0)
    x = torch.tensor([[[1.0], [3.0], [9.0]]])
    assert masked_mean(x, torch.tensor([[[True], [True], [False]]])).item() == 2


def test_subsampling_states_what_the_network_does():
    encoder = Conformer(80, 16, 2, 2, 5, 0.0).eval()
    for frames in (1, 3, 4, 5, 8, 97):
        top, middle, lengths = encoder(torch.randn(1, frames, 80), torch.tensor([frames]))
        assert top.shape[1] == middle.shape[1] == lengths.item() == subsampled(
            torch.tensor([frames])).item()


def test_conformer_of_the_paper_has_its_size():
    """Conformer S: 10.3 M parameters with 16 blocks of 144 (table 1), less its LSTM decoder."""
    parameters = sum(p.numel() for p in Conformer(80, 144, 16, 4, 31, 0.1).parameters()) / 1e6
    assert 7.5 < parameters < 9


# losses

def test_ctc_is_the_sum_over_all_paths():
    torch.manual_seed(0)
    log_probs = torch.randn(1, 4, 3).log_softmax(-1)
    target = [1, 2]
    total = torch.logsumexp(torch.stack([
        sum(log_probs[0, t, c] for t, c in enumerate(path))
        for path in itertools.product(range(3), repeat=4) if collapse(path) == target]), 0)
    assert ctc_loss(log_probs, torch.tensor([4]), [target]).item() == pytest.approx(
        -total.item() / 2, abs=1e-5)
    assert ctc_loss(log_probs, torch.tensor([4]), [[1] * 9]).item() == 0, "what cannot fit"


def test_teacher_forcing_shifts_by_one():
    given, wanted = teacher_forcing([[5, 6], [7]])
    assert given.tolist() == [[BLANK, 5, 6], [BLANK, 7, 0]]
    assert wanted.tolist() == [[5, 6, BLANK], [7, BLANK, -100]]


def test_decoder_does_not_see_what_follows():
    model, memory = tiny(), torch.randn(1, 7, 16)
    first = model.next_logits(torch.tensor([[BLANK, A, B]]), memory)
    other = model.next_logits(torch.tensor([[BLANK, A, A]]), memory)
    torch.testing.assert_close(first[:, :2], other[:, :2])
    padded = torch.cat([memory, torch.randn(1, 3, 16)], dim=1)
    torch.testing.assert_close(
        model.next_logits(torch.tensor([[BLANK, A]]), padded, torch.tensor([7])),
        model.next_logits(torch.tensor([[BLANK, A]]), memory), atol=1e-5, rtol=1e-5)


# search

def small_ctc(frames: int, seed: int = 0) -> np.ndarray:
    """Log-probabilities [T, C] that only know the blank, a space, ' and a."""
    scores = np.random.default_rng(seed).normal(size=(frames, len(CHARACTERS)))
    scores[:, 4:] = -40
    return scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)


def by_text(ctc: np.ndarray) -> dict[tuple[int, ...], float]:
    """Probability of every text, by all paths."""
    found: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(4), repeat=len(ctc)):
        text = tuple(collapse(path))
        chance = float(np.exp(sum(ctc[t, c] for t, c in enumerate(path))))
        found[text] = found.get(text, 0.0) + chance
    return found


def test_prefix_scores_are_sums_over_all_texts():
    ctc = small_ctc(5)
    texts = by_text(ctc)
    state = CTCPrefix.start(ctc)
    hypotheses: list[tuple[int, ...]] = [()]
    for rows, characters in (([0, 0, 0], [1, 2, 3]), ([0, 0, 2], [1, 3, 2]), ([0, 1], [2, 3])):
        scores = np.exp(state.prefix_scores())
        for row, hypothesis in enumerate(hypotheses):
            assert scores[row, BLANK] == pytest.approx(texts.get(hypothesis, 0))
            for c in (1, 2, 3):
                longer = (*hypothesis, c)
                assert scores[row, c] == pytest.approx(
                    sum(p for text, p in texts.items() if text[: len(longer)] == longer))
        state = state.advance(np.array(rows), np.array(characters))
        hypotheses = [(*hypotheses[r], c) for r, c in zip(rows, characters, strict=True)]


def test_a_wide_beam_finds_the_likeliest_text():
    model = tiny()
    for seed in range(4):
        ctc, memory = small_ctc(5, seed), torch.randn(1, 5, 16)
        best = max(by_text(ctc).items(), key=lambda item: item[1])[0]
        with torch.no_grad():
            found = beam_search(model, memory, ctc, BeamOptions(beam=200, ctc_weight=1.0))
        assert found == read(best)


def test_joint_search_is_exact_with_a_beam_of_everything():
    model, ctc, memory = tiny(3), small_ctc(3, 1), torch.randn(
        1, 3, 16, generator=torch.Generator().manual_seed(1))
    model.output.bias.data[4:] = -60  # the decoder, too, knows four characters only

    def score(text: tuple[int, ...], chance: float) -> float:
        logits = model.next_logits(torch.tensor([[BLANK, *text]]), memory)[0].log_softmax(-1)
        attention = sum(float(logits[i, c]) for i, c in enumerate((*text, BLANK)))
        return 0.5 * attention + 0.5 * float(np.log(chance))

    with torch.no_grad():
        expected = max(by_text(ctc).items(), key=lambda item: score(*item))[0]
        assert beam_search(model, memory, ctc, BeamOptions(beam=500)) == read(expected)


def test_long_audio_is_cut_where_it_is_quiet():
    wav = torch.ones(40 * 16_000) * 0.1
    wav[12 * 16_000: 12 * 16_000 + 3_200] = 0
    found = pieces(wav)
    assert sum(len(piece) for piece in found) == len(wav)
    assert all(len(piece) <= 15 * 16_000 for piece in found)
    assert 12.0 <= len(found[0]) / 16_000 <= 12.2
    assert pieces(torch.zeros(100)) == []


# files, training, commands

def test_saved_and_loaded(tmp_path: Path):
    model, wav = tiny(), torch.randn(1, 16_000) * 0.1
    model.save(tmp_path / "m", "float32")
    again = Recognizer.load(tmp_path / "m")
    assert again.config == model.config
    given = filterbanks(wav, torch.tensor([16_000]))
    torch.testing.assert_close(again(*given)[1], model(*given)[1])
    with pytest.raises(FileNotFoundError, match="train a recogniser"):
        Recognizer.load(tmp_path)
    write_part(tmp_path / "m", "recognizer", {"config": {"phones": ["a"], "width": 24}})
    with pytest.raises(ValueError, match="damaged or foreign recognizer"):
        Recognizer.load(tmp_path / "m")


@pytest.fixture(scope="module")
def trained(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of train.py that make one: it is stopped in the middle."""
    out = tmp_path_factory.mktemp("recognizer")
    command = ["--stage", "recognizer", "--data", str(corpus.root), "--held-out", "held", "--width",
               "16", "--blocks", "2", "--batch-seconds", "6", "--warmup", "2", "--validate-every",
               "3", "--threads", "1"]
    for folder, stops in (("whole", (3,)), ("resumed", (2, 3))):
        for steps in stops:
            schedule = ["--schedule", "constant", "--steps", str(steps)]
            assert cli.run("train", [*command, *schedule, "--out", str(out / folder)],
                           "train.py") == 0
    return out


def test_a_resumed_run_is_the_uninterrupted_one(trained: Path):
    whole, resumed = ((trained / name / "recognizer.safetensors").read_bytes()
                      for name in ("whole", "resumed"))
    assert whole == resumed
    last = [json.loads(line) for line in (trained / "whole/metrics.jsonl").read_text().splitlines()
            ][-1]
    assert last["valid/per"] >= 0 and {"valid/wer", "valid/cer"} <= set(last)
    spoken = {p for text in SENTENCES for p in plain_phones(phonemize(text))}
    assert set(Recognizer.load(trained / "whole").config.phones) <= spoken


@pytest.mark.slow
def test_a_handful_of_clips_is_learned_by_heart(corpus: Corpus):
    from valle.training.loop import train_step
    from valle.training.stage import LoopConfig
    from valle.training.stages.recognizer import RecognizerStage, RecognizerTraining
    from valle.training.state import Progress

    torch.manual_seed(0)
    stage = RecognizerStage([corpus.root], ["held"], RecognizerTraining(batch_seconds=4, lr=4e-3),
                            {"width": 32, "blocks": 2, "dropout": 0.0})
    stage.train = stage.held = stage.train[:3]
    texts = [read(s.characters) for s in stage.train]
    for group in stage.optimizers["recognizer"].param_groups:
        group["initial_lr"] = group["lr"]
    loop, progress = LoopConfig(Path(), 160, warmup=0, schedule="constant"), Progress()
    while progress.step < loop.steps:
        train_step(stage, loop, progress)
    stage.model.eval()
    heard = [transcribe(stage.model, torch.from_numpy(s.clip.samples)) for s in stage.train]
    assert jiwer.wer(texts, heard) < 0.3, list(zip(texts, heard, strict=True))


def test_transcribe_writes_a_line_for_each_file(trained: Path, prompt: Path, tmp_path: Path,
                                                capsys: pytest.CaptureFixture[str]):
    capsys.readouterr()
    soundfile.write(tmp_path / "silence.wav", np.zeros(8_000, np.float32), 16_000)
    (tmp_path / "broken.wav").write_bytes(b"no audio")
    files = [str(prompt), str(tmp_path / "broken.wav"), str(tmp_path / "silence.wav")]
    assert cli.run("transcribe", ["--model", str(trained / "whole"), "--json", *files],
                   "valle transcribe") == 1
    shown = capsys.readouterr()
    lines = [json.loads(line) for line in shown.out.splitlines()]
    assert [line["file"] for line in lines] == [files[0], files[2]]
    assert "broken.wav" in shown.err and len(shown.err.splitlines()) == 1
    assert cli.run("transcribe", ["--model", str(tmp_path), str(prompt)], "valle transcribe") == 1
    assert "train a recogniser" in capsys.readouterr().err


def test_listeners_by_name(trained: Path):
    listener = RECOGNIZERS.load(str(trained / "whole"))
    assert isinstance(listener, TrainedRecognizer)
    assert listener(np.zeros(24_000, np.float32), 24_000) == listener(
        np.zeros(24_000, np.float32), 24_000)
    assert listener(np.zeros(0, np.float32), 24_000) == []
    with pytest.raises(ValueError, match="no recogniser 'sphinx': give a trained folder"):
        RECOGNIZERS.load("sphinx")
    with pytest.raises(ValueError, match="pocketsphinx takes no model or file"):
        RECOGNIZERS.load("pocketsphinx:large")


@pytest.mark.parametrize("options, message", [
    ({"beam": 0}, "--beam must be"), ({"ctc_weight": 0.0}, "--ctc-weight above 0")])
def test_wrong_beams(options: dict[str, float], message: str):
    with pytest.raises(ValueError, match=message):
        BeamOptions(**options)  # type: ignore[arg-type]


def test_phones_begin_where_their_state_does():
    from valle.recognizer.align import phone_starts

    class Sure(Recognizer):
        """Says blank, a, blank, blank, b, b, c, whatever it hears."""

        def forward(self, features, n_frames):
            path = [0, 1, 0, 0, 2, 2, 3]
            scores = torch.full((1, len(path), 1 + len(PHONES)), -9.0)
            scores[0, torch.arange(len(path)), torch.tensor(path)] = 0.0
            return features, scores, scores, n_frames

    model = Sure(RecognizerConfig(PHONES, width=16, blocks=2, heads=2))
    wav = torch.randn(16_000)
    assert phone_starts(model, wav, ["a", "b", "c"]) == pytest.approx([0.04, 0.16, 0.24])
    with pytest.raises(ValueError, match="does not know the phones x"):
        phone_starts(model, wav, ["a", "x"])
    with pytest.raises(ValueError, match="do not fit"):
        phone_starts(model, wav, ["a"] * 9)
