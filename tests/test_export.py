"""The exported AR is the same model: equal logits, equal greedy tokens, in transformers."""
from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from conftest import TINY_PHONES, needs, tiny_ar

from g2p import Vocabulary
from valle import cli
from valle.cache import Cached
from valle.export import export_llama, token_names
from valle.published import transformers_package
from valle.tokens import AUDIO, BOS, SPECIALS


def vocabulary() -> Vocabulary:
    """As many phones as a tiny AR has, <unk> and seven boundaries among them."""
    return Vocabulary.build([[f"p{i}" for i in range(TINY_PHONES - 8)]])


@needs("transformers")
@pytest.mark.parametrize("layout", ["plain", "interleaved"])
def test_transformers_gives_equal_logits(layout: str, tmp_path: Path):
    ar = tiny_ar(layout, sharpness=2.0)
    export_llama(ar, vocabulary(), "codec", tmp_path)
    transformers = transformers_package("the test")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    assert type(theirs).__name__ == "LlamaForCausalLM"
    tokens = torch.randint(0, ar.ids.size, (2, 40), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(theirs(tokens).logits, ar(tokens), atol=1e-4, rtol=1e-4)


@needs("transformers")
def test_transformers_continues_with_the_same_tokens(tmp_path: Path):
    ar = tiny_ar("plain", sharpness=2.0)
    export_llama(ar, vocabulary(), "codec", tmp_path)
    theirs = transformers_package("the test").AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    prompt = [BOS, 4, 7, 8, 9, AUDIO, 40, 41]
    with torch.no_grad():
        found = theirs.generate(torch.tensor([prompt]), max_new_tokens=24, do_sample=False,
                                eos_token_id=None)[0].tolist()
    assert found == [*prompt, *greedy(Cached(ar, 64), prompt, 24)]


@torch.no_grad()
def greedy(decoder: Cached, prompt: list[int], count: int) -> list[int]:
    """The likeliest token, again and again."""
    tokens, logits = [], decoder.start([prompt])
    for _ in range(count):
        tokens.append(int(logits[0].argmax()))
        logits = decoder.step(tokens[-1:])
    return tokens


def test_the_command_writes_a_whole_folder(model_folder: Path, tmp_path: Path,
                                           capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "llama"
    assert cli.run("export", [str(out), "--model", str(model_folder)], "valle export") == 0
    assert "LlamaForCausalLM" in capsys.readouterr().out
    config, tokens = (json.loads((out / name).read_text()) for name in ("config.json",
                                                                       "tokens.json"))
    assert config["vocab_size"] == len(tokens["tokens"]) and config["tie_word_embeddings"]
    assert tokens["tokens"][:4] == list(SPECIALS) and tokens["tokens"][-1] == "code 1023"
    assert tokens["layout"] == "interleaved" and tokens["tokens"][4] == "<en-us>"
    assert sorted(p.name for p in out.iterdir()) == [
        "config.json", "generation_config.json", "model.safetensors", "tokens.json"]
    assert cli.run("export", [str(out), "--model", str(tmp_path)], "valle export") == 1
    assert "no ar.json in" in capsys.readouterr().err


def test_every_token_has_one_name():
    ar = tiny_ar("plain")
    names = token_names(ar.ids, vocabulary())
    assert len(set(names)) == len(names) == ar.ids.size
    with pytest.raises(ValueError, match="8 phones for a model of 20"):
        token_names(ar.ids, Vocabulary.build([]))
