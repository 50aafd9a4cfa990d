"""Phones in a text, a lexicon, and `valle phones`: what people write is what is said."""
from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from conftest import PROMPT_TEXT
from saying import one_line, process

from g2p import BOUNDARIES, Lexicon, normalize, phonemize
from g2p.given import written
from valle import VALLE
from valle.cli import run
from valle.synthesis.phrases import split_words

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(("text", "expected"), [
    ("Say [[həˈloʊ]].", ["s", "ˈeɪ", " ", "h", "ə", "l", "ˈoʊ", "."]),
    ("[[tʃˈiːz]]!", ["tʃ", "ˈiː", "z", "!"]),
    ("[[ˈtʃiːz]], then", ["tʃ", "ˈiː", "z", ",", "ð", "ˈɛ", "n", "."]),
    ("[[wˈʌn tˈuː]]", ["w", "ˈʌ", "n", " ", "t", "ˈuː", "."]),
    ("[[ʒwˈɑ̃]]", ["ʒ", "w", "ˈɑ̃", "."]),
    ("[[ɡɑː.ˈdən]]", ["ɡ", "ɑː", "d", "ˈə", "n", "."])])
def test_phones_in_double_brackets_are_said_as_they_stand(text: str, expected: list[str]) -> None:
    assert phonemize(text) == [" ", *expected]


@pytest.mark.parametrize("text", [
    "A * and a *, an * or the *: to * of the *", "It costs $5.50 at * on 3rd May.",
    "Dr. * has 2 dogs, *; NASA too.", "A * B", "Room * 12 km",
    "__*__ and _more_", '(*) "*"'])
def test_what_stands_around_them_is_read_as_ever(text: str) -> None:
    """In their place a name that espeak says just so."""
    for phones, name in (("kˈeɪt", "Kate"), ("ˈæmi", "Ammy")):
        assert phonemize(text.replace("*", f"[[{phones}]]")) == phonemize(text.replace("*", name))


def test_what_phonemize_gives_can_be_given_back() -> None:
    """The words of two hundred sentences, in brackets, have the same phones."""
    texts = json.loads((ROOT / "recipes" / "protocols" / "small.jsonl").read_text(
        encoding="utf-8").splitlines()[0])["distractors"][:200]
    every = {word: [phone for phone in phones if phone not in BOUNDARIES]
             for text in texts for phones in split_words(phonemize(text))
             for word in ["".join(phones)] if not word.isascii()}
    same = sum(written(word).split("|") == phones for word, phones in every.items())
    assert len(every) > 500 and same / len(every) > 0.95  # r and l before a vowel are what is lost


@pytest.mark.parametrize("language", ["de", "fr-fr", "es", "cmn", "ja", "pt-br", "ru", "hi", "ca"])
def test_they_are_said_in_any_language(language: str) -> None:
    alone = phonemize("[[kˈeɪt]]", language)
    assert alone == [" ", "k", "ˈeɪ", "t", "."]
    among = phonemize("ba [[kˈeɪt]] bo, [[ˈɛma sˈuː]] bu", language)
    at = among.index("k")
    assert among[at - 1: at + 4] == [" ", "k", "ˈeɪ", "t", " "]
    at = among.index("ˈɛ")
    assert among[at - 1: at + 7] == [",", "ˈɛ", "m", "a", " ", "s", "ˈuː", " "]


@pytest.mark.parametrize("text", ["see [[link]] now", "see [[Main Page]] now", "see [[a|b]] now"])
def test_a_wikis_links_are_text(text: str) -> None:
    assert phonemize(text) == phonemize(text.replace("[", "").replace("]", ""))


def test_ssml_gives_phones_and_words() -> None:
    said = ("Say <phoneme alphabet='ipa' ph='təˈmɑːtoʊ'>tomato</phoneme>, "
            "<sub alias=\"World Wide Web\">WWW</sub>.")
    assert phonemize(said) == phonemize("Say [[təˈmɑːtoʊ]], World Wide Web.")


@pytest.mark.parametrize("wrong", ["[[hɛ?]]", "[[hɛ,lo]]", "[[hɛ → lo]]"])
def test_what_is_no_ipa_is_named(wrong: str) -> None:
    for function in (phonemize, normalize):
        with pytest.raises(ValueError, match="which is no phone of IPA") as error:
            function(f"Say {wrong} now.")
        assert wrong in str(error.value)


def test_private_characters_of_a_text_are_not_taken_for_phones() -> None:
    assert phonemize("A \uf000 thing [[ˈaɪ]] \uf8ff") == phonemize("A thing [[ˈaɪ]]")
    assert written("həˈloʊ") == "h|ə|l|ˈoʊ"


@pytest.fixture
def lexicon(tmp_path: Path) -> Path:
    path = tmp_path / "names.txt"
    path.write_text("# names\nnguyen = win\nGIF = [[dʒˈɪf]]\nNew York Times = the Times\n"
                    "[de]\nchips = [[ʃˈɪps]]\n[en-gb]\nnguyen = en you yen\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(("text", "said", "language"), [
    ("Nguyen's GIF, NGUYEN, and a gif.", "win's [[dʒˈɪf]], win, and a gif.", "en-us"),
    ("nguyens Nguyenville", "nguyens Nguyenville", "en-us"),
    ("The New York Times", "The the Times", "en-us"),
    ("chips", "chips", "en-us"), ("Chips!", "[[ʃˈɪps]]!", "de"),
    ("nguyen", "en you yen", "en-gb"), ("[[nguyɛn]] nguyen <nguyen>", "[[nguyɛn]] win <nguyen>",
                                        "en-us")])
def test_a_lexicons_words_are_replaced(text: str, said: str, language: str, lexicon: Path) -> None:
    assert Lexicon(lexicon).apply(text, language) == said


@pytest.mark.parametrize(("line", "said"), [
    ("nguyen win", "line 2: 'nguyen win' is not WORD = HOW IT IS SAID"), ("= win", "line 2"),
    ("a =", "line 2"), ("a = [[hɛ?]]", "line 2: .*no phone of IPA")])
def test_a_wrong_line_is_named(line: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text(f"# names\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        Lexicon(tmp_path / "names.txt")


def test_a_lexicon_is_read_again_when_it_changes(lexicon: Path) -> None:
    known = Lexicon(lexicon)
    assert known.apply("Nguyen", "en-us") == "win"
    for text, said in (("nguyen = nuh win", "nuh win"), ("nonsense", "nuh win")):
        lexicon.write_text(text, encoding="utf-8")
        os.utime(lexicon, ns=(time.time_ns(), known.changed + 1_000_000))
        if text == "nonsense":
            with pytest.warns(UserWarning, match="the words that were read before are used"):
                assert known.apply("Nguyen", "en-us") == said
        else:
            assert known.apply("Nguyen", "en-us") == said


def test_threads_share_a_lexicon_while_it_changes(lexicon: Path) -> None:
    known, languages = Lexicon(lexicon), [f"en-{number}" for number in range(400)]

    def change() -> None:
        for number in range(40):
            os.utime(lexicon, ns=(0, number))

    with ThreadPoolExecutor(4) as pool:
        pool.submit(change)
        assert set(pool.map(partial(known.apply, "Nguyen"), languages)) == {"win"}


def test_a_lexicon_is_spoken_with(lexicon: Path, model_folder: Path, prompt: Path) -> None:
    tts = VALLE.from_pretrained(model_folder, "cpu")
    plain = tts.speak("I win.", prompt=prompt, prompt_text=PROMPT_TEXT)
    tts.lexicon = Lexicon(lexicon)
    named = tts.speak("I Nguyen.", prompt=prompt, prompt_text=PROMPT_TEXT)
    assert np.array_equal(named.samples, plain.samples) and named.settings["text"] == "I win."


def test_valle_phones_shows_what_will_be_said(lexicon: Path, capsys: pytest.CaptureFixture[str],
                                              ) -> None:
    assert run("phones", ["It costs $5.50."], "valle phones") == 0
    assert capsys.readouterr().out == (
        "It costs five dollars and fifty cents.\n"
        "  ɪt kˈɔsts fˈaɪv dˈɑːlɚz ænd fˈɪfti sˈɛnts.\n")
    assert run("phones", ["A", "GIF.", f"--lexicon={lexicon}", "--json"], "valle phones") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["words"] == "A [[dʒˈɪf]]." and shown["phones"] == phonemize("A [[dʒˈɪf]].")


def test_valle_phones_reads_lines_and_names_mistakes(tmp_path: Path) -> None:
    said = process("-m", "valle", "phones", stdin="One.\n\n--\nTwo.\n")
    assert said.returncode == 0 and said.stdout.splitlines()[::2] == ["One.", "Two."]
    for arguments in (["--lexicon=nowhere.txt", "a"], ["  "], ["a", "--file=b"],
                      ["--language=klingon", "a"]):
        wrong = process("-m", "valle", "phones", *arguments, stdin="")
        assert wrong.returncode == 1 and one_line(wrong.stderr), wrong.stderr
