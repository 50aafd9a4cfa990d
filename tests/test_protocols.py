"""Protocols: the rules that make them, their files, lists of others. Words are found by a judge."""
from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import RATE, needs, vowel

from codec.audio import Samples, load_audio
from g2p import phonemize
from valle import cli
from valle.commands.evaluate_protocol import read_texts
from valle.data.corpora import Recording, read_corpus
from valle.evaluate.lists import read_list
from valle.evaluate.protocol_files import read_protocol, write_protocol
from valle.evaluate.protocols import Item, Protocol, read
from valle.evaluate.rules import RULES, Maker
from valle.features.text import words

TEXTS = ("The boats had all come home before the storm.", "Nobody knew the old man by the bridge.",
         "A letter came for us on the last day.", "They walked along the river until it was dark.",
         "Her brother keeps bees behind the house.")


def evenly(samples: Samples, sample_rate: int, text: str) -> list[float]:
    """Word ends as if all words were equally long."""
    said = words(text)
    return [(i + 1) * len(samples) / sample_rate / len(said) for i in range(len(said))]


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three speakers with five recordings of 4.5 to 6 s each, below voices/."""
    root = tmp_path_factory.mktemp("data")
    for speaker in range(3):
        folder = root / "voices" / f"s{speaker}"
        folder.mkdir(parents=True)
        for i, text in enumerate(TEXTS):
            own = f"{text[:-1]} {['one', 'two', 'three'][speaker]}."
            samples, _ = vowel(phonemize(own), 100 + 25 * speaker)
            soundfile.write(folder / f"{i}.wav", np.tile(samples, 2)[: RATE * 5 + 4000 * i], RATE)
            (folder / f"{i}.txt").write_text(own)
    return root


def recordings(root: Path) -> list[Recording]:
    return list(read_corpus(root / "voices", "plain"))


def test_given_texts_are_spoken_by_all_speakers_in_turn(voices: Path) -> None:
    texts = [("twisters", "Red lorry, yellow lorry."), ("numbers", "It is 7:07."),
             ("numbers", "Room 101.")]
    seen: list[int] = []
    maker = Maker(voices, evenly, seeds=2, on_target=seen.append)
    protocol = maker.of_texts("hard", texts, recordings(voices), ["Some other text."])
    again = Maker(voices, evenly, seeds=2).of_texts("hard", texts, recordings(voices),
                                                    ["Some other text."])
    assert protocol.items == again.items and len(seen) == 3
    assert [(i.group, i.text) for i in protocol.items] == [t for t in texts for _ in range(2)]
    assert [i.id for i in protocol.items][1:4] == ["twisters-000-1", "numbers-001-0",
                                                  "numbers-001-1"]
    assert set(Counter(i.speaker for i in protocol.items).values()) == {2}, "nobody twice as often"
    assert all(not i.truth and 2.4 < i.prompt_end < 3.6 for i in protocol.items)
    assert len({i.prompt for i in protocol.items}) > 3, "not always the same recording"
    for wrong in ([], texts):
        with pytest.raises(ValueError, match="no text to speak"):
            maker.of_texts("none", wrong, [] if wrong else recordings(voices))


def test_the_command_reads_texts_by_category(voices: Path, tmp_path: Path,
                                             capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pocketsphinx")
    file, out = tmp_path / "odd.txt", tmp_path / "odd.jsonl"
    given = ["protocol", "--data", str(voices), "--corpora", "voices", "--out", str(out)]
    file.write_text("numbers\tIt is 7:07.\n\nJust a line.\n")
    assert read_texts(file) == [("numbers", "It is 7:07."), ("odd", "Just a line.")]
    file.write_text("numbers\t...\n")
    for more, advice in ((["--rule", "texts"], "go together"),
                         (["--rule", "cross", "--texts", str(file)], "go together"),
                         (["--rule", "texts", "--texts", str(file)], "has no words"),
                         (["--rule", "texts", "--texts", str(tmp_path / "no")], "no file")):
        assert cli.run("evaluate", [*given, *more], "valle evaluate") == 1
        assert advice in capsys.readouterr().err
    assert not out.exists()


def make(root: Path, rule: str, count: int = 4, **options: object) -> Protocol:
    maker = Maker(root, evenly, count, **options)  # type: ignore[arg-type]
    return maker.protocol("small", rule, {"voices": recordings(root)}, ["Some other text."])


# rules

@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_seeded_and_speaks_other_texts_than_the_prompt(voices: Path, rule: str):
    protocol = make(voices, rule)
    assert protocol == make(voices, rule) and protocol.identity == make(voices, rule).identity
    assert protocol.items != make(voices, rule, seed=1).items
    assert len({item.target for item in protocol.items}) == 4
    assert set(Counter(i.speaker for i in protocol.items)) == {"s0", "s1", "s2"}, "all in turn"
    for item in protocol.items:
        assert item.truth.startswith(f"voices/{item.speaker}/")
        assert all(path.startswith(f"voices/{item.speaker}/") for path in item.prompt)
        assert (item.truth in item.prompt) == (rule == "continuation")
        assert len(protocol.prompt(item)) / RATE > 2.4
    assert protocol.distractors == ("Some other text.",)


def test_cross_takes_three_prompts_of_about_three_seconds(voices: Path):
    protocol = make(voices, "cross")
    assert len(protocol.items) == 12 and len({i.id for i in protocol.items}) == 12
    by_target = Counter(item.target for item in protocol.items)
    assert set(by_target.values()) == {3}
    assert len({(i.target, i.prompt) for i in protocol.items}) == 12, "another prompt each time"
    for item in protocol.items:
        assert item.prompt_end == pytest.approx(3, abs=0.6)
        whole = load_audio(voices / item.prompt[0])
        assert (protocol.prompt(item) == whole[: round(item.prompt_end * RATE)]).all()
        said = words((voices / item.prompt[0]).with_suffix(".txt").read_text())
        heard = words(item.prompt_text)
        assert said[: len(heard)] == heard and 0 < len(heard) < len(said)
    assert len(make(voices, "cross", seeds=2).items) == 8


def test_previous_is_the_utterance_before_and_the_last_for_the_first(voices: Path):
    for item in make(voices, "previous", count=15).items:
        number = int(Path(item.truth).stem)
        assert item.prompt == (f"voices/{item.speaker}/{(number - 1) % 5}.wav",)
        assert item.prompt_end == 0 and not item.continuation
        assert len(make(voices, "previous").prompt(item)) > 5 * RATE - 10


def test_a_continuation_divides_its_own_recording(voices: Path):
    protocol = make(voices, "continuation")
    for item in protocol.items:
        assert item.continuation and item.prompt == (item.truth,)
        said = words((voices / item.truth).with_suffix(".txt").read_text())
        assert words(item.prompt_text) + words(item.text) == said
        joined = np.concatenate([protocol.prompt(item), protocol.truth(item)])
        assert (joined == read(voices, [item.truth])).all()


def test_vctk_joins_utterances_to_three_lengths(voices: Path):
    protocol = make(voices, "vctk")
    for target in {item.target for item in protocol.items}:
        items = {i.id.rpartition("-")[2]: i for i in protocol.items if i.target == target}
        lengths = {name: len(protocol.prompt(i)) / RATE for name, i in items.items()}
        assert lengths == {"3s": pytest.approx(3, abs=.6), "5s": pytest.approx(5, abs=.7),
                           "10s": pytest.approx(10, abs=.7)}
        assert len(items["10s"].prompt) > 1
        rate = len(words(items["10s"].prompt_text)) / len(words(items["3s"].prompt_text))
        assert rate == pytest.approx(10 / 3, rel=0.3), "the text grows with the sound"


def test_texts_of_training_are_never_targets(voices: Path):
    seen = [(p.with_suffix(".txt")).read_text().upper() for p in voices.rglob("[0-3].wav")]
    items = make(voices, "cross", count=9, seen=seen).items
    assert {Path(item.truth).stem for item in items} == {"4"}
    with pytest.raises(ValueError, match="no speaker with a recording of 4 to 10 s"):
        make(voices, "cross", seen=[p.read_text() for p in voices.rglob("*.txt")])
    with pytest.raises(ValueError, match="--rule best: choose cross, previous"):
        make(voices, "best")


# files

def test_written_and_read(voices: Path, tmp_path: Path):
    protocol, path = make(voices, "continuation"), tmp_path / "p.jsonl"
    write_protocol(path, protocol)
    assert read_protocol(path, voices) == protocol
    lines = path.read_text().splitlines()
    assert json.loads(lines[0])["rule"] == "continuation" and len(lines) == 5
    first = dataclasses.replace(protocol.items[0], text="Something else.")
    assert dataclasses.replace(protocol, items=(first,)).identity != protocol.identity
    mistakes = {"{}": "is not a protocol", "no json": "is not a protocol",
                lines[0]: "has no items", "\n".join([lines[0], lines[1], lines[1]]): "ids of items",
                lines[0].replace('"version": 3', '"version": 2') + "\n" + lines[1]:
                "version 2, this is 3"}
    for content, message in mistakes.items():
        path.write_text(content)
        with pytest.raises(ValueError, match=message):
            read_protocol(path, voices)
    with pytest.raises(FileNotFoundError, match="valle evaluate protocol"):
        read_protocol(tmp_path / "none.jsonl", voices)
    with pytest.raises(FileNotFoundError, match="--data must be the folder"):
        read_protocol(path, tmp_path / "none")


def test_shipped_protocols_are_whole():
    folder = Path(__file__).parents[1] / "recipes" / "protocols"
    for path in sorted(folder.glob("*.jsonl")):
        protocol = read_protocol(path, folder)
        assert len(protocol.items) >= 12 and len(protocol.distractors) == 400
        said = {" ".join(words(t)) for t in protocol.texts}
        assert not said & {" ".join(words(t)) for t in protocol.distractors}
    assert len(list(folder.glob("*.jsonl"))) == 6


def test_lists_of_others(tmp_path: Path):
    folder = tmp_path / "61" / "70968"
    folder.mkdir(parents=True)
    (folder / "61-70968-0000.flac").write_bytes(b"")
    (folder / "61-70968-0009.opus").write_bytes(b"")
    f5 = tmp_path / "cross.lst"
    f5.write_text("61-70968-0000\t4.9\tHe began.\t61-70968-0009\t6.2\tGive not so earnest.\n\n")
    item, = read_list(f5, tmp_path)
    assert item == Item("61-70968-0009", "61-70968-0009", tmp_path.name, "61",
                        ("61/70968/61-70968-0000.flac",), "He began.", "Give not so earnest.",
                        truth="61/70968/61-70968-0009.opus")
    (tmp_path / "wavs").mkdir()
    (tmp_path / "wavs" / "b.wav").write_bytes(b"")
    meta = tmp_path / "meta.lst"
    meta.write_text("a|We asked.|prompt-wavs/x.wav|Get the trust.\n"
                    "b|We asked.|prompt-wavs/x.wav|Another one.\n"
                    "c|We asked.|prompt-wavs/x.wav|A third.|elsewhere/c.wav\n")
    items = read_protocol(meta, tmp_path).items
    assert [i.id for i in items] == ["a", "b", "c"] and items[0].prompt == ("prompt-wavs/x.wav",)
    assert [i.truth for i in items] == ["", "wavs/b.wav", ""], "only what is there"
    meta.write_text("a|b\n")
    with pytest.raises(ValueError, match=r"line 1 is neither an F5 line .* nor a Seed-TTS line"):
        read_list(meta, tmp_path)


# command line

@needs("pocketsphinx")
def test_word_ends_in_a_real_recording():
    from valle.recognizer.sphinx import WordTimes

    folder = Path(__file__).parents[1] / "examples"
    text = (folder / "alto.txt").read_text()
    samples = load_audio(folder / "alto.wav")
    times = WordTimes()
    ends = times(samples, RATE, text)
    assert ends is not None and len(ends) == len(words(text)) and ends == sorted(ends)
    assert 0.1 < ends[0] < 0.6 and abs(ends[-1] - len(samples) / RATE) < 0.5
    half = times(samples[: round(ends[3] * RATE)], RATE, " ".join(words(text)[:4]))
    assert half is not None and np.allclose(half[:3], ends[:3], atol=0.06)
    assert times(samples, RATE, "...") is None


@needs("pocketsphinx")
def test_the_command_makes_a_protocol(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = Path(__file__).parents[1] / "examples"
    for speaker in ("alto", "bass"):
        (tmp_path / "c" / speaker).mkdir(parents=True)
        samples = load_audio(folder / f"{speaker}.wav")
        text = (folder / f"{speaker}.txt").read_text().strip()
        for i in range(2):
            soundfile.write(tmp_path / "c" / speaker / f"{i}.wav",
                            np.concatenate([samples, np.zeros(RATE * (1 + i))]), RATE)
            (tmp_path / "c" / speaker / f"{i}.txt").write_text(text + " Now." * i)
    command = ["protocol", "--data", str(tmp_path), "--corpora", "c", "--count", "2",
               "--out", str(tmp_path / "p.jsonl"), "--rule"]
    assert cli.run("evaluate", [*command, "previous"], "valle evaluate") == 0
    assert "c: 2 items, 2 texts, 2 speakers" in capsys.readouterr().out
    assert read_protocol(tmp_path / "p.jsonl", tmp_path).rule == "previous"
    assert cli.run("evaluate", [*command, "worst"], "valle evaluate") == 1
    assert "choose cross, previous" in capsys.readouterr().err
