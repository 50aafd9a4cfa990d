#!/usr/bin/env python3
"""How fast the AR writes tokens, beside the same weights in other engines.

    python benchmarks/ar.py --size starter --seconds 10 --out benchmarks/ar-starter

Every engine gets the same random weights and the same prompt of three seconds, and writes as many
tokens as `--seconds` of audio have (75 a second), always the likeliest, never <eos>. G = 2 is a
model of the same shape that writes two in a step (`--group 2` in training). Engines take turns,
round by round, so that what else the machine does falls on all of them; the ratios are medians
over rounds with their range. The bound is what it takes to read the weights and the cache once for
each step at the memory bandwidth measured in the same run; where both fit the processor's own
caches, more than 100 % is possible. Writes OUT.md and OUT.json.
"""
from __future__ import annotations

import argparse
import dataclasses
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median

import torch
from tqdm import tqdm

from codec import CodecSpec
from codec.files import atomic_path
from g2p import Vocabulary
from valle.engine.base import Decoder, Uncached
from valle.engine.compile import NativeError
from valle.engine.compiled import Compiled
from valle.engine.export import export_llama
from valle.engine.kvcache import PRECISIONS, Cached, PackedAR
from valle.engine.llamacpp import GGUF_PRECISIONS, LlamaCppAR, LlamaCppDecoder
from valle.engine.native import Native, NativeAR
from valle.features.optional import transformers_package
from valle.model.ar import AR
from valle.model.config import SIZES, ARConfig, TransformerConfig
from valle.model.tokens import TokenIds

SLOW = "ours, no cache"  # runs in the last round alone
PHONES, PROMPT_TOKENS = 118, 360
SHAPES = SIZES | {"6x384": TransformerConfig(6, 6, 384, 1024)}
BYTES = {"float32": 4, "bfloat16": 2, "int8": 1}
Engine = Callable[[int], float]  # tokens to write, to seconds


@dataclass(frozen=True)
class Result:
    """One engine: tokens per second, and its speed in that of ours in float32."""

    engine: str
    tokens_per_second: float
    ratio: float
    lowest: float
    highest: float
    of_bound: float | None


def prompt() -> list[int]:
    """Sixty phones and three hundred codes."""
    draw = torch.Generator().manual_seed(0)
    phones = torch.randint(5, 5 + PHONES, (60,), generator=draw).tolist()
    codes = torch.randint(5 + PHONES, 5 + PHONES + 1024, (PROMPT_TOKENS - 62,), generator=draw)
    return [1, 4, *phones, *codes.tolist()]


def stepping(make: Callable[[int, int], Decoder], ids: TokenIds) -> Engine:
    """A decoder as an engine; grouped codes take fewer steps for as many codes."""
    @torch.inference_mode()
    def write(count: int) -> float:
        steps = -(-count // ids.group)
        decoder = make(PROMPT_TOKENS + steps + 1, 1)
        logits = decoder.prefill([prompt()])
        started = time.perf_counter()
        for _ in range(steps):
            codes = logits[0, ids.first_code:].view(ids.group, -1).argmax(1)
            logits = decoder.step(ids.codes(codes.tolist()))
        return time.perf_counter() - started

    return write


def transformers_engine(folder: Path, **more: object) -> Engine:
    """`generate` of transformers on the exported folder; its prefill is measured and taken off."""
    transformers = transformers_package("the benchmark")
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    tokens = torch.tensor([prompt()])
    options = {"do_sample": False, "eos_token_id": None, "pad_token_id": 0,
               "attention_mask": torch.ones_like(tokens), **more}

    @torch.inference_mode()
    def write(count: int) -> float:
        times = []
        for new in (1, count + 1):
            started = time.perf_counter()
            model.generate(tokens, max_new_tokens=new, **options)
            times.append(time.perf_counter() - started)
        return times[1] - times[0]

    return write


def grouped(model: AR) -> AR:
    """A model of the same shape that writes two codes in a step."""
    return AR(dataclasses.replace(model.config, group=2)).eval()


def compiled() -> dict[str, object]:
    """What makes `generate` compile its step on a CPU too."""
    config = transformers_package("the benchmark").CompileConfig(fullgraph=False)
    config._compile_all_devices = True
    return {"cache_implementation": "static", "compile_config": config}


def engines(model: AR, folder: Path) -> dict[str, Engine]:
    """All that this machine has, by name."""
    def in_torch(precision: str, decoder: type[Cached] = Cached) -> Engine:
        return stepping(partial(decoder, PackedAR(model, precision)), model.ids)

    def native(precision: str, model: AR = model) -> Engine:
        return stepping(partial(Native, NativeAR(model, precision)), model.ids)

    def llama_cpp(precision: str) -> Engine:
        return stepping(partial(LlamaCppDecoder, LlamaCppAR(model, precision)), model.ids)

    candidates: dict[str, Callable[[], Engine]] = {
        **{f"ours {p}": partial(native, p) for p in PRECISIONS},
        **{f"ours {p}, G = 2": partial(native, p, grouped(model)) for p in PRECISIONS},
        **{f"ours in torch {p}": partial(in_torch, p) for p in PRECISIONS},
        **{f"ours in torch {p}, compiled": partial(in_torch, p, Compiled) for p in PRECISIONS},
        SLOW: lambda: stepping(partial(Uncached, model), model.ids),
        "transformers, dynamic cache": lambda: transformers_engine(folder),
        "transformers, static cache": lambda: transformers_engine(
            folder, cache_implementation="static"),
        "transformers, static cache, compiled": lambda: transformers_engine(folder, **compiled()),
        **{f"llama.cpp {GGUF_PRECISIONS[p]}": partial(llama_cpp, p) for p in PRECISIONS}}
    found = {}
    for name, make in candidates.items():
        try:
            found[name] = make()
        except (ImportError, NativeError) as error:
            print(f"left out: {name}: {error}")
    return found


def bandwidth() -> float:
    """Bytes per second that torch reads from memory, the best of ten."""
    array = torch.ones(64 << 20)
    times = []
    for _ in range(10):
        started = time.perf_counter()
        array.sum()
        times.append(time.perf_counter() - started)
    return array.numel() * 4 / min(times)


def bytes_per_token(model: AR, precision: str, tokens: int) -> float:
    """Weights, and keys and values at the mean length of a run, by the native step."""
    shape = model.config.transformer
    matrices = sum(p.numel() for p in model.parameters() if p.dim() > 1)
    of_cache = 4 if precision == "float32" else 2
    cache = 2 * of_cache * shape.n_layer * shape.d_model * (PROMPT_TOKENS + tokens / 2)
    return matrices * BYTES[precision] + cache


def measure(model: AR, tokens: int, rounds: int) -> tuple[list[Result], float]:
    """Every engine in turn, `rounds` times."""
    with tempfile.TemporaryDirectory() as folder:
        export_llama(model, Vocabulary.build([[f"p{i}" for i in range(PHONES - 8)]]), "none",
                     folder)
        candidates = engines(model, Path(folder))
        seconds: dict[str, list[float]] = {name: [] for name in candidates}
        speed = bandwidth()
        for turn in tqdm(range(rounds + 1), unit="round"):
            for name, write in candidates.items():
                if name != SLOW or turn == rounds:
                    seconds[name].append(write(tokens) / tokens)
    results = []
    for name, times in seconds.items():
        measured = times if name == SLOW else times[1:]
        ratios = [a / b for a, b in zip(seconds["ours float32"][-len(measured):], measured,
                                        strict=True)]
        step = median(measured)
        bound = (bytes_per_token(model, name.removeprefix("ours "), tokens) / speed / step
                 if name.removeprefix("ours ") in BYTES else None)
        results.append(Result(name, 1 / step, median(ratios), min(ratios), max(ratios), bound))
    return results, speed


def markdown(results: list[Result]) -> str:
    lines = ["| engine | tokens/s | times ours float32 | of the bandwidth bound |",
             "|---|---:|---:|---:|"]
    lines += [f"| {r.engine} | {r.tokens_per_second:.0f} | {r.ratio:.2f} ({r.lowest:.2f} to "
              f"{r.highest:.2f}) | {'-' if r.of_bound is None else f'{r.of_bound:.0%}'} |"
              for r in results]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="starter", choices=list(SHAPES))
    parser.add_argument("--seconds", type=float, default=10.0, help="of audio; default 10")
    parser.add_argument("--rounds", type=int, default=5, help="after one to warm up; default 5")
    parser.add_argument("--threads", type=int, default=2, help="default 2")
    parser.add_argument("--out", type=Path, required=True, help="without suffix")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model = AR(ARConfig(PHONES, transformer=SHAPES[options.size])).eval()
    tokens = CodecSpec().frames(options.seconds)
    before = os.getloadavg()[0]
    results, speed = measure(model, tokens, options.rounds)
    about = (f"AR `{options.size}`, batch 1, {tokens} tokens after {PROMPT_TOKENS}, "
             f"{options.threads} threads, torch {torch.__version__}, memory {speed / 1e9:.1f} "
             f"GB/s, load before {before:.1f}, {options.rounds} rounds")
    text = f"{about}\n\n{markdown(results)}"
    record = {"about": about, "bandwidth": speed, "results": [asdict(r) for r in results]}
    for suffix, content in ((".md", text), (".json", json.dumps(record, indent=1) + "\n")):
        with atomic_path(options.out.with_suffix(suffix)) as path:
            path.write_text(content, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
