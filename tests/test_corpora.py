"""Corpora in every layout that the readers know."""
from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from recordings import (
    make_commonvoice,
    make_kaldi,
    make_librispeech,
    make_libritts,
    make_ljspeech,
    make_plain,
    make_vctk,
    speak,
    write,
)

from valle.data.corpora import READERS, detect, read_corpus

ROOT = Path(__file__).parents[1]
CORPUS = ROOT.parent / "shared" / "corpus"


EXPECTED = {  # (id, speaker, text, language) in the order in which they are read
    "librispeech": [("26-495-0000", "26", None, "en-us"),
                    ("19-198-0000", "19", "it's a word", "en-us"),
                    ("19-198-0001", "19", "another", "en-us")],
    "libritts": [("84_121123_000007_000001", "84", "Chapter seven.", "en-us")],
    "ljspeech": [("LJ001-0001", "LJ", 'In fourteen fifty-five, "', "en-us")],
    "vctk": [("p225_001", "p225", "Please call Stella.", "en-us"),
             ("p225_002", "p225", None, "en-us")],
    "commonvoice": [("common_voice_de_1", "ab12", 'Er sagte: "Ja.', "de")],
    "kaldi": [("000240010", "0024", "it was good", "en-us"),
              ("000240031", "0024", "Mixed case", "en-us")],
    "plain": [("anna/one", "anna", "A word.", "en-us")],
}
MAKERS: dict[str, Callable[[Path], None]] = {
    "librispeech": make_librispeech, "libritts": make_libritts, "ljspeech": make_ljspeech,
    "vctk": make_vctk, "commonvoice": make_commonvoice, "kaldi": make_kaldi, "plain": make_plain}


@pytest.mark.parametrize("kind", READERS)
def test_every_layout_is_recognised_and_read(tmp_path: Path, kind: str) -> None:
    MAKERS[kind](tmp_path)
    assert detect(tmp_path) == kind
    found = list(read_corpus(tmp_path))
    assert [(r.id, r.speaker, r.text, r.language) for r in found] == EXPECTED[kind]
    assert all(r.audio.is_file() and r.problem is None for r in found)


def test_vctk_takes_the_first_microphone(tmp_path: Path) -> None:
    make_vctk(tmp_path)
    assert [r.audio.stem for r in read_corpus(tmp_path)] == ["p225_001_mic1", "p225_002_mic2"]


@pytest.mark.parametrize("place", ["texts.xlsx", "anna/Texts.ODS", "train.parquet"])
def test_a_spreadsheet_beside_audio_is_named(place: str, tmp_path: Path,
                                             capsys: pytest.CaptureFixture[str]) -> None:
    make_plain(tmp_path)
    (tmp_path / place).write_bytes(b"PK")
    assert [r.id for r in read_corpus(tmp_path)] == ["anna/one"]
    printed = capsys.readouterr()
    assert f"{tmp_path / place} is not read" in printed.out + printed.err
    assert "save it as CSV" in printed.out + printed.err


def test_unusable_corpora_give_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="check the path"):
        detect(tmp_path / "missing")
    with pytest.raises(ValueError, match="no audio below"):
        detect(tmp_path)
    make_ljspeech(tmp_path / "lj")
    make_vctk(tmp_path / "vctk")
    with pytest.raises(ValueError, match="several corpora .*ljspeech, vctk"):
        detect(tmp_path)
    with pytest.raises(ValueError, match="choose from auto, librispeech"):
        read_corpus(tmp_path, "librivox")


@pytest.mark.skipif(not CORPUS.is_dir(), reason="needs ../shared/corpus")
def test_real_corpora_are_read_whole() -> None:
    count = Counter(r.text is None for r in read_corpus(CORPUS / "LibriSpeech"))
    assert count[False] >= 1519 and count[True] == 243, "251 single ones, 8 of them with a text"
    assert len(list(read_corpus(CORPUS / "speechocean762"))) == 2560
    assert len({r.speaker for r in read_corpus(CORPUS / "CommonVoice")}) == 176


# --- tables of every form ------------------------------------------------------------------------

SAID = ("The harbour was quiet.", "Nobody had come home.", "Is it late?")


def table(root: Path, lines: str, audio: tuple[str, ...] = ("wavs/1.wav", "wavs/2.wav",
                                                             "wavs/3.wav"),
          name: str = "metadata.csv") -> list[tuple[str, str, str | None]]:
    """(id, speaker, text) of a corpus of this table, `{0}` to `{2}` in it standing for texts."""
    for path in audio:
        speak(root / path)
    write(root / name, lines.format(*SAID))
    return [(r.id, r.speaker, r.text) for r in read_corpus(root)]


ROWS = {  # the same three sentences, as people write them down
    "ids": "1|{0}\n2|{1}\n3|{2}\n",
    "suffixes": "1.wav|{0}\n2.wav|{1}\n3.WAV|{2}\n",
    "folders": "wavs/1|{0}\n./wavs/2|{1}\nwavs\\3|{2}\n",
    "folders and suffixes": "wavs/1.wav|{0}\nwavs/2.wav|{1}\nwavs/3.wav|{2}\n",
    "paths of another machine": "/data/old/wavs/1.wav|{0}\n/data/old/wavs/2.wav|{1}\n"
                                "C:\\old\\3.wav|{2}\n",
    "the suffix it had before": "1.mp3|{0}\n2.m4a|{1}\n3.flac|{2}\n",
    "normalised": "1|{0}|{0}\n2|{1}|{1}\n3|{2}|{2}\n",
    "normalised, sometimes": "1|{0}|\n2|{1}|{1}\n3|{2}|\n",
    "tabs": "1\t{0}\n2\t{1}\n3\t{2}\n",
    "windows": "\ufeff1|{0}\r\n2|{1}\r\n\r\n3|{2}\r\n",
    "a header": "file_name|text\n1.wav|{0}\n2.wav|{1}\n3.wav|{2}\n",
    "commas and a header": 'file_name,transcription\n1.wav,"{0}"\n2.wav,"{1}"\n3.wav,"{2}"\n',
    "a header in another order": "transcript|audio_file\n{0}|1.wav\n{1}|2.wav\n{2}|3.wav\n",
}


@pytest.mark.parametrize("rows", ROWS)
def test_every_form_of_row_names_its_recording(rows: str, tmp_path: Path) -> None:
    assert table(tmp_path / "me", ROWS[rows]) == [
        (str(i), "me", said) for i, said in enumerate(SAID, 1)]


@pytest.mark.parametrize("folder", ["wavs", "wav", "audio", "clips", "WAV", "", "recordings"])
@pytest.mark.parametrize("suffix", [".wav", ".WAV", ".flac", ".Flac"])
def test_the_audio_may_lie_anywhere_beside_the_table(folder: str, suffix: str,
                                                     tmp_path: Path) -> None:
    (tmp_path / "me" / folder).mkdir(parents=True)
    speak(tmp_path / f"x{suffix.lower()}").rename(tmp_path / "me" / folder / f"1{suffix}")
    assert table(tmp_path / "me", "1|{0}\n", audio=()) == [("1", "me", SAID[0])]


SPEAKERS = {
    "before the text": "1|anna|{0}\n2|ben|{1}\n3|anna|{2}\n",
    "after the text": "1|{0}|anna\n2|{1}|ben\n3|{2}|anna\n",
    "after both texts": "1|{0}|{0}|anna\n2|{1}|{1}|ben\n3|{2}|{2}|anna\n",
    "in a header": "id|text|speaker_name\n1|{0}|anna\n2|{1}|ben\n3|{2}|anna\n",
    "in a header of commas": 'path,speaker,sentence\n1,anna,"{0}"\n2,ben,"{1}"\n3,anna,"{2}"\n',
}


@pytest.mark.parametrize("rows", SPEAKERS)
def test_a_speaker_is_never_taken_for_the_text(rows: str, tmp_path: Path) -> None:
    assert table(tmp_path, SPEAKERS[rows]) == [
        ("1", "anna", SAID[0]), ("2", "ben", SAID[1]), ("3", "anna", SAID[2])]


MANNERS = {
    "an emotion at the end": "1|{0}|happy\n2|{1}|sad\n3|{2}|happy\n",
    "an emotion before": "1|neutral|{0}\n2|angry|{1}\n3|neutral|{2}\n",
    "one emotion": "1|{0}|neutral\n2|{1}|neutral\n3|{2}|neutral\n",
    "an emotion and its strength": "1|{0}|angry_high\n2|{1}|sad_low\n3|{2}|neutral\n",
    "a style": "1|{0}|narration\n2|{1}|conversational\n3|{2}|whisper\n",
    "a sex": "1|F|{0}\n2|M|{1}\n3|F|{2}\n",
    "an age": "1|{0}|twenties\n2|{1}|fifties\n3|{2}|twenties\n",
    "a split": "1|{0}|train\n2|{1}|dev\n3|{2}|train\n",
    "a quality": "1|{0}|clean\n2|{1}|noisy\n3|{2}|clean\n",
    "two of them": "1|{0}|happy|train\n2|{1}|sad|dev\n3|{2}|happy|train\n",
    "beside both texts": "1|{0}|{0}|happy\n2|{1}|{1}|sad\n3|{2}|{2}|happy\n",
}


@pytest.mark.parametrize("rows", MANNERS)
def test_a_manner_of_speaking_is_no_speaker(rows: str, tmp_path: Path) -> None:
    assert table(tmp_path / "me", MANNERS[rows]) == [
        (str(i), "me", said) for i, said in enumerate(SAID, 1)]


def test_a_speaker_beside_a_manner_is_found(tmp_path: Path) -> None:
    for name, rows in (("a", "1|anna|happy|{0}\n2|ben|sad|{1}\n3|anna|happy|{2}\n"),
                       ("b", "1|{0}|anna|whisper\n2|{1}|ben|whisper\n3|{2}|anna|whisper\n")):
        assert table(tmp_path / name, rows) == [
            ("1", "anna", SAID[0]), ("2", "ben", SAID[1]), ("3", "anna", SAID[2])]


def test_a_column_that_divides_every_folder_alike_is_no_speaker(tmp_path: Path) -> None:
    audio = tuple(f"{who}/{i}.wav" for who in ("anna", "ben") for i in range(1, 5))
    rows = "".join(f"{path}|{'wistful' if int(path[-5]) % 2 else 'zany'}|{{{i % 3}}} {i}\n"
                   for i, path in enumerate(audio))
    found = table(tmp_path, rows, audio)
    assert [speaker for _, speaker, _ in found] == 4 * ["anna"] + 4 * ["ben"]
    assert found[0][2] == f"{SAID[0]} 0"


@pytest.mark.parametrize("rows, speaker", [
    ("1|anna|{0}\n", "anna"), ("1|{0}|anna\n", "anna"), ("1|0|{0}\n", "0"),
    ("1|Anna Smith|{0}\n2|Anna Smith|{1}\n", "Anna Smith")])
def test_few_rows_are_enough_to_tell(rows: str, speaker: str, tmp_path: Path) -> None:
    found = table(tmp_path, rows, ("1.wav", "2.wav"))
    assert found[0] == ("1", speaker, SAID[0])


@pytest.mark.parametrize("rows", ["1,{0}\n2,{1}\n", "1;{0}\n", "{0}\n",
                                  "1|Anna Smith|{0}\n", "file_name|duration|speaker\n1|3.5|anna\n"])
def test_what_nothing_decides_is_refused_in_a_line(rows: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"lines must be ID\|text|write a first line such as"
                                         r"|no column called text"):
        table(tmp_path, rows)


def test_rows_and_files_that_give_nothing_are_named(tmp_path: Path) -> None:
    rows = "1|{0}\n2|{1}\n2|{2}\n4|{0}\n5\n3|\n6|a|b\n"
    found = table(tmp_path / "me", rows, tuple(f"{i}.wav" for i in (1, 2, 3, 6, 7)))
    assert found == [("1", "me", SAID[0]), ("3", "me", None)]
    (tmp_path / "me" / "8.m4a").write_bytes(b"m4a")
    left_out = {item.id: item.cause for item in read_corpus(tmp_path / "me").left_out}
    assert left_out == {"2": "twice", "4": "without audio", "5": "rows that cannot be read",
                        "6": "rows that cannot be read", "6.wav": "in no row of the table",
                        "7.wav": "in no row of the table",
                        "8.m4a": "in a format that is not read"}


def test_two_files_of_one_name_are_not_guessed_between(tmp_path: Path) -> None:
    audio = ("anna/1.wav", "ben/1.wav", "ben/2.wav")
    found = table(tmp_path, "anna/1|{0}\nben/1|{1}\nanna/2|{2}\n2|{2}\n1|{0}\n", audio)
    assert found == [("anna/1", "anna", SAID[0]), ("ben/1", "ben", SAID[1]),
                     ("ben/2", "ben", SAID[2])]
    assert {item.id for item in read_corpus(tmp_path).left_out} == {"anna/2", "1"}


@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
@pytest.mark.parametrize("written", ["NFC", "NFD"])
def test_accents_may_be_stored_in_either_form(on_disk: str, written: str, tmp_path: Path) -> None:
    disk, said = (unicodedata.normalize(form, "caf\u00e9") for form in (on_disk, written))
    assert table(tmp_path / "me", f"{said}.wav|{{0}}\n", (f"{disk}.wav",)) == [
        ("caf\u00e9", "me", SAID[0])]
    speak(tmp_path / disk / f"{disk}.wav")
    write(tmp_path / disk / f"{said}.txt", SAID[0])
    assert [(r.id, r.speaker, r.text) for r in read_corpus(tmp_path / disk)] == [
        ("caf\u00e9", "caf\u00e9", SAID[0])]


@pytest.mark.parametrize("name", ["transcript.txt", "train.csv", "metadata_train.tsv",
                                  "METADATA.CSV", "filelist.list"])
def test_a_table_may_have_any_name(name: str, tmp_path: Path) -> None:
    assert table(tmp_path / "me", "1.wav|{0}\n2.wav|{1}\n3.wav|{2}\n", name=name) == [
        (str(i), "me", said) for i, said in enumerate(SAID, 1)]


@pytest.mark.parametrize("text", ["one.txt", "one.TXT", "One.txt", "ONE.Txt"])
def test_a_text_beside_its_recording_may_be_in_capitals(text: str, tmp_path: Path) -> None:
    speak(tmp_path / "anna" / "One.wav").rename(tmp_path / "anna" / "one.WAV")
    write(tmp_path / "anna" / text, SAID[0])
    assert [(r.id, r.text) for r in read_corpus(tmp_path)] == [("anna/one", SAID[0])]


@pytest.mark.parametrize("folder", ["wavs", "train", "clips/test", "data/train/wav"])
def test_folders_that_are_nobodys_name_are_no_speakers(folder: str, tmp_path: Path) -> None:
    for name in ("me", "table"):
        speak(tmp_path / name / folder / "1.wav")
    write(tmp_path / "table" / folder / "metadata.csv", f"1|{SAID[0]}\n")
    assert [r.speaker for name in ("me", "table") for r in read_corpus(tmp_path / name)] == [
        "me", "table"]


def test_texts_may_have_a_tree_of_their_own(tmp_path: Path) -> None:
    for speaker in ("anna", "ben"):
        speak(tmp_path / "wav" / speaker / "1.wav")
    write(tmp_path / "txt" / "anna" / "1.txt", SAID[0])
    assert [(r.speaker, r.text) for r in read_corpus(tmp_path)] == [
        ("anna", SAID[0]), ("ben", None)]


def test_what_plain_folders_cannot_give_is_named(tmp_path: Path) -> None:
    speak(tmp_path / "me" / "one.wav")
    speak(tmp_path / "me" / "one.flac")
    write(tmp_path / "me" / "empty.txt", "\n")
    speak(tmp_path / "me" / "empty.wav")
    for name in ("two.m4a", "one.m4a", "three.AAC"):
        (tmp_path / "me" / name).write_bytes(b"sound")
    corpus = read_corpus(tmp_path / "me")
    assert [(r.id, r.speaker, r.text) for r in corpus] == [
        ("empty", "me", None), ("one", "me", None)]
    assert {item.id: item.cause for item in corpus.left_out} == {
        "one.wav": "twice", "two.m4a": "in a format that is not read",
        "three.AAC": "in a format that is not read"}
    for path in (tmp_path / "me").glob("*.[wf]*"):
        path.unlink()
    with pytest.raises(ValueError, match="3 files in a format that is not read"):
        read_corpus(tmp_path / "me")
