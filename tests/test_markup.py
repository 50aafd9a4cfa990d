"""SSML, HTML and Markdown in a text: each is right, or a clear error; nothing of it is spoken."""
from __future__ import annotations

import contextlib
import json
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import PROMPT_TEXT

from g2p import BOUNDARIES, Lexicon, Vocabulary, normalize, phonemize
from g2p.nearest import nearest
from g2p.prosody import PLAIN, Prosody
from g2p.ssml import shown, spans
from valle import VALLE
from valle.cli import run
from valle.features.text import words
from valle.serve.sentences import Sentences
from valle.synthesis.prosody import with_prosody
from valle.synthesis.result import Audio
from valle.synthesis.segment import parts_of, with_known_phones
from valle.synthesis.segment import segments as cut
from valle.synthesis.words import words_of_phones

RATE = 24_000


def said(kind: str, text: str, more: str = "") -> str:
    return f'<say-as interpret-as="{kind}"{more}>{text}</say-as>'


# --- what is right -------------------------------------------------------------------------------

SAY_AS = [
    (said("characters", "Va7"), "[[vˈiː]] [[ˈeɪ]] [[sˈɛvən]]"),
    (said("spell-out", "IV a.b"), "[[ˈaɪ]] [[vˈiː]], [[ˈeɪ]] [[dˈɑːt]] [[bˈiː]]"),
    ("Henry " + said("characters", "V") + " is next.", "Henry [[vˈiː]] is next."),
    (said("digits", "2026"), "two zero two six"),
    (said("cardinal", "2026"), "two thousand twenty-six"),
    (said("cardinal", "-1,234.5"), "minus one thousand two hundred thirty-four point five"),
    (said("ordinal", "21"), "twenty-first"),
    (said("telephone", "+1 (555) 010-4567 ext. 12"),
     "plus one, five five five, zero one zero, four five six seven, extension one two"),
    (said("date", "5/3/2026", ' format="dmy"'), "March fifth, twenty twenty-six"),
    (said("date", "5/3/2026", ' format="mdy"'), "May third, twenty twenty-six"),
    (said("date", "20260503", ' format="yyyymmdd"'), "May third, twenty twenty-six"),
    (said("date", "3.5.", ' format="dm"'), "May third"),
    (said("date", "2026-05-03"), "May third, twenty twenty-six"),
    (said("time", "2:30pm"), "two thirty PM"), (said("time", "14:05"), "fourteen oh five"),
    (said("time", "1'21&quot;"), "one minute and twenty-one seconds"),
    (said("fraction", "5+1/2"), "five and one half"), (said("unit", "10km"), "ten kilometers"),
    (said("currency", "$5.50"), "five dollars and fifty cents")]
WRAPPED = [
    ('<?xml version="1.0"?><speak version="1.1" xml:lang="en-GB"><p>One.</p></speak>', "One."),
    ("<speak><s>One</s><s>Two</s></speak>", "One. Two"),
    ("It <prosody rate='slow'>costs <emphasis>$5</emphasis></prosody>.", "It costs five dollars."),
    ("a<break time='1s'/>b <break/> c", "a, b, c"),
    ('<sub alias="W H O">WHO</sub> &amp; <phoneme ph="nˈiːʃ">niche</phoneme>',
     "W H O and [[nˈiːʃ]]"),
    ('Say <lang xml:lang="de-DE">Guten Morgen, Anna</lang>.',
     "Say [[ɡˈuːtən]] [[mˈɔɾɡən]], [[ˈanɑː]]."),
    ('<lang xml:lang="fr"><say-as interpret-as="digits">12</say-as></lang>', "[[œ̃]] [[dˈø]]"),
    ('<lang xml:lang="cmn"><say-as interpret-as="ordinal">3</say-as></lang>', "[[sˈa5n]]"),
    ("I <emphasis>read</emphasis> it. <!-- <b> no -->", "I read it.")]
TEXT = [
    ("a < b", "a is less than b"), ("x<y>z", "x is less than y is greater than z"),
    ("I <3 you", "I love you"), ("<3, 2<3", "less than three, two is less than three"),
    ("List<int> and Map<String, List<int>>", "List int and Map String, List int"),
    ("Press <Enter>.", "Press Enter."), ("Dear <your name>,", "Dear your name,"),
    ("Mail <anna@example.com>.", "Mail anna at example dot com."),
    ("See <https://example.com/x>.", "See example dot com slash x."),
    ("if i<b and b>c", "if i is less than b and b is greater than c"),
    ("`<break>` and `List<int>`", "break and List int"), ("&lt;b&gt;", "b")]
HTML = [
    ("<b>bold</b>, <i class=x>it</i>", "bold, it"), ("H<sub>2</sub>O", "H two O"),
    ("one<br/>two<p>Three", "one two. Three"), ("<ul><li>red<li>blue</ul>", "red, blue"),
    ('<a href="/x?a=b" download>here</a> <img src="x.png"/>', "here"),
    ("<h1>Title</h1>Text.", "Title. Text."), ("<script>let x = 1;</script>A", "A")]


@pytest.mark.parametrize(("text", "words"), [*SAY_AS, *WRAPPED, *TEXT, *HTML])
def test_markup_becomes_words(text: str, words: str) -> None:
    assert normalize(text) == words
    assert phonemize(text)[-1] == (words[-1] if words[-1] in BOUNDARIES else ".")


# --- what is an error ----------------------------------------------------------------------------

WRONG = [
    (said("shout", "a"), "interpret-as='shout'>: use one of characters, spell-out"),
    ("<say-as>a</say-as>", "must say interpret-as="),
    (said("digits", "abc"), "'abc' cannot be read as one"), (said("ordinal", "x"), "'x' cannot"),
    (said("date", "31/31/2026", ' format="dmy"'), "cannot be read"),
    (said("date", "1", ' format="dayfirst"'), "use one of mdy, dmy"),
    ("<laugh> Hello.", "<laugh> is no tag that is known here: use <break>, <emphasis>"),
    ("<foo>Hello</foo>", "<foo> is no tag"), ("Hello <Foo/>", "<Foo/> is no tag"),
    ("<mstts:express-as style='sad'>a</mstts:express-as>", "express-as style='sad'> is no tag"),
    ("<audio src='a.mp3'/>", "is no tag that is known"), ("Hi </foo>", "</foo> is no tag"),
    ("<prosody rate='slow'>a", "<prosody rate='slow'> is not closed: write </prosody>"),
    ("<speak>a", "<speak> is not closed"), ("a</emphasis>", "</emphasis> closes nothing"),
    ("<prosody><emphasis>a</prosody>", "<emphasis> is not closed before </prosody>"),
    ('<break time="1s" b', "is no whole tag"), ('<prosody rate="slow>a</prosody>', "no whole tag"),
    ('<break time="soon"/>', "says no time"), ("<prosody rate='quick'>a</prosody>", "x-slow, slow"),
    ("<prosody rate='900%'>a</prosody>", "a factor from 0.25 to 4"),
    ("<prosody rate='0'>a</prosody>", "a factor from 0.25 to 4"),
    ("<prosody rate='x-slow'><prosody rate='30%'>a</prosody></prosody>", "not within 0.25 to 4"),
    ("<speak>" * 21, "more than 20 tags"),
    ("<prosody volume='+40dB'>a</prosody>", "at most +12dB"),
    ("<prosody speed='2'>a</prosody>", "<prosody speed=...> is unknown: use rate, volume"),
    ("<emphasis level='huge'>a</emphasis>", "use one of strong, moderate, none, reduced"),
    ("<lang>a</lang>", 'must say xml:lang="..."'),
    ("<lang xml:lang='xx-YY'>a</lang>", "unknown language 'xx-YY': use one of"),
    ("<phoneme alphabet='x-sampa' ph='a'>a</phoneme>", "give the phones in IPA"),
    ("<phoneme ph='?'>a</phoneme>", "no phone of IPA")]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_wrong_markup_is_named_in_one_line(text: str, message: str) -> None:
    for function in (normalize, phonemize):
        with pytest.raises(ValueError) as error:
            function(text)
        assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(("text", "name"), [
    ("<prosody pitch='high'>a</prosody>", "<prosody pitch>"),
    ("<voice name='x'>a</voice>", "<voice>")])
def test_what_has_no_effect_is_said(text: str, name: str) -> None:
    with pytest.warns(UserWarning, match=f"{name} has no effect"):
        assert phonemize(text) == phonemize("a")


# --- Markdown ------------------------------------------------------------------------------------

MARKDOWN = [
    ("# Title\n\nText.", "Title. Text."), ("Title\n=====\nText.", "Title. Text."),
    ("## Day ##\nText.", "Day. Text."), ("- one\n- two\n- three", "one, two, three"),
    ("* a dog\n  * a cat", "a dog, a cat"), ("1. one\n2. two", "one. one, two. two"),
    ("- [ ] wash\n- [x] dry", "wash, dry"), ("> said\n> he", "said he"),
    ("**Bold** and *it*", "Bold and it"), ("__Bold__ and _it_", "Bold and it"),
    ("***Both***, ~~gone~~", "Both, gone"), ("**Note**: go", "Note: go"),
    ("[here](http://a.b/c) now", "here now"), ('[here](http://a.b "T") now', "here now"),
    ("[here](http://a.b/c_(d)) now", "here now"), ("[here](<a b>) now", "here now"),
    ("[here][1] now\n\n[1]: http://a.b", "here now"), ("![A cat](cat.png) sat", "A cat sat"),
    ("Text[^1] goes.\n\n[^1]: A note.", "Text goes. A note."), ("A\n\n---\n\nB", "A. B"),
    ("| name | age |\n|---|---|\n| Ann | 30 |", "name, age. Ann, thirty"),
    ("Run `x = 1` now", "Run x equals one now"), ("snake_case and 2*3*4",
                                                  "snake case and two times three times four"),
    ("one line  \nand more", "one line and more"),
    ("a line\nthat goes on", "a line that goes on"),
    ("Before.\n```python\nx = <1>\n```\nAfter.", "Before. After."),
    ("Before.\n~~~\n```\n~~~\nAfter.", "Before. After."),
    ("Before.\n\n```\nno end", "Before."),
    ("- **One**: a\n- **Two**: b", "One: a, Two: b"), ("Tom & Jerry #1",
                                                        "Tom and Jerry number one")]


@pytest.mark.parametrize(("text", "words"), MARKDOWN)
def test_markdown_is_read_as_speech(text: str, words: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert normalize(text) == words
    left_out = [str(w.message) for w in caught]
    fenced = "\n```" in text or "\n~~~" in text
    assert left_out == (["1 block of code left out"] if fenced else [])


# --- rate and loudness ---------------------------------------------------------------------------

def rates(text: str) -> str:
    """The phones of a text's only segment, those with a rate or gain of their own in capitals."""
    part, = parts_of(text, "en-us", 0.4)
    ways = part.prosody or [PLAIN] * len(part.phones)
    return "".join(f"({phone})" if way != PLAIN else phone
                   for phone, way in zip(part.phones, ways, strict=True)).replace(")(", "")


@pytest.mark.parametrize(("text", "marked"), [
    ("The <prosody rate='slow'>quick fox</prosody> ran.", " ðə (kwˈɪk fˈɑːks) ɹˈæn."),
    ("It costs <emphasis>$5</emphasis> now.", " ɪt kˈɔsts (fˈaɪv dˈɑːlɚz) nˈaʊ."),
    ("Then it <emphasis>read</emphasis> the book yesterday.",
     " ðˈɛn ɪt (ɹˈɛd) ðə bˈʊk jˈɛstɚdˌeɪ."),
    ("<prosody rate='fast'>Run, run.</prosody>", "( ɹˈʌn,ɹˈʌn.)"),
    ("<prosody rate='100%'>Run.</prosody>", " ɹˈʌn.")])
def test_a_tag_reaches_the_phones_of_its_words(text: str, marked: str) -> None:
    """And words stay in their sentence: the tense of "read" is that of "yesterday"."""
    assert rates(text) == marked


def test_long_texts_keep_their_tags_over_every_cut() -> None:
    words = "the grey cat sat on the wall and looked at the long road "
    parts = parts_of(f"{words * 4}<prosody rate='x-fast'>{words * 9}</prosody>{words * 2}.",
                     "en-us", 0.4)
    assert len(parts) > 5
    ways = [way for part in parts
            for way, phone in zip(part.prosody or [PLAIN] * len(part.phones), part.phones,
                                  strict=True) if phone not in BOUNDARIES]
    fast = [index for index, way in enumerate(ways) if way.rate == 1.5]
    assert fast == list(range(fast[0], fast[-1] + 1))
    assert len(fast) / len(ways) == pytest.approx(9 / 15, abs=0.01)


def test_nested_tags_work_together() -> None:
    text = "<prosody rate='50%'>a <prosody rate='+50%' volume='soft'>b</prosody></prosody>"
    assert [span.prosody for span in spans(text, "en-us")] == [Prosody(0.5), Prosody(0.75, 0.6)]


@pytest.mark.parametrize("way", [Prosody(0.5), Prosody(2.0), Prosody(1.0, 2.0), Prosody(0.8, 0.0)])
def test_only_the_phones_concerned_change(way: Prosody) -> None:
    tone = (0.2 * np.sin(2 * np.pi * 150 * np.arange(3 * RATE) / RATE)).astype("f4")
    phones = [("a", 0.1, 1.0), ("b", 1.0, 2.0), ("c", 2.0, 2.9)]
    heard, timings = with_prosody(tone, phones, [PLAIN, way, PLAIN], RATE)
    assert len(heard) / RATE == pytest.approx(2 + 1 / way.rate, abs=0.001)
    assert [end - start for _, start, end in timings] == pytest.approx([0.9, 1 / way.rate, 0.9])
    start, end = timings[1][1:]
    inside = heard[round((start + 0.05) * RATE): round((end - 0.05) * RATE)]
    outside = np.concatenate([heard[:round((start - 0.05) * RATE)],
                              heard[round((end + 0.05) * RATE):]])
    assert outside.std() == pytest.approx(0.2 / 2 ** 0.5, rel=0.03)
    assert inside.std() == pytest.approx(way.gain * 0.2 / 2 ** 0.5, rel=0.03, abs=1e-6)
    assert np.abs(np.diff(heard)).max() < 2.5 * max(1, way.gain) * np.abs(np.diff(tone)).max()


def test_louder_stays_below_full_scale_and_plain_stays_untouched() -> None:
    tone = np.sin(np.arange(RATE) / 20).astype("f4") * 0.7
    heard, _ = with_prosody(tone, [("a", 0.0, 1.0)], [Prosody(1.0, 4.0)], RATE)
    assert 0.9 < np.abs(heard).max() <= 0.99
    same, _ = with_prosody(tone, [("a", 0.0, 1.0)], [PLAIN], RATE)
    assert same is tone


@pytest.fixture(scope="module")
def speak(model_folder: Path, prompt: Path) -> Callable[..., Audio]:
    tts = VALLE.from_pretrained(model_folder, "cpu")
    voice = tts.encode_prompt(prompt, PROMPT_TEXT)

    def speak(text: str, speed: float = 1.0) -> Audio:
        sampling = replace(tts.sampling, speed=speed, retries=0)
        return tts.speak(text, prompt=voice, seed=3, sampling=sampling)

    return speak


def test_a_slow_part_and_a_speed_are_heard(speak: Callable[..., Audio]) -> None:
    """In what is spoken: twice as long where it is asked for, the same elsewhere."""
    plain = speak("The sea was calm.")
    slow = speak("The <prosody rate='50%'>sea was</prosody> calm.")
    assert [phone for phone, _, _ in slow.phones] == [phone for phone, _, _ in plain.phones]
    lasts, lasted = ([end - start for _, start, end in audio.phones] for audio in (slow, plain))
    at = [phone for phone, _, _ in plain.phones].index("s")
    assert lasts[at: at + 2] == pytest.approx([2 * x for x in lasted[at: at + 2]])
    assert lasts[-4:-1] == pytest.approx(lasted[-4:-1])
    assert slow.seconds > plain.seconds
    fast = speak("The sea was calm.", speed=2.0)
    assert fast.seconds == pytest.approx(plain.seconds / 2, abs=0.01)
    assert fast.phones[-1][2] == pytest.approx(plain.phones[-1][2] / 2, abs=0.01)
    assert fast.settings["speed"] == 2.0


# --- other languages -----------------------------------------------------------------------------

def test_phones_that_a_model_lacks_are_said_by_the_nearest() -> None:
    english = Vocabulary.from_json(json.loads((Path(__file__).parents[1] / "weights" / "starter" /
                                               "model.json").read_text())["vocabulary"])
    text = ("He said <prosody rate='slow'><lang xml:lang='de'>Über zwölf Brücken</lang></prosody> "
            "and <lang xml:lang='fr'>bon vin</lang>.")
    parts, errors = cut([text], "en-us", 0)
    assert not errors and english.unknown(p for part in parts for p in part.phones)
    near, (message,) = with_known_phones(parts, english)
    assert not english.unknown(phone for part in near for phone in part.phones)
    assert all(len(part.prosody) == len(part.phones) for part in near)
    assert "ˌuː for ˌyː" in message and "t s for ts" in message
    assert with_known_phones(near, english) == (near, [])
    assert nearest("ǃ", english) == []
    assert with_known_phones(cut(["[[ˈǃ]]"], "en-us", 0)[0], english)[1] == [
        "this model never learned the phones ˈǃ; they will sound wrong"]


def test_a_model_that_knows_a_language_says_its_own_phones() -> None:
    known = Vocabulary.build([phonemize("Zürich und zwölf", "de")])
    text = "<lang xml:lang='de'>Zürich und zwölf</lang>"
    parts, _ = cut([text], "en-us", 0)
    assert with_known_phones(parts, known) == (parts, [])
    assert list(parts[0].phones) == phonemize("Zürich und zwölf", "de")


# --- where else texts are read -------------------------------------------------------------------

def test_words_in_captions_are_those_a_reader_sees() -> None:
    text = ("<speak>Wait <break time='1s'/><prosody rate=\"slow\">for <b>it</b></prosody>, "
            "[pause 1s] <sub alias='mister'>Mr</sub> X.</speak>")
    assert shown(text).split() == ["Wait", "for", "it,", "Mr", "X."]
    spoken = [p for part in parts_of(text, "en-us", 0.4) for p in part.phones]
    assert [word for word, places in words_of_phones(text, spoken, "en-us") if places] == [
        "Wait", "for", "it,", "Mr", "X."]


def test_a_text_that_arrives_in_bits_is_not_cut_within_a_tag() -> None:
    sentences = Sentences()
    assert sentences.feed("One. <prosody rate='slow'>Two. Three.") == ["One."]
    assert sentences.feed(" Four.</prosody> Five. Six") == [
        "<prosody rate='slow'>Two. Three. Four.</prosody>", "Five."]
    assert sentences.flush() == "Six"


def test_a_lexicon_leaves_alone_what_is_spelled(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("gif = jif\n", encoding="utf-8")
    text = said("characters", "GIF") + " gif"
    known = Lexicon(tmp_path / "names.txt")
    assert known.apply(text, "en-us") == said("characters", "GIF") + " jif"


def test_valle_phones_shows_pauses_and_rates(capsys: pytest.CaptureFixture[str]) -> None:
    text = "<speak>Wait <break time='1.5s'/> for <emphasis>it</emphasis>.\n<p>Go.</p></speak>"
    assert run("phones", [text], "valle phones") == 0
    assert capsys.readouterr().out == (
        "Wait\n  wˈeɪt.\n  pause 1.5 s\nfor it.\n  fɔːɹ ɪt.\n  rate 0.85, volume 1.3: it\n"
        "Go.\n  ɡˈoʊ.\n")
    text = "<prosody rate='2'>Go.</prosody>[pause 1s]"
    assert run("phones", ["--json", text], "valle phones") == 0
    assert json.loads(capsys.readouterr().out) == {
        "text": "Go.", "words": "Go.", "phones": [" ", "ɡ", "ˈoʊ", "."],
        "prosody": [{"text": "Go.", "rate": 2.0, "gain": 1.0}], "pause": 1.0}


@pytest.mark.parametrize("piece", [
    "<prosody>", "<break ", "<a b=", "<!--", "<foo ", "</b>", "<b and ", "<emphasis>a</emphasis>",
    "`<", "```\n", "[a]: x:y\n"])
def test_the_cost_of_markup_grows_with_its_length(piece: str) -> None:
    def cost(size: int) -> float:
        start = time.process_time()
        with warnings.catch_warnings(), contextlib.suppress(ValueError):
            warnings.simplefilter("ignore")
            spans((piece * (size // len(piece) + 1))[:size], "en-us")
        return time.process_time() - start

    cost(1000)
    assert cost(40_000) < 3.5 * max(cost(20_000), 0.05)


def test_what_a_recogniser_writes_is_scored_whatever_it_looks_like() -> None:
    assert words("Hello <unk> world") == ["hello", "unk", "world"]
    assert words("<b>Hello</b> [[?]]") == ["hello"]
