"""Prepared folders: what they hold, and that kill -9 at any point loses nothing."""
from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from recordings import RATE, make_librispeech, make_plain, many, speak, write

from codec import CodecSpec
from codec.spectral import SpectralCodec, SpectralConfig
from g2p import BOUNDARIES, Vocabulary, phonemize
from valle.data.manifest import Prepared, load_samples, read_info
from valle.data.preparation import Preparation
from valle.data.prepare import describe, prepare
from valle.features.timings import frame_durations
from valle.model.aligner import Aligner, AlignerConfig

ROOT = Path(__file__).parents[1]


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


def reasons(folder: Path) -> dict[str, str]:
    lines = (folder / "skipped.jsonl").read_text().splitlines()
    return {row["id"]: row["reason"] for row in map(json.loads, lines)}


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved SpectralCodec of tiny size with random but working codebooks."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = SpectralCodec(SpectralConfig(encoder_width=8, encoder_blocks=1, decoder_width=8,
                                             decoder_blocks=1, latent=8, n_codebooks=2,
                                             codebook_size=16))
        model.start_quantizer(model.latents(torch.randn(4, 24_000) * 0.1))
    folder = tmp_path_factory.mktemp("codec")
    model.save(folder)
    return folder


# --- prepare -------------------------------------------------------------------------------------

def test_an_utterance_is_cut_phonemised_and_encoded(tmp_path: Path, codec: Path) -> None:
    path = speak(tmp_path / "corpus" / "anna" / "one.wav", 1.0)
    write(path.with_suffix(".txt"), "Hello, world")
    info = prepare(tmp_path / "corpus", tmp_path / "out", Preparation(codec=codec, workers=0))
    prepared = Prepared.open(tmp_path / "out")
    (utterance,) = prepared.utterances
    assert (utterance.id, utterance.speaker) == ("anna/one", "anna")
    assert utterance.phones == phonemize("Hello, world") and utterance.durations is None
    assert utterance.start == pytest.approx(0.2, abs=0.03)
    assert utterance.end == pytest.approx(1.4, abs=0.03)
    samples = load_samples(utterance)
    assert len(samples) == round(utterance.seconds * 24_000)
    assert utterance.frames == prepared.spec.frames_of(len(samples))
    expected = SpectralCodec.load(codec).encode(torch.from_numpy(samples)[None, None])[0]
    codes = prepared.codes(utterance)
    assert codes.dtype == np.int16 and np.array_equal(codes, expected.numpy())
    assert prepared.codec == SpectralCodec.load(codec).identity
    assert prepared.spec == CodecSpec(n_codebooks=2, codebook_size=16)
    assert info["utterances"] == info["speakers"] == 1 and "1 utterances" in describe(info)


def test_of_two_copies_the_one_with_text_is_taken(tmp_path: Path) -> None:
    make_librispeech(tmp_path / "corpus")
    for folder in ("a", "z"):  # read before and after the chapter with its text
        speak(tmp_path / "corpus" / folder / "19" / "19-198-0000.flac")
    prepare(tmp_path / "corpus", tmp_path / "out", Preparation(workers=0))
    found = {u.id: u.text for u in Prepared.open(tmp_path / "out").utterances}
    assert found == {"19-198-0000": "it's a word", "19-198-0001": "another", "26-495-0000": None}


def test_a_teachers_timings_become_durations(tmp_path: Path) -> None:
    make_plain(tmp_path / "corpus")
    prepare(tmp_path / "corpus", tmp_path / "out", Preparation(workers=0))
    (utterance,) = Prepared.open(tmp_path / "out").utterances
    assert utterance.phones == [" ", "ɐ", " ", "w", "."]
    assert utterance.durations and sum(utterance.durations) == utterance.frames
    starts = np.cumsum([0, *utterance.durations[:-1]]) / 75 + utterance.start
    assert starts[[1, 3, 4]] == pytest.approx([0.3, 0.4, 0.9], abs=0.01)


def test_frame_durations_hold_for_any_timings() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        phones = rng.choice([" ", "a", "b", ","], rng.integers(1, 12)).tolist()
        frames = int(rng.integers(12, 60))
        ends = np.sort(rng.uniform(-0.1, 1.1 * frames / 75, len(phones)))
        durations = frame_durations(phones, ends.tolist(), frames, 75.0)
        assert sum(durations) == frames and len(durations) == len(phones)
        assert all(d >= (p not in BOUNDARIES) for d, p in zip(durations, phones, strict=True))
    exact = frame_durations(["a", " ", "b"], [10 / 75, 15.4 / 75, 30 / 75], 30, 75.0)
    assert exact == [10, 5, 15]
    with pytest.raises(ValueError, match="does not belong"):
        frame_durations(["a", "b"], [0.1, 0.2], 1, 75.0)


def test_an_aligner_gives_durations_where_no_teacher_does(tmp_path: Path, codec: Path) -> None:
    corpus = many(tmp_path / "corpus", 2)
    write(corpus / "s1" / "001.phones", "w\t0.5\n.\t1.0\n")
    vocabulary = Vocabulary.build([phonemize("A word.")])
    config = AlignerConfig(phones=len(vocabulary), width=8, blocks=1)
    Aligner(config, vocabulary).save(tmp_path / "aligner")
    info = prepare(corpus, tmp_path / "out", Preparation(workers=0, aligner=tmp_path / "aligner"))
    aligned, taught = Prepared.open(tmp_path / "out").utterances
    expected = Aligner.load(tmp_path / "aligner").durations(load_samples(aligned), aligned.phones)
    assert aligned.durations == expected and sum(expected) == aligned.frames
    assert aligned.score is not None and aligned.score < 0
    assert taught.durations and taught.score is None and info["aligned"] == 2


KILL = """
import os, signal, sys
from valle.data.preparation import Preparation
from valle.data.prepare import prepare
real, left = os.fsync, int(sys.argv[1])
def fsync(descriptor):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    real(descriptor)
os.fsync = fsync
prepare(sys.argv[2], sys.argv[3], Preparation(codec=sys.argv[4] or None, workers=0, shard_size=3))
"""


def kill_at(fsync: int, corpus: Path, out: Path, codec: Path | str) -> None:
    """Run prepare in a process that is killed at its n-th fsync."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", KILL, str(fsync), corpus, out, codec],
                          env=environment, capture_output=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_result(tmp_path: Path, codec: Path) -> None:
    corpus = many(tmp_path / "corpus", 12)
    write(corpus / "s1" / "005.wav", "not audio")
    prepare(corpus, tmp_path / "whole", Preparation(codec=codec, workers=0, shard_size=3))
    out = tmp_path / "killed"
    kill_at(7, corpus, out, codec)  # in group 2, after its lines were written but before they count
    with pytest.raises(ValueError, match="not finished"):
        Prepared.open(out)
    first = read_info(out, unfinished=True)
    assert first["utterances"] == 3
    with (out / "manifest.jsonl").open("a") as file:
        file.write('{"id": "s1/0')  # a kill in the middle of a write
    prepare(corpus, out, Preparation(codec=codec, workers=2, shard_size=3))
    assert contents(out) == contents(tmp_path / "whole")
    assert list(reasons(out)) == ["s1/005"]


COUNT = """
import os, signal, sys
from valle.data import process, preparation, prepare
real, left = process.Processor._prepare, int(sys.argv[1])
def count(self, recording):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    print(recording.id, flush=True)
    return real(self, recording)
process.Processor._prepare = count
how = preparation.Preparation(codec=sys.argv[4] or None, workers=0)
prepare.prepare(sys.argv[2], sys.argv[3], how)
"""


@pytest.mark.slow
@pytest.mark.parametrize("tail", [b"", b'{"utterance": {"id": "s0', b'{"utterance": null}\n',
                                  b"\0"])
def test_a_kill_within_a_shard_loses_at_most_the_recording_in_hand(
        tail: bytes, tmp_path: Path, codec: Path) -> None:
    corpus = many(tmp_path / "corpus", 8)
    write(corpus / "s1" / "005.wav", "not audio")
    prepare(corpus, tmp_path / "whole", Preparation(codec=codec, workers=0))
    made: list[str] = []
    for left in (3, 2, 99):
        done = subprocess.run([sys.executable, "-c", COUNT, str(left), corpus, tmp_path / "out",
                               codec], env=os.environ | {"PYTHONPATH": str(ROOT)},
                              capture_output=True, text=True, timeout=120)
        made += done.stdout.split()
        if left != 99:
            assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
            for name in ("journal.jsonl", "journal.codes"):
                with (tmp_path / "out" / name).open("ab") as file:
                    file.write(tail)
    assert len(made) == 8 == len(set(made)), "none is made twice"
    (tmp_path / "out" / ".lock").unlink(missing_ok=True)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.slow
def test_kills_at_any_point_of_a_manifest_without_codes(tmp_path: Path) -> None:
    corpus = many(tmp_path / "corpus", 9)
    prepare(corpus, tmp_path / "whole", Preparation(workers=0, shard_size=3))
    for fsync in (1, 3, 6):  # before the first group, between manifest and skipped, after a group
        kill_at(fsync, corpus, tmp_path / "out", "")
    prepare(corpus, tmp_path / "out", Preparation(workers=0, shard_size=3))
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    before = contents(tmp_path / "out")
    prepare(corpus, tmp_path / "out", Preparation(workers=0, shard_size=3))
    assert contents(tmp_path / "out") == before


def test_broken_files_are_skipped_with_the_reason(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    for name in ("good", "mute", "wordless", "timings", "late", "fast", "long", "short"):
        speak(corpus / "s" / f"{name}.wav", {"long": 5.0, "short": 0.05}.get(name, 0.6))
    write(corpus / "s" / "text.wav", "this is not audio")
    (corpus / "s" / "empty.flac").write_bytes(b"")
    soundfile.write(corpus / "s" / "mute.wav", np.zeros(RATE), RATE)
    write(corpus / "s" / "wordless.txt", "?!")
    write(corpus / "s" / "timings.phones", "a\t0.2\nb\t0.1\n")
    write(corpus / "s" / "late.phones", "a\t0.2\nb\t9\n")
    write(corpus / "s" / "fast.txt", "far too many words for so short a recording " * 3)
    info = prepare(corpus, tmp_path / "out", Preparation(workers=0, max_seconds=4.0))
    found = reasons(tmp_path / "out")
    for name, reason in {"text": "cannot be read as audio", "empty": "empty file",
                         "mute": "silent", "wordless": "", "timings": "must not decrease",
                         "late": "timings end at", "fast": "does not belong",
                         "long": "lasts 5.6 s, more than 4 s", "short": "less than 0.3 s"}.items():
        assert reason in found.pop(f"s/{name}")
    assert not found
    assert [u.id for u in Prepared.open(tmp_path / "out").utterances] == ["s/good"]
    assert (info["broken"], info["skipped"], info["state"]) == (7, 9, "finished")


def test_too_many_broken_files_stop_a_corpus_until_repaired(tmp_path: Path) -> None:
    corpus = many(tmp_path / "corpus", 100, text=None)
    for name in ("s0/000.wav", "s1/001.wav"):
        write(corpus / name, "broken")
    with pytest.raises(ValueError, match=r"2 of 100 recordings are broken, more than 1.0%.*says"):
        prepare(corpus, tmp_path / "out", Preparation(workers=0))
    assert set(reasons(tmp_path / "out")) == {"s0/000", "s1/001"}
    speak(corpus / "s0" / "000.wav")
    info = prepare(corpus, tmp_path / "out", Preparation(workers=0))
    assert (info["utterances"], info["broken"], info["state"]) == (99, 1, "finished")
    many(tmp_path / "few", 2, text=None)
    for path in (tmp_path / "few").rglob("*.wav"):
        write(path, "broken")
    with pytest.raises(ValueError, match="none of 2 recordings"):
        prepare(tmp_path / "few", tmp_path / "none", Preparation(workers=0))


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3", ".aiff"])
def test_half_a_recording_is_no_recording(suffix: str, tmp_path: Path) -> None:
    for name in ("whole", "half"):
        speak(tmp_path / "c" / "s" / f"{name}{suffix}", 2.0)
        write(tmp_path / "c" / "s" / f"{name}.txt", "A word.")
    half(tmp_path / "c" / "s" / f"half{suffix}")
    info = prepare(tmp_path / "c", tmp_path / "out", Preparation(workers=0))
    assert [u.id for u in Prepared.open(tmp_path / "out").utterances] == ["s/whole"]
    assert info["broken"] == 1 and "s/half" in reasons(tmp_path / "out")


def test_a_wav_that_does_not_know_its_length_is_whole(tmp_path: Path) -> None:
    """As programs write it that cannot go back to the header."""
    for i, size in enumerate((0xFFFFFFFF, 0x7FFFF024, 0)):
        path = speak(tmp_path / "c" / "s" / f"{i}.wav")
        content = bytearray(path.read_bytes())
        content[40:44] = size.to_bytes(4, "little")
        path.write_bytes(content)
    info = prepare(tmp_path / "c", tmp_path / "out", Preparation(workers=0))
    assert info["broken"] <= 1  # 0 is no sound


def test_the_summary_counts_all_that_is_missing(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    for name in ("one", "two", "silent film"):
        speak(corpus / f"{name}.wav")
    rows = "one|A word.|\ntwo|A word.|\ntwo|Another word.|\nnone|Not here.|\nsilent film||\n"
    write(corpus / "metadata.csv", rows)
    (corpus / "three.m4a").write_bytes(b"sound")
    speak(corpus / "unlisted.wav")
    info = prepare(corpus, tmp_path / "out", Preparation(workers=0))
    said = describe(info)
    assert "2 utterances" in said and "1 without text: only the codec" in said
    for part in ("4 left out", "1 twice", "1 without audio", "1 in a format that is not read",
                 "1 in no row of the table", "skipped.jsonl names each"):
        assert part in said
    assert set(reasons(tmp_path / "out")) == {"two", "none", "three.m4a", "unlisted.wav"}
    again = prepare(corpus, tmp_path / "out", Preparation(workers=0))
    assert again == info, "a second run counts the same"


def test_a_text_of_another_clip_is_counted_and_left_out_of_training(tmp_path: Path) -> None:
    """Real voices, the shipped aligner: the right text scores well above the limit."""
    from valle.training.speech import SpeechData, SpeechTraining

    texts = {n: (ROOT / "examples" / f"{n}.txt").read_text() for n in ("alto", "tenor", "bass")}
    said = {"alto": "tenor", "tenor": "tenor", "bass": "bass"}  # the alto's is wrong
    for name, text in said.items():
        (tmp_path / "c" / name).mkdir(parents=True)
        shutil.copy(ROOT / "examples" / f"{name}.wav", tmp_path / "c" / name)
        write(tmp_path / "c" / name / f"{name}.txt", texts[text])
    info = prepare(tmp_path / "c", tmp_path / "out", Preparation(workers=0, aligner="starter"))
    assert info["doubtful"] == 1 and "1 whose text is hardly what is said" in describe(info)
    for limit, kept in ((SpeechTraining.min_score, 2), (-9.0, 3)):
        data = SpeechData([tmp_path / "out"], [], SpeechTraining(min_score=limit), None, True)
        assert len(data.train) + len(data.held) == kept


def test_a_model_may_be_called_starter(tmp_path: Path) -> None:
    corpus = many(tmp_path / "corpus", 1)
    info = prepare(corpus, tmp_path / "out",
                   Preparation(workers=0, codec="starter", aligner="starter"))
    assert info["spec"].n_codebooks == 8 and info["aligned"] == 1
    assert info["codec"] == SpectralCodec.load(ROOT / "weights" / "starter").identity


def test_only_an_index_is_held_in_memory(tmp_path: Path) -> None:
    corpus = many(tmp_path / "corpus", 9, text="A word, and another word.")
    prepare(corpus, tmp_path / "out", Preparation(workers=0))
    prepared = Prepared.open(tmp_path / "out")
    index, read = prepared.index, list(prepared.utterances)
    assert [index.speakers[i] for i in index.speaker] == [u.speaker for u in read]
    assert index.phones.tolist() == [len(u.phones) for u in read]
    assert index.frames.tolist() == [u.frames for u in read] and not index.timed.any()
    assert prepared.utterances[4] == read[4] and prepared.utterances[-2:] == read[-2:]
    assert "A word" not in str(vars(prepared.utterances)) + str(vars(prepared))
    copy = pickle.loads(pickle.dumps(prepared))
    assert list(copy.utterances) == read


def test_a_folder_keeps_its_settings(tmp_path: Path, codec: Path) -> None:
    corpus = many(tmp_path / "corpus", 2, text=None)
    prepare(corpus, tmp_path / "out", Preparation(workers=0))
    with pytest.raises(ValueError, match="prepared with max_seconds 20.0, not 9"):
        prepare(corpus, tmp_path / "out", Preparation(workers=0, max_seconds=9))
    prepare(corpus, tmp_path / "coded", Preparation(workers=0, codec=codec))
    with pytest.raises(ValueError, match="different codecs"):
        Prepared.open([tmp_path / "out", tmp_path / "coded"])
    with pytest.raises(ValueError, match="without a codec"):
        prepared = Prepared.open(tmp_path / "out")
        prepared.codes(prepared.utterances[0])
    with pytest.raises(FileNotFoundError, match="not a prepared folder"):
        Prepared.open(corpus)


def test_the_numbers_are_those_of_the_codec_whatever_they_are(tmp_path: Path) -> None:
    slow = SpectralCodec(SpectralConfig(
        16_000, 400, window=1600, filter_window=800, encoder_width=8, encoder_blocks=1,
        decoder_width=8, decoder_blocks=1, latent=8, n_codebooks=3, codebook_size=16))
    slow.start_quantizer(slow.latents(torch.randn(4, 16_000) * 0.1))
    slow.save(tmp_path / "codec")
    make_plain(tmp_path / "corpus")
    prepare(tmp_path / "corpus", tmp_path / "out", Preparation(codec=tmp_path / "codec", workers=0))
    prepared = Prepared.open(tmp_path / "out")
    (utterance,) = prepared.utterances
    assert prepared.spec == slow.spec and prepared.spec.frame_rate == 40
    assert utterance.frames == pytest.approx(40 * utterance.seconds, abs=1)
    assert prepared.codes(utterance).shape == (3, utterance.frames)
    assert len(load_samples(utterance, 16_000)) == round(16_000 * utterance.seconds)
    starts = np.cumsum([0, *(utterance.durations or [])[:-1]]) / 40 + utterance.start
    assert starts[[1, 3, 4]] == pytest.approx([0.3, 0.4, 0.9], abs=0.02)
    with pytest.raises(ValueError, match=r"37.5 frames/s.*codec has 40 of 16000 Hz: train an"):
        prepare(tmp_path / "corpus", tmp_path / "no", Preparation(
            codec=tmp_path / "codec", aligner="starter", workers=0))


def test_a_folder_from_before_names_but_its_codebooks(tmp_path: Path, codec: Path) -> None:
    corpus = many(tmp_path / "corpus", 2, text=None)
    prepare(corpus, tmp_path / "out", Preparation(workers=0, codec=codec))
    path = tmp_path / "out" / "prepared.json"
    info = json.loads(path.read_text())
    del info["spec"]
    path.write_text(json.dumps(info | {"n_codebooks": 2, "frame_rate": 75.0}))
    prepared = Prepared.open(tmp_path / "out")
    assert prepared.spec == CodecSpec(n_codebooks=2)
    assert prepared.codes(prepared.utterances[1]).shape[0] == 2
    many(corpus, 3, text=None)
    assert prepare(corpus, tmp_path / "out", Preparation(workers=0, codec=codec))["utterances"] == 3


def test_several_folders_are_read_as_one(tmp_path: Path, codec: Path) -> None:
    for name in ("a", "b"):
        many(tmp_path / name, 3, text=None)
        prepare(tmp_path / name, tmp_path / f"out-{name}",
                Preparation(workers=0, codec=codec, shard_size=2))
    joined = Prepared.open([tmp_path / "out-a", tmp_path / "out-b"])
    single = Prepared.open(tmp_path / "out-b")
    assert len(joined.utterances) == 6 and {u.shard for u in joined.utterances} == {0, 1}
    for mine, other in zip(joined.utterances[3:], single.utterances, strict=True):
        assert np.array_equal(joined.codes(mine), single.codes(other))
    (tmp_path / "out-b" / "codes-00001.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="codes-00001.safetensors is missing"):
        Prepared.open(tmp_path / "out-b")
