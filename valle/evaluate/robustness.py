"""What goes wrong in synthetic speech besides single words: failures by class.

Each class is a yes or no for an utterance, found in what a listener heard and in the sound. They
are counted for recordings too: what a judge finds there is the judge's own error.
"""
from __future__ import annotations

from collections.abc import Sequence

from codec.audio import Samples
from valle.evaluate.wer import Errors
from valle.features.pauses import PAUSING, silences, spoken_seconds

DELETED_RUN = 3          # words in a row that are missing
REPEATED = 2             # words in a row that are said again
LEAKED = 3               # words in a row of the prompt
EARLY = 0.6              # of the length that the prompt's pace leads to expect

CLASSES = ("deletion run", "repeat", "prompt leak", "early stop", "long silence", "no end")


def failures(reference: Sequence[str], heard: Sequence[str], errors: Errors, *,
             samples: Samples, sample_rate: int, text: str, expected_seconds: float | None,
             prompt: Sequence[str] = (), finish: str | None = None) -> list[str]:
    """Classes of failure of one utterance, in the order of CLASSES.

    Args:
        reference, heard, errors: words that should be said, words heard, their alignment.
        samples: the speech [N].
        text: with its punctuation, where pauses may be.
        expected_seconds: length at the prompt's pace; None where it is not known.
        prompt: words of the prompt.
        finish: how the model ended, "eos" or "cap"; None where it is not known.
    """
    found = {
        "deletion run": any(kind == "delete" and end - start >= DELETED_RUN
                            for kind, start, end, _, _ in errors.runs),
        "repeat": repeats(heard, errors),
        "prompt leak": leaks(reference, heard, prompt),
        "early stop": (expected_seconds is not None and not reaches_end(reference, errors)
                       and spoken_seconds(samples, sample_rate) < EARLY * expected_seconds),
        "long silence": (len(silences(samples, sample_rate))
                         > sum(c in PAUSING for c in text.rstrip(PAUSING + " \"'"))),
        "no end": finish == "cap",
    }
    return [name for name in CLASSES if found[name]]


def reaches_end(reference: Sequence[str], errors: Errors) -> bool:
    """Is the last word heard? Speech that is short but whole was only faster than the prompt."""
    return any(kind == "equal" and end == len(reference) for kind, _, end, _, _ in errors.runs)


def repeats(heard: Sequence[str], errors: Errors) -> bool:
    """Are two or more words in a row inserted that were just said, or are said next?"""
    for kind, _, _, start, end in errors.runs:
        size = end - start
        if kind == "insert" and size >= REPEATED:
            run = list(heard[start:end])
            if run in (list(heard[max(0, start - size): start]), list(heard[end: end + size])):
                return True
            if len(set(run)) == 1:  # one word over and over
                return True
    return False


def leaks(reference: Sequence[str], heard: Sequence[str], prompt: Sequence[str]) -> bool:
    """Are three words of the prompt heard in a row that the text has nowhere in a row?"""
    return bool((_runs(heard) & _runs(prompt)) - _runs(reference))


def _runs(said: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(said[i: i + LEAKED]) for i in range(len(said) - LEAKED + 1)}
