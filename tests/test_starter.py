"""The starter says what it said when it was made: its phones, codes, durations and logits.

Nothing here hears the codec's decoder: new sound must not hide that new codes are spoken. Where
other codes are meant (new weights, other phones): `python tests/test_starter.py` writes them anew.
"""
from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

import pytest
import torch

from g2p import BOUNDARIES, phonemize
from valle.model.ar import AR
from valle.model.checkpoint import Model, load_model, model_folder
from valle.model.tokens import EOS
from valle.synthesis.batch import generate
from valle.synthesis.decode import Generated, Request
from valle.synthesis.options import SamplingOptions
from valle.synthesis.voice import encode_prompt

GOLDEN = Path(__file__).parent / "data" / "starter.json"
EXAMPLES = Path(__file__).parents[1] / "examples"
TEXT = "We went home, slowly."
SAMPLING = SamplingOptions(temperature=0.7, top_k=0, top_p=0.9, ras_window=10, ras_threshold=0.1,
                           guidance=2.5, nar_guidance=1.0)
EVERY, MOST = 25, 6  # tokens between the positions whose logits are kept, and how many of each


def processor() -> str:
    """The class of this machine: sums are rounded in another order on another one."""
    name = platform.processor()
    if Path("/proc/cpuinfo").is_file():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.split(":", 1)[1].strip() for line in lines
                     if line.startswith("model name")), name)
    return f"{name}, {torch.backends.cpu.get_cpu_capability()}"


def request(model: Model, golden: dict[str, Any]) -> Request:
    """TEXT after the stored prompt."""
    prompt, ids = golden["prompt"], model.ar.ids
    known, phones = (model.vocabulary.encode(p) for p in (prompt["phones"], golden["phones"]))
    tokens = [*ids.prefix("en-us", known + phones),
              *ids.interleave(known, prompt["durations"], prompt["codes"])]
    return Request(tokens, phones, [phone in BOUNDARIES for phone in golden["phones"]],
                   golden["seed"], model.codec.frame_rate)


def spoken(model: Model, golden: dict[str, Any]) -> Generated:
    [generated] = generate(model.ar, [request(model, golden)], SAMPLING)
    return generated


@torch.no_grad()
def forced(model: Model, golden: dict[str, Any]) -> tuple[list[int], torch.Tensor]:
    """The positions EVERY tokens of the stored speech, and the log-probabilities there [L, V]."""
    asked = request(model, golden)
    said = model.ar.ids.interleave(asked.phones, golden["durations"], golden["codes"])
    places = list(range(len(asked.tokens) - 1, len(asked.tokens) + len(said), EVERY))
    ar: AR = model.ar
    logits = ar(torch.tensor([[*asked.tokens, *said, EOS]]))[0, places]
    return places, logits.log_softmax(1)


@pytest.fixture(scope="module")
def model() -> Model:
    loaded = load_model(model_folder("starter"))
    loaded.ar.eval()
    return loaded


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return found


def test_the_text_has_the_same_phones(golden: dict[str, Any]) -> None:
    assert phonemize(TEXT) == golden["phones"]


def test_the_model_expects_the_same(model: Model, golden: dict[str, Any]) -> None:
    """Teacher-forced, and so on any machine: rounding does not add up."""
    places, found = forced(model, golden)
    kept = golden["logits"]
    assert places == kept["places"]
    likeliest = torch.tensor(kept["likeliest"])
    torch.testing.assert_close(found.gather(1, likeliest), torch.tensor(kept["log_probabilities"]),
                               atol=5e-3, rtol=0)
    assert torch.equal(found.argmax(1), likeliest[:, 0])


def test_the_same_codes_and_durations_are_drawn(model: Model, golden: dict[str, Any]) -> None:
    if processor() != golden["processor"]:
        pytest.skip(f"codes were kept on {golden['processor']}; this is {processor()}")
    found = spoken(model, golden)
    assert found.finish == "eos"
    assert list(found.durations or ()) == golden["durations"]
    assert list(found.codes) == golden["codes"]


def write() -> None:
    """Keep what the starter says now."""
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    model = load_model(model_folder("starter"))
    model.ar.eval()
    voice = encode_prompt(EXAMPLES / "alto.wav", (EXAMPLES / "alto.txt").read_text(), "en-us",
                          model, torch.device("cpu"))
    golden: dict[str, Any] = {
        "processor": processor(), "seed": 7, "phones": phonemize(TEXT),
        "prompt": {"phones": voice.phones, "durations": voice.durations,
                   "codes": voice.codes[0].tolist()}}
    said = spoken(model, golden)
    golden |= {"codes": said.codes, "durations": said.durations}
    places, found = forced(model, golden)
    most = found.topk(MOST)
    golden["logits"] = {
        "places": places, "likeliest": most.indices.tolist(),
        "log_probabilities": [[round(p, 4) for p in row] for row in most.values.tolist()]}
    GOLDEN.write_text(json.dumps(golden, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{GOLDEN}: {len(said.codes)} codes, {said.finish}")


if __name__ == "__main__":
    write()
