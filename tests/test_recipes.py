"""The starter recipe's own parts: teachers, timings, texts by Whisper."""
from __future__ import annotations

import dataclasses
import difflib
import itertools
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
import torch
from conftest import Corpus

from codec import CodecSpec, load_audio
from codec.spectral import SpectralCodec
from g2p import BOUNDARIES, Vocabulary, phonemize
from valle.data.corpora import read_corpus
from valle.data.manifest import Prepared, Utterance
from valle.data.preparation import Preparation
from valle.data.prepare import prepare
from valle.model.aligner import Aligner
from valle.model.ar import AR
from valle.model.config import ARConfig, size
from valle.recognizer.whisper import weights_folder

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "recipes" / "starter"))


def test_flite_segments_lie_over_espeak_phones() -> None:
    from timings import lay_over, parse_segments

    segments = parse_segments("pau:0.2 hh:0.3 ax:0.35 l:0.45 ow:0.6 pau:0.8")
    ends, lost = lay_over(segments, [" ", "h", "ə", "l", "ˈoʊ", "."])
    assert ends == pytest.approx([0.2, 0.3, 0.35, 0.45, 0.6, 0.8])
    assert lost == 0


def test_a_phone_that_flite_does_not_say_shares_the_time_of_the_one_before() -> None:
    from timings import lay_over

    ends, lost = lay_over([("pau", 0.1), ("t", 0.3), ("pau", 0.4)], [" ", "t", "n", "."])
    assert ends == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert lost == pytest.approx(0.5)


@pytest.fixture(scope="module")
def prose() -> list[str]:
    """Four hundred sentences of novels and encyclopedias."""
    with open(ROOT / "recipes" / "protocols" / "small.jsonl", encoding="utf-8") as file:
        texts: list[str] = json.loads(file.readline())["distractors"]
    return texts


def test_drills_are_of_every_kind_and_can_be_spoken(prose: list[str]) -> None:
    from drills import drills

    found = drills(prose, 140)
    assert found == drills(prose, 140) and len(set(found)) == 140
    spelled = [text for text in found if re.search(r"\b[A-Z] [A-Z]\b", text)]
    single = [text for text in found if len(text.split()) == 1]
    again = [text for text in found if re.search(r"\b(\w+)(,? \1\b){2}", text.lower())]
    long = [text for text in found if len(text.split()) > 20]
    assert all(len(kind) >= 10 for kind in (spelled, single, again, long))
    assert not any(re.search(r"\d|,,| \.", text) for text in found)
    assert all(any(phone not in BOUNDARIES for phone in phonemize(text)) for text in found)


def test_no_drill_is_a_text_of_the_evaluation(prose: list[str]) -> None:
    from drills import drills

    hard = {line.split("\t")[1].strip(" .!?\n").lower() for line in
            (ROOT / "recipes" / "protocols" / "hard.txt").read_text().splitlines()}
    assert len(hard) == 100
    assert not [text for text in drills(prose, 300) if " " in text
                and text.strip(" .!?").lower() in hard]


def test_time_between_words_goes_to_the_boundary_or_to_the_phone_before() -> None:
    pytest.importorskip("pocketsphinx", reason="needs pocketsphinx")
    from listen import durations

    rate, frame = 75.0, 1 / 75.0
    phones = [" ", "ˈaɪ", " ", "æ", "m", "."]
    times = [(2 * frame, 5 * frame), (9 * frame, 12 * frame), (12 * frame, 14 * frame)]
    assert durations(times, phones, 20, rate) == [2, 3, 4, 3, 2, 6]
    assert durations(times, ["ˈaɪ", " ", "æ", "m"], 20, rate) == [5, 4, 3, 8]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["alto", "tenor", "bass"])
def test_pocketsphinx_hears_the_phones_where_the_aligner_does(name: str) -> None:
    pytest.importorskip("pocketsphinx", reason="needs pocketsphinx")
    from listen import RATE, Listener, durations

    samples = load_audio(ROOT / "examples" / f"{name}.wav")
    phones = phonemize((ROOT / "examples" / f"{name}.txt").read_text())
    times = Listener().times(soxr.resample(samples, 24000, RATE), phones)
    assert times is not None and len(times) == sum(p not in BOUNDARIES for p in phones)
    aligner = Aligner.load(ROOT / "weights" / "starter")
    ours, rate = aligner.durations(samples, phones), aligner.spec.frame_rate
    heard = durations(times, phones, sum(ours), rate)
    apart = np.abs(np.cumsum(ours) - np.cumsum(heard)) / rate
    assert sum(heard) == sum(ours) and np.median(apart) < 0.04


def test_a_text_that_was_not_spoken_has_no_times() -> None:
    pytest.importorskip("pocketsphinx", reason="needs pocketsphinx")
    from listen import RATE, Listener

    phones = phonemize("This is far too much to say within half a second of a quiet hum.")
    hum = 0.01 * np.sin(np.arange(RATE // 2) * 0.05).astype(np.float32)
    assert Listener().times(hum, phones) is None


def utterance(audio: Path, seconds: float, **known: Any) -> Utterance:
    return Utterance(audio.stem, str(audio), "anna", "en-us", known.pop("text", None),
                     known.pop("phones", None), seconds, 0.0, seconds,
                     -(-round(seconds * 24_000) // 320), **known)


@pytest.mark.slow
def test_whisper_writes_missing_texts_and_drops_wrong_ones(tmp_path: Path) -> None:
    from hear import HEARD, hear_all, judged

    if weights_folder("base") is None:
        pytest.skip("needs Whisper base: fetch it with `valle evaluate listeners`")

    said = (ROOT / "examples" / "clara.txt").read_text().strip()
    audio = ROOT / "examples" / "clara.wav"
    noise = 0.05 * np.random.default_rng(0).standard_normal(48_000).astype(np.float32)
    soundfile.write(tmp_path / "noise.wav", noise, 24_000)
    clip = utterance(audio, len(load_audio(audio)) / 24_000)
    clips = [clip, dataclasses.replace(clip, id="right", text=said, phones=phonemize(said)),
             dataclasses.replace(clip, id="wrong", text="Nobody ever said a word of this."),
             utterance(tmp_path / "noise.wav", 2.0, text="This is noise.")]
    (tmp_path / HEARD).write_text('["clara", {"te')  # cut off by a kill
    heard = hear_all(tmp_path, clips, workers=1)
    assert hear_all(tmp_path, clips, workers=1) == heard
    silent, right, wrong, noisy = (judged(u, heard[u.id])[0] for u in clips)
    assert right == clips[1] and noisy.text is None and noisy.phones is None
    for found in (silent, wrong):
        assert found.text is not None and found.phones == phonemize(found.text)
        assert difflib.SequenceMatcher(None, said, found.text).ratio() > .9, found.text


@pytest.mark.parametrize(("text", "heard", "log_probability", "expected"), [
    ("Mister Smith has ten dogs.", "Mr. Smith has 10 dogs.", -2.0, "text confirmed"),
    ("Mister Smith has ten dogs.", "Something else entirely.", -.3,
     "text contradicted: heard instead"),
    ("Mister Smith has ten dogs.", "Something else entirely.", -.9,
     "text contradicted, unclear: without text"),
    (None, "Good morning.", -.3, "no text: heard instead"),
    (None, "", -.1, "no text, unclear: without text"),
])
def test_a_text_is_checked_against_what_was_heard(
        text: str | None, heard: str, log_probability: float, expected: str) -> None:
    from hear import judged

    from valle.recognizer.whisper import Transcript

    clip = utterance(ROOT / "examples" / "clara.wav", 3.0, text=text)
    assert judged(clip, Transcript(heard, log_probability, 0.1))[1] == expected


def test_ar_and_nar_fill_one_utterance_after_another_of_its_speaker(corpus: Corpus) -> None:
    from fill import Filler

    from codec.spectral import SpectralCodec
    from valle.data.manifest import Prepared
    from valle.model.ar import AR
    from valle.model.checkpoint import Model
    from valle.model.config import ARConfig, NARConfig, size
    from valle.model.nar import NAR

    torch.manual_seed(0)
    prepared, codec = Prepared.open(corpus.prepared), SpectralCodec.load(corpus.codec)
    vocabulary = Vocabulary.build(u.phones for u in prepared.utterances)
    ar = AR(ARConfig(len(vocabulary), transformer=size("tiny"))).eval()
    nar = NAR(NARConfig(len(vocabulary), 3, transformer=size("tiny"))).eval()
    fill = Filler(Model(ar, nar, codec, vocabulary, None, {"nar_guidance": 3.0}), prepared)
    one, other = [u for u in prepared.utterances if u.speaker == "anna"][:2]
    codes = torch.from_numpy(prepared.codes(one).astype(np.int64))
    true, first = (codec.dequantize(codes[None, :books])[0].numpy() for books in (3, 1))
    whole, drawn = fill(one, other, drawn=False), fill(one, other, drawn=True)
    assert whole.shape == drawn.shape == true.shape and whole.dtype == np.float16
    means = codec.codebooks[1:3].mean(1).sum(0).numpy()  # an untrained NAR expects nearly these
    np.testing.assert_allclose(whole, first + means[:, None], atol=.3)
    assert not np.allclose(drawn, whole, atol=.3), "book 1 is drawn as well"
    half = one.frames // 2
    alone = fill(one, None, drawn=True)
    np.testing.assert_allclose(alone[:, :half], true[:, :half], atol=.01, rtol=.01)
    assert not np.allclose(alone[:, half:], true[:, half:], atol=.3)


@pytest.fixture(scope="module")
def stacked(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A codec by codebooks.py, with sixteen codes."""
    import codebooks

    out = tmp_path_factory.mktemp("stacked") / "codec"
    whole = codebooks.CODEC
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codebooks, "CODEC", dataclasses.replace(whole, codebook_size=16))
        patch.setattr(sys, "argv", ["codebooks.py", str(out), str(corpus.root)])
        codebooks.main()
    return out


def test_codebooks_are_made_of_a_corpus(stacked: Path, corpus: Corpus) -> None:
    codec = SpectralCodec.load(stacked)
    assert codec.spec == CodecSpec(hop=640, codebook_size=16) and codec.encoder is None
    wav = torch.from_numpy(load_audio(corpus.root / "anna" / "0.wav"))[None, None]
    codes, latents = codec.encode(wav), codec.latents(wav[:, 0])
    lost = [float((codec.dequantize(codes[:, :books]) - latents).square().mean() / latents.var())
            for books in (1, 2, 8)]
    assert lost == sorted(lost, reverse=True) and lost[0] < 0.4 and lost[2] < 0.15
    few = subprocess.run([sys.executable, ROOT / "recipes" / "starter" / "codebooks.py",
                          stacked.parent / "few", corpus.root, "--hours=0.0001"], text=True,
                         capture_output=True, check=False, env=os.environ | {"PYTHONPATH": "."})
    assert few.returncode == 2 and "too few for 1024 codes" in few.stderr


def test_a_model_starts_anew_on_another_codec(stacked: Path, corpus: Corpus, tmp_path: Path,
                                              ) -> None:
    import recode

    fresh = tmp_path / "prepared"
    prepare(corpus.root, fresh, Preparation(codec=stacked, workers=0))
    before, after = recode.paired(Prepared.open(corpus.prepared), Prepared.open(fresh))
    assert before.shape[1:] == (after.shape[1], 2)
    vectors = torch.randn(after.shape[1], 5)
    code = int(after[0, 0])
    torch.testing.assert_close(recode.means(vectors, after[0], 16)[code],
                               vectors[after[0] == code].mean(0))
    with pytest.raises(ValueError, match="must last whole old ones"):
        recode.paired(Prepared.open(fresh), Prepared.open(corpus.prepared))

    ar = AR(ARConfig(9, ("en-us",), 1024, "interleaved", size("tiny")))
    rows = ar.embed_tokens.weight[ar.ids.first_code:].detach().clone()
    recode.recode_ar(ar, before, after)
    wanted = recode.means(rows[before[0]].mean(1), after[0], 1024)
    first, second = after[0].unique()[:2]
    apart, table = wanted[first] - wanted[second], ar.embed_tokens.weight[ar.ids.first_code:]
    assert torch.cosine_similarity(table[first] - table[second], apart, dim=0) > 0.999
    assert float(table.detach().std()) == pytest.approx(float(rows.std()), rel=0.1)

    old, new = SpectralCodec.load(corpus.codec), SpectralCodec.load(stacked)
    codec = recode.recode_decoder(old, new, Prepared.open(fresh))
    assert codec.identity == new.identity
    wav = torch.from_numpy(load_audio(corpus.root / "ben" / "1.wav"))[None]
    wav = wav[:, : wav.shape[1] // 640 * 640]
    wanted = old.decoder.embed(old.latents(wav))
    found = codec.decoder.embed(codec._unstack(codec.latents(wav)).transpose(1, 2))
    assert (found - wanted).square().mean() < 0.5 * wanted.var(dim=2).mean()


def test_a_faster_clip_keeps_its_timings(tmp_path: Path) -> None:
    from speeds import play

    audio = ROOT / "examples" / "alto.wav"
    seconds = len(load_audio(audio)) / 24_000
    whole = utterance(audio, seconds, text="a b", phones=[" ", "a", "."], durations=[75, 60, 30])
    play((whole, tmp_path / "s_s125" / "clip.flac", 1.25, 75.0))
    found, = read_corpus(tmp_path, "plain")
    assert found.speaker == "s_s125" and found.text == "a b"
    assert found.segments == [(" ", 0.8), ("a", 1.44), (".", 1.76)]
    assert soundfile.info(found.audio).duration == pytest.approx(seconds / 1.25, abs=0.01)


PARSE_ONLY = """#!{python}
import importlib, sys
sys.path.insert(0, {root!r})
from valle.cli import parse
command, *given = sys.argv[1:]
parse(importlib.import_module("valle.commands." + command), given, command)
print("understood", command)
"""


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["starter", "speaker", "recognizer"])
def test_every_command_of_a_recipe_is_understood(recipe: str, tmp_path: Path) -> None:
    """`valle` only parses its arguments here, and `python` does nothing: hours are not run."""
    for name, content in (("valle", PARSE_ONLY.format(python=sys.executable, root=str(ROOT))),
                          ("python", "#!/bin/sh\n")):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o755)
    script = ROOT / "recipes" / recipe / "run.sh"
    stages = re.search(r"^# STAGE: ([a-z0-9, -]+?),? (?:in this order)?\.?$",
                       script.read_text(), re.MULTILINE)
    assert stages
    names = stages[1].replace(",", " ").split()
    assert len(names) > 3
    for stage in names:
        done = subprocess.run(["bash", str(script), stage], capture_output=True, text=True,
                              cwd=ROOT, timeout=120, check=False,
                              env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
        assert done.returncode == 0, (stage, done.stderr)
        expected = re.search(rf"^{stage}\)(.*?);;", script.read_text(), re.DOTALL | re.MULTILINE)
        assert expected, stage
        ours = re.search(r"\b(valle|prepare) ", expected[1]) is not None
        assert ours == ("understood" in done.stdout), (stage, done.stdout)


def corpus_of(texts: list[str], folder: Path) -> Path:
    """The corpora's tables, with these texts."""
    for name in ("LJSpeech-1.1", "LibriSpeech/train-clean-5", "CommonVoice/en"):
        (folder / name).mkdir(parents=True)
    (folder / "LJSpeech-1.1" / "metadata.csv").write_text(
        "\n".join(f"LJ{i}|{text}|{text}" for i, text in enumerate(texts)))
    (folder / "CommonVoice" / "en" / "validated.tsv").write_text("path\tsentence\n")
    return folder


def test_held_out_voices_and_sentences_stay_apart_from_the_natural_teachers(
        prose: list[str], tmp_path: Path) -> None:
    from natural import HELD_OUT, SPEAKERS, plan, speakers

    blends = speakers(SPEAKERS)
    assert len(set(blends)) == SPEAKERS and blends == speakers(SPEAKERS)
    assert all(sum(w for _, w in blend) == pytest.approx(1) for blend in blends)
    assert not {v for blend in blends for v, _ in blend} & set(HELD_OUT)

    more = [f"The {name} was near the {other}." for name in ("boat", "bridge", "church", "farm")
            for other in (*"abcdefghij", *prose[:9])]
    corpus = corpus_of([*prose, *more], tmp_path)
    clips = plan(corpus, tmp_path, hours=2)
    assert clips[:200] == plan(corpus, tmp_path, hours=1)[:200]  # more hours only add some
    held = {c.text for c in clips if c.path.parts[-3] == "natural-heldout"}
    train = [c for c in clips if c.path.parts[-3] == "natural"]
    assert held and not held & {c.text for c in train}
    assert len({c.path for c in clips}) == len(clips) and len({c.path.parent for c in train}) > 250
    assert {"?", "!", "."} <= {c.text[-1] for c in train}


def test_talk_has_many_sentences_without_holes() -> None:
    from talk import talk

    texts = list(itertools.islice(talk(random.Random(0)), 2000))
    assert len(set(texts)) > 1200
    assert not [t for t in texts if "{" in t or "  " in t or re.search(r"\ba [aeiou]", t)]
    assert texts == list(itertools.islice(talk(random.Random(0)), 2000))
