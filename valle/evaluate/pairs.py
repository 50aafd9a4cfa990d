"""Which voice says which text: the pairs of the voice protocol, seeded and written to a file.

20 synthetic voices and 20 real speakers, none of them in training. The prompt is a recording of the
speaker; the text is another one, unseen in training, the same for no two pairs. Where a recording
of the speaker is at hand besides the prompt, it is the anchor ("truth") of the pair: of the target
text itself for synthetic voices, of some other text for real ones.
"""
from __future__ import annotations

import dataclasses
import json
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import soundfile

from codec.audio import SAMPLE_RATE, load_audio, trim_silence
from codec.files import atomic_path
from valle.data.corpora import Recording
from valle.evaluate.words import words

VERSION = 2
SYNTHETIC, REAL = "synthetic", "real"
PROMPT_SECONDS = (2.5, 8.0)
TEXT_WORDS = (6, 20)
PLAIN = re.compile(r"(?!.*\b[A-Z]{2})[A-Z][A-Za-z ,'\-]*[.?!]")  # no figures, no initials


@dataclass(frozen=True)
class Pair:
    """A prompt with its transcript, and the text to speak in its voice.

    Attributes:
        id: group and number; names the files of the pair.
        truth: a recording of the speaker other than the prompt, and truth_text, what it says; None
            where there is none.
    """

    id: str
    group: str
    speaker: str
    prompt: str
    prompt_text: str
    text: str
    truth: str | None = None
    truth_text: str | None = None


def make_pairs(synthetic: Iterable[Recording], real: Sequence[Iterable[Recording]],
               pool: Sequence[str], *, seen: Iterable[str] = (), seed: int = 0, count: int = 20,
               ) -> list[Pair]:
    """`count` pairs of each group; the same for the same seed and data.

    Args:
        synthetic: recordings of held-out synthetic voices.
        real: held-out recordings of each corpus; the speakers of the first come first, the last
            corpus fills up. Speakers get a second pair only when all have one.
        pool: texts to speak that no training data holds.
        seen: texts of the training data; never spoken, even when in the pool.

    Raises:
        ValueError: no usable speaker, or too few texts of 6 to 20 words.
    """
    chance = random.Random(f"pairs-{VERSION}-{seed}")
    taken = {_key(text) for text in seen}
    texts = [text for text in dict.fromkeys(pool) if speakable(text)]
    chance.shuffle(texts)
    made = _of_group(SYNTHETIC, _by_speaker(synthetic, chance), texts, taken, count)
    speakers = [voice for corpus in real for voice in _by_speaker(corpus, chance)]
    return made + _of_group(REAL, speakers, texts, taken, count)


def speakable(text: str) -> bool:
    """A plain sentence of 6 to 20 words."""
    return bool(PLAIN.fullmatch(text)) and TEXT_WORDS[0] <= len(words(text)) <= TEXT_WORDS[1]


def write_pairs(path: str | Path, pairs: Iterable[Pair]) -> None:
    """One pair per line."""
    with atomic_path(path) as temporary:
        temporary.write_text("".join(json.dumps({"version": VERSION, **dataclasses.asdict(pair)},
                                                ensure_ascii=False) + "\n" for pair in pairs),
                             encoding="utf-8")


def read_pairs(path: str | Path) -> list[Pair]:
    """Pairs written by `write_pairs`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not pairs, or of another version.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no pairs at {path}: leave out --pairs to make them")
    pairs = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            values = json.loads(line)
            version = values.pop("version")
            pairs.append(Pair(**values))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"{path} line {number} is not a pair ({error}): leave out --pairs to "
                             "make them again") from error
        if version != VERSION:
            raise ValueError(f"{path} holds pairs of version {version}, this is {VERSION}: make "
                             "them again")
    return pairs


def _by_speaker(recordings: Iterable[Recording], chance: random.Random) -> list[list[Recording]]:
    """Speakers in random order, each with its usable recordings in random order."""
    voices: dict[str, list[Recording]] = {}
    for recording in sorted(recordings, key=lambda r: r.id):
        if recording.text and not recording.problem and words(recording.text):
            voices.setdefault(recording.speaker, []).append(recording)
    found = [voices[name] for name in sorted(voices)]
    for voice in found:
        chance.shuffle(voice)
    chance.shuffle(found)
    return found


def _of_group(group: str, voices: Sequence[list[Recording]], texts: list[str], taken: set[str],
              count: int) -> list[Pair]:
    """Pairs of one group; the texts used are added to `taken`."""
    pairs: list[Pair] = []
    used: set[str] = set()
    queue = list(voices)
    while queue and len(pairs) < count:
        voice = queue.pop(0)
        prompt = next((r for r in voice if r.id not in used and _is_prompt(r)), None)
        if prompt is None:
            continue
        used.add(prompt.id)
        pairs.append(_pair(f"{group}-{len(pairs):02d}", group, prompt, voice, texts, taken))
        queue.append(voice)
    if len(pairs) < count:
        raise ValueError(f"the {group} speakers have {len(pairs)} prompts of "
                         f"{PROMPT_SECONDS[0]} to {PROMPT_SECONDS[1]} s with text, {count} are "
                         "needed: give more data or a lower --count")
    return pairs


def _pair(name: str, group: str, prompt: Recording, voice: Sequence[Recording],
          texts: Sequence[str], taken: set[str]) -> Pair:
    """A text and an anchor for a prompt; the speaker's own recording gives both if synthetic."""
    said = _key(prompt.text or "")
    others = [r for r in voice if r.id != prompt.id and _key(r.text or "") != said]
    own = [r for r in others if group == SYNTHETIC and speakable(r.text or "")
           and _key(r.text or "") not in taken]
    truth = own[0] if own else next((r for r in others if _is_prompt(r)), None)
    if own:
        text = own[0].text or ""
    else:
        text = next((t for t in texts if _key(t) not in taken and _key(t) != said), "")
        if not text:
            raise ValueError(f"too few texts of {TEXT_WORDS[0]} to {TEXT_WORDS[1]} words that "
                             "training has not seen: give a longer file with --texts")
    taken.add(_key(text))
    return Pair(name, group, prompt.speaker, str(prompt.audio), prompt.text or "", text,
                str(truth.audio) if truth else None, truth.text if truth else None)


def _is_prompt(recording: Recording) -> bool:
    """Of a length that can be cut to three seconds, without the silence around the speech."""
    if not soundfile.info(str(recording.audio)).duration < 2 * PROMPT_SECONDS[1]:
        return False
    try:
        start, end = trim_silence(load_audio(recording.audio))
    except ValueError:
        return False
    return PROMPT_SECONDS[0] <= (end - start) / SAMPLE_RATE <= PROMPT_SECONDS[1]


def _key(text: str) -> str:
    return " ".join(words(text))
