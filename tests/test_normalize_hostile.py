"""Texts made to hang the normaliser: its cost grows with the length of the text, no faster."""
from __future__ import annotations

import time
import warnings

import pytest

from g2p import normalize, phonemize

PIECES = ["A. ", "$ ", "1-1.1,1 ", "a.m. ", "I V X ", "St. ", "'' ", ". , ", "a", "1", "\n \n",
          "* ",
          "[a](b) ", "[", "<a", "&", "**a ", "_", "1,", "12:30 ", "5' ", '5" ', "$5-", "10⁶", "x=",
          "5 - ", "Henry ", "Mr ", "and ", "AND ", "I'M ", "a@", "www.", "a.b.", "日", "μ ", "Mon-",
          "5 May ", "read ", "code is ", "1 000 ", "1/", "# a\n", "| a ", "a\n", "U.S. ", "a, ",
          "12 Elm St ",
          "1m 2s ", "N. A ", "6 kg m^2 ", "0a:", "expires 1/2 ", "a v. B ", "R50 ", "x! = ",
          "f(x) ", '4"-', "Dr and ", "1'000 ", "1 000-", "2-1/2 ", "Fri. ", "'99 ", "0600 hours ",
          "million kg ", "music's ", "retro", "I-9 N ", "12/25-", "5.Jun.", "Wm. ", "== a ",
          "<p>", "~~a", "a\u0301", "a\x1c", "-----------x\n", "5s ", "# #", "555 "]


def cost(text: str) -> float:
    """Seconds of this process, however busy the machine is."""
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        normalize(text)
    return time.process_time() - start


@pytest.mark.slow
@pytest.mark.parametrize("piece", PIECES)
def test_twice_the_text_takes_about_twice_the_time(piece: str) -> None:
    once, twice = ((piece * (n // len(piece) + 1))[:n] for n in (3000, 6000))
    cost(once)
    assert cost(twice) < 3.5 * max(cost(once), .05)


@pytest.mark.parametrize("text", ["a" * 1_000_000, "1" * 1_000_000,
                                  "a\u200b" * 500_000, "é" * 1_000_000, "a.b-" * 250_000])
def test_a_megabyte_without_a_space_is_refused_at_once(text: str) -> None:
    start = time.process_time()
    with pytest.raises(ValueError, match="characters without a space"):
        phonemize(text)
    assert time.process_time() - start < 5
