#!/usr/bin/env python3
"""How fast a model speaks, stage by stage: `python benchmarks/speed.py [MODEL]`.

RTF is seconds of work for a second of speech; medians of three runs in turn after one to warm up.
The second table is of short and long texts in a known voice. OMP_NUM_THREADS sets the threads.
"""
from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import torch

import valle.synthesis.pipeline
from valle import VALLE
from valle.synthesis.options import SamplingOptions
from valle.synthesis.rerank import Reranker

EXAMPLES = Path(__file__).parents[1] / "examples"
TEXT = "Three seconds of a voice are enough. Now it reads whatever you write, word for word."
PASSAGE = ("The old clock on the stairs had stopped at noon. Nobody in the house could say who had "
           "wound it last, or why. ")
CLAUSES = ("Nobody could say.", "Who had wound it last?", "It was noon.", "Come in.",
           "The stairs were cold, and the door stood open all night long.",
           "She took the old key from the nail.")
CASES: dict[str, list[str | list[str]]] = {  # each a number of calls
    "a clause": ["The old clock on the stairs had stopped at noon."],
    "a passage": [PASSAGE * 2], "a page": [PASSAGE * 8],
    "24 clauses, one by one": [*CLAUSES * 4], "24 clauses in one call": [[*CLAUSES * 4]]}
VOICES = (("native", "int8"), ("native", "float32"), ("torch", "int8"),
          ("llama.cpp", "int8"))
RUNS = 3


class Clock:
    """Seconds spent in each stage of one call."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.spent[name] = self.spent.get(name, 0.0) + time.perf_counter() - started

    def around(self, owner: object, attribute: str, name: str) -> None:
        """Measure every call of owner.attribute from now on."""
        inner = getattr(owner, attribute)

        def timed(*args: object, **options: object) -> object:
            with self.stage(name):
                return inner(*args, **options)

        setattr(owner, attribute, timed)


def main(model: str) -> None:
    clock = Clock()
    clock.around(valle.synthesis.pipeline, "generate", "AR")
    clock.around(valle.synthesis.pipeline, "fill_latents", "NAR")
    clock.around(Reranker, "_clarity", "listener")
    voices = {f"{engine} {precision}": VALLE.from_pretrained(model, "cpu", precision, engine)
              for engine, precision in VOICES if engine != "llama.cpp" or find_spec("llama_cpp")}
    for tts in voices.values():
        clock.around(tts.model.codec, "decode", "codec")
        clock.around(tts, "encode_prompt", "prompt")
    cases = [(name, candidates, guidance) for name in voices
             for candidates, guidance in ((1, 1.0), (1, 2.5), (4, 2.5))]
    rows: dict[tuple[str, int, float], list[tuple[float, ...]]] = {case: [] for case in cases}
    lengths: dict[str, list[tuple[float, float]]] = {name: [] for name in CASES}
    usual = next(iter(voices.values()))
    voice = usual.encode_prompt(EXAMPLES / "alto.wav", (EXAMPLES / "alto.txt").read_text())
    for _ in range(RUNS + 1):
        for case in cases:
            name, candidates, guidance = case
            rows[case].append(run(voices[name], clock, candidates, guidance))
        for name, calls in CASES.items():
            clock.spent.clear()
            with clock.stage("all"):
                spoken = [usual.speak(text, prompt=voice) for text in calls]
            seconds = sum(audio.seconds for one in spoken
                          for audio in (one if isinstance(one, list) else [one]))
            lengths[name].append((seconds, clock.spent["all"]))
    print(f"{model}, {torch.get_num_threads()} threads, torch {torch.__version__}, peak memory "
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB\n")
    print("| AR | candidates | guidance | speech, s | prompt | AR | NAR | codec | listener "
          "| RTF in all | AR tokens/s |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for (name, candidates, guidance), found in rows.items():
        print(f"| {name} | {candidates} | {guidance:g} |",
              " | ".join(f"{median(column):.3g}" for column in zip(*found[1:], strict=True)), "|")
    print("\n| text | speech, s | work, s | RTF |\n|---|---:|---:|---:|")
    for name, times in lengths.items():
        seconds, work = (median(column) for column in zip(*times[1:], strict=True))
        print(f"| {name} | {seconds:.1f} | {work:.2f} | {work / seconds:.3f} |")


def run(tts: VALLE, clock: Clock, candidates: int, guidance: float) -> tuple[float, ...]:
    """(seconds of speech, RTF of each stage, RTF in all, AR tokens per second) of one call."""
    clock.spent.clear()
    tokens: list[int] = []
    with clock.stage("all"):
        audio = tts.speak(TEXT, prompt=EXAMPLES / "alto.wav",
                          sampling=SamplingOptions(guidance=guidance, nar_guidance=guidance,
                                                   best_of=candidates),
                          prompt_text=(EXAMPLES / "alto.txt").read_text(), on_frame=tokens.append)
    rtf = {stage: spent / audio.seconds for stage, spent in clock.spent.items()}
    return (audio.seconds, rtf["prompt"], rtf["AR"], rtf["NAR"], rtf["codec"], rtf["listener"],
            rtf["all"],
            sum(tokens) / clock.spent["AR"])


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "starter")
