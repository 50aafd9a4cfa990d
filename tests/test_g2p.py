"""Text to phones with the real espeak: the contract, the normaliser, languages, bad input."""
from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from g2p import BOUNDARIES, Vocabulary, espeak_info, normalize, phonemize, phonemize_many

ROOT = Path(__file__).parents[1]

ENGLISH = """
I have 3 cats and 1,234,567 dogs. | I have three cats and one million two hundred thirty-four \
thousand five hundred sixty-seven dogs.
The 1st, 2nd, 3rd and 21st. | The first, second, third and twenty-first.
In 1984 and 2026 | In nineteen eighty-four and twenty twenty-six
1905, 2005, 1900 | nineteen oh five, two thousand five, nineteen hundred
the 1990s and the '90s, the mid-1980s | the nineteen nineties and the nineties, the mid-nineteen \
eighties
3.14 or 0.5 or .5 | three point one four or zero point five or zero point five
½ cup, 3½ cups | one half cup, three and a half cups
1/2, 3/4, 2/3 | one half, three quarters, two thirds
It was -5 degrees. | It was minus five degrees.
Then it was −20 °C. | Then it was minus twenty degrees Celsius.
2,000 people | two thousand people
50% off, 3.5 % fat | fifty percent off, three point five percent fat
At 10:30 we left. | At ten thirty we left.
at 7 p.m. | at seven PM.
7 p.m. on Monday | seven PM on Monday
at 10:30 a.m. He left at 7 p.m. to eat. | at ten thirty AM. He left at seven PM to eat.
10:05, 10:00, 14:30, 7pm | ten oh five, ten o'clock, fourteen thirty, seven PM
10:30:15 | ten thirty and fifteen seconds
Jan. 3rd, 2026 | January third, twenty twenty-six
January 3, 2026 was cold. | January third, twenty twenty-six was cold.
3 January | the third of January
on the 3rd of January 1999 | on the third of January nineteen ninety-nine
2026-11-21 | November twenty-first, twenty twenty-six
11/21/2026 | November twenty-first, twenty twenty-six
Sat., Jan. 3, at 5 | Saturday, January third, at five
March 5-7 | March fifth to seventh
$3.50 | three dollars and fifty cents
£2m | two million pounds
€1,200 | one thousand two hundred euros
$5 billion | five billion dollars
$1, $0.50, $1.01 | one dollar, fifty cents, one dollar and one cent
5 €, 20 USD, -$5 | five euros, twenty dollars, minus five dollars
£3.99/kg | three pounds and ninety-nine pence per kilogram
5 km, 1 km, 3 kg | five kilometers, one kilometer, three kilograms
20 °C, 72°F, 90° | twenty degrees Celsius, seventy-two degrees Fahrenheit, ninety degrees
60 mph, 100 km/h | sixty miles per hour, one hundred kilometers per hour
5 ft. tall, 30 m² | five feet tall, thirty square meters
Dr. Smith and Mr. Jones met Mrs. Brown. | Doctor Smith and Mister Jones met Mrs Brown.
St. John's, 12 Main St. in Boston | Saint John's, twelve Main Street in Boston
pears, etc. Then we left. | pears, et cetera. Then we left.
pears, etc. and more | pears, et cetera and more
e.g. this, i.e. that, vs. those | for example this, that is that, versus those
No. 5, approx. 20 | number five, approximately twenty
No, no. 5 is fine. No. | No, number five is fine. No.
J. K. Rowling, J.R.R. Tolkien | J K Rowling, J R R Tolkien
J. A. Smith | J A Smith
It was I. He left. | It was I. He left.
the U.S.A. and the U.S. Senate | the USA and the US Senate
BBC, TTS, NASA | BBC, TTS, NASA
EOS | E O S
the BBC's news | the B B C's news
THE CAT SAT ON THE MAT | the cat sat on the mat
I said STOP right NOW! | I said stop right now!
Call 555-123-4567. | Call five five five, one two three, four five six seven.
+1 (555) 123-4567 | plus one, five five five, one two three, four five six seven
555-0123 | five five five, zero one two three
Henry VIII and Louis XIV | Henry the eighth and Louis the fourteenth
Queen Elizabeth II | Queen Elizabeth the second
Chapter IV, World War II, Part I | Chapter four, World War two, Part one
Ivan Vazov, Elizabeth I love you | Ivan Vazov, Elizabeth I love you
Tom & Jerry | Tom and Jerry
1 + 1 = 2 | one plus one equals two
10 - 5 = 5 | ten minus five equals five
#1 and #winning | number one and hash winning
and/or, he/she | and or, he slash she
me@example.com | me at example dot com
Visit https://www.example.com/a-b. | Visit W W W dot example dot com slash a dash b.
C++ and C# | C plus plus and C sharp
Hello 😀 world 👍🏽 | Hello world
“Quoted” — ‘text’ | "Quoted", 'text'
wait… what | wait. what
1914-1918, pages 5–10 | nineteen fourteen to nineteen eighteen, pages five to ten
the COVID-19 test, an MP3 | the COVID-nineteen test, an MP three
007 | zero zero seven
1.2.3 | one point two point three
it ended 3:1 | it ended three to one
vitamin A is good | vitamin A is good
A B C, A A A. | A B C, A A A.
From A to Z, not A, and A and B | From A to Z, not A, and A and B
The C I A and the B A program | The C I A and the B A program
A C major chord, a T-shirt. A U-turn. | A C major chord, a T-shirt. A U-turn.
In A Christmas Carol | In A Christmas Carol
a 10-year-old boy | a ten-year-old boy
10k, ~5, <3, 2*4 | ten thousand, about five, less than three, two times four
A fine <b>day</b> | A fine day
=====\\n* * * title | title
Ｈｅｌｌｏ　ｗｏｒｌｄ！ | Hello world!
"""
CASES = [tuple(line.replace("\\n", "\n").split(" | ")) for line in ENGLISH.strip().splitlines()]

OTHERS = [
    ("de", "Am 3. Januar 1984 um 10:30 Uhr.",
     "Am dritten Januar neunzehnhundertvierundachtzig um zehn Uhr dreißig."),
    ("de", "3,50 € und 1.200, -5 °C, 50 %",
     "drei Euro fünfzig und eintausendzweihundert, minus fünf Grad Celsius, fünfzig Prozent"),
    ("fr-fr", "à 10h30, le 1er mai, 3,5 %",
     "à dix heures trente, le premier mai, trois virgule cinq pour cent"),
    ("es", "¿Son las 10:30? 1.200 km", "Son las diez y treinta? mil doscientos km"),
    ("en-gb", "11/12/2026", "December eleventh, twenty twenty-six"),
    ("cmn", "我有25个苹果，好！", "我有25个苹果,好!"),
]

SPOKEN = [
    ("en-us", "Hello, world", " həlˈoʊ,wˈɜːld."),
    ("en", "At 10:30, we met Dr. Smith.", " æt tˈɛn θˈɜːɾi,wiː mˈɛt dˈɑːktɚ smˈɪθ."),
    ("en-us", "The BBC's API!", " ðə bˈiː bˈiː sˈiːz ˌeɪpˌiːˈaɪ!"),
    ("de", "Guten Morgen, wie geht es dir?", " ɡˈuːtən mˈɔɾɡən,viː ɡˈeːt ɛs dˈiːɾ?"),
    ("fr", "Bonjour le monde, ça va ?", " bɔ̃ʒˈuʁ lə mˈɔ̃d,sa vˈa?"),
    ("es", "¿Cómo estás? ¡Hola, mundo!", " kˈomo estˈas?ˈola,mˈundo!"),
    ("zh-CN", "你好，世界。今天天气很好！",
     " ni2χˈɑu2,s.ˈi.5 tɕˈiɛ5.tɕˈi5n thˈiɛ5n thˈiɛ5n tɕhˈi5 χə2nχˈɑu2!"),
]

BAD = ["", "   \n", "...", "?!", "—", "😀", "🎉👍🏽", "🇩🇪", "'", "\x00", "@", "\u200b"]


def check_contract(phones: list[str]) -> None:
    assert phones[0] == " " and phones[-1] in BOUNDARIES[1:]
    assert phones[1] not in BOUNDARIES
    for first, second in pairwise(phones):
        assert not (first in BOUNDARIES and second in BOUNDARIES), (first, second)
    for phone in phones:
        assert phone == " " or (phone and phone == phone.strip() and "|" not in phone)


@pytest.mark.parametrize(("written", "spoken"), CASES, ids=[case[0][:30] for case in CASES])
def test_normalize_english(written: str, spoken: str) -> None:
    assert normalize(written) == spoken


@pytest.mark.parametrize(("language", "written", "spoken"), OTHERS)
def test_normalize_other_languages(language: str, written: str, spoken: str) -> None:
    assert normalize(written, language) == spoken


def test_plain_words_stay_as_they_are() -> None:
    text = "Printing, in the only sense: with which we're concerned; differs! Does it? (Yes.)"
    assert normalize(text) == text


@pytest.mark.parametrize(("language", "text", "expected"), SPOKEN)
def test_phones_of_five_languages(language: str, text: str, expected: str) -> None:
    phones = phonemize(text, language)
    check_contract(phones)
    assert "".join(phones) == expected


def test_tokens_keep_stress_and_tone() -> None:
    assert phonemize("Hello, world") == [
        " ", "h", "ə", "l", "ˈoʊ", ",", "w", "ˈɜː", "l", "d", "."]
    assert phonemize("你好", "cmn") == [" ", "n", "i2", "χ", "ˈɑu2", "."]


def test_one_boundary_between_words_and_the_strongest_mark_stays() -> None:
    check_contract(phonemize("?! \"So\" -- (he said, ...) wait;, what?!, no -"))
    assert "".join(phonemize("no?!, no")) == " nˈoʊ?nˈoʊ."
    assert "".join(phonemize("no; , no,")) == " nˈoʊ;nˈoʊ,"
    assert "".join(phonemize("no... 😀 ! no")) == " nˈoʊ!nˈoʊ."
    assert "".join(phonemize("no\n\nno\nno")) == " nˈoʊ.nˈoʊ nˈoʊ."


def test_contract_holds_for_everything_in_the_tables() -> None:
    for phones in phonemize_many([written for written, _ in CASES]):
        check_contract(phones)
    for language, text, _ in OTHERS:
        check_contract(phonemize(text, language))
    for language, text in (("ru", "Привет, мир! 25"), ("hi", "नमस्ते दुनिया।"), ("ja", "こんにちは。"),
                           ("it", "Ho 3,5 kg"), ("pt-BR", "Olá, 7 mundos")):
        check_contract(phonemize(text, language))


def test_many_equals_one_by_one() -> None:
    texts = [written for written, _ in CASES]
    assert phonemize_many(texts) == [phonemize(text) for text in texts]
    assert phonemize_many([]) == []


def test_threads_give_the_serial_result() -> None:
    jobs = [(text, language) for language, _, text in OTHERS] + [
        (written, "en-us") for written, _ in CASES] + [(text, code) for code, text, _ in SPOKEN]
    jobs *= 3
    serial = [phonemize(*job) for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda job: phonemize(*job), jobs)) == serial


@pytest.mark.parametrize("text", BAD)
def test_nothing_to_say(text: str) -> None:
    with pytest.raises(ValueError, match="nothing to say") as caught:
        phonemize(text)
    assert "\n" not in str(caught.value) and "at least one word" in str(caught.value)


def test_one_bad_text_of_many() -> None:
    with pytest.raises(ValueError, match="nothing to say in '!!'"):
        phonemize_many(["fine", "!!"])


@pytest.mark.parametrize(("language", "named"), [
    ("klingonish", "en-us"), ("germn", "de"), ("", "cmn"), (None, "en-us")])
def test_unknown_language_names_others(language: str, named: str) -> None:
    with pytest.raises(ValueError, match=named) as caught:
        phonemize("hello", language)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", [None, 5, b"hello", ["hello"]])
def test_text_that_is_no_str(text: object) -> None:
    with pytest.raises(ValueError, match="must be a str"):
        phonemize(text)  # type: ignore[arg-type]


@pytest.mark.parametrize("language", ["en-us", "de", "cmn"])
def test_ten_kilobytes_without_a_space_are_refused_at_once(language: str) -> None:
    start = time.monotonic()
    with pytest.raises(ValueError, match="10240 characters without a space"):
        phonemize("a" * 10240, language)
    assert time.monotonic() - start < 1


def test_long_texts_are_fine_where_they_should_be() -> None:
    start = time.process_time()
    assert phonemize("word " * 2000).count(" ") == 2000
    assert len(phonemize("我" * 3000, "cmn")) > 3000      # Chinese has no spaces
    assert len(phonemize("1" * 200)) > 200
    for nasty in ("A. ", "$ ", "1-1.1,1 ", "a.m. ", "I V X ", "St. ", "'' ", ". , "):
        phonemize("so " + nasty * 1000)
    assert time.process_time() - start < 5


def test_espeak_info() -> None:
    info = espeak_info()
    assert info["source"] in ("espeakng-loader", "system")
    assert int(info["version"].split(".")[0]) >= 1 and Path(info["data"]).is_dir()


def test_import_is_light_and_the_first_call_says_nothing() -> None:
    code = ("import sys, g2p; heavy = {'torch', 'phonemizer', 'espeakng_loader', 'num2words'};"
            "assert not heavy & set(sys.modules); g2p.phonemize('the word Weltschmerz', 'fr');"
            "assert 'torch' not in sys.modules")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("broken", [
    "sys.modules['espeakng_loader'] = None",
    "import espeakng_loader; espeakng_loader.get_data_path = lambda: sys.argv[1]"])
def test_no_usable_espeak_names_the_fix(broken: str, tmp_path: Path) -> None:
    """Absent, or in a folder so deep that espeak would end the process."""
    deep = tmp_path / ("x" * 160)
    deep.mkdir()
    (deep / "phontab").touch()
    code = (f"import sys; {broken}\n"
            "from phonemizer.backend.espeak import wrapper\n"
            "wrapper._find_library = lambda name: None\n"
            "import g2p\n"
            "try: g2p.phonemize('hello')\n"
            "except FileNotFoundError as error: print(error)")
    done = subprocess.run([sys.executable, "-c", code, str(deep)], cwd=ROOT, capture_output=True,
                          text=True)
    assert "pip install espeakng-loader" in done.stdout and done.stdout.count("\n") == 1


def test_vocabulary_round_trip() -> None:
    phones = phonemize("Hello, world! Is it so; or not: yes?")
    vocabulary = Vocabulary.build([phones])
    assert vocabulary.phones[:8] == ["<unk>", *BOUNDARIES]
    assert vocabulary.phones[8:] == sorted(vocabulary.phones[8:])
    assert vocabulary.decode(vocabulary.encode(phones)) == phones
    again = Vocabulary.from_json(vocabulary.to_json())
    assert again == vocabulary and again.to_json() == vocabulary.to_json()
    assert Vocabulary.from_json(vocabulary.to_json(espeak="1.52.0")) == vocabulary
    assert Vocabulary.build([phones[::-1]]) == vocabulary != Vocabulary.build([["x"]])


def test_vocabulary_falls_back_on_other_stress_then_unk() -> None:
    vocabulary = Vocabulary.build([["oʊ", "ˈiː", "ˌaɪ", "ˈaɪ"]])
    fallen = vocabulary.decode(vocabulary.encode(["ˈoʊ", "iː", "ˌiː", "aɪ", "ʒ"]))
    assert fallen == ["oʊ", "ˈiː", "ˈiː", "ˈaɪ", "<unk>"]
    assert vocabulary.unknown(["ʒ", "ˈoʊ", "ʒ", "q", " "]) == ["q", "ʒ"]


def test_vocabulary_refuses_what_is_none() -> None:
    for phones in ([], ["a"], ["<unk>", "a", "a"]):
        with pytest.raises(ValueError, match="starts with <unk>"):
            Vocabulary(phones)
    with pytest.raises(IndexError, match=r"0\.\.7"):
        Vocabulary.build([]).decode([-1])
