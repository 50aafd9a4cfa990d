"""The exported AR is the same model: equal logits, equal greedy tokens, in transformers."""
from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TINY_PHONES, needs, tiny_ar
from decoding import PLACES, ROWS, WIDTH, come_and_go

from g2p import Vocabulary
from valle import VALLE, cli
from valle.engine.export import export_gguf, export_llama, token_names
from valle.engine.kvcache import Cached
from valle.features.optional import transformers_package
from valle.model.ar import AR
from valle.model.checkpoint import load_model
from valle.model.config import ARConfig, TransformerConfig
from valle.model.tokens import AUDIO, BOS, SPECIALS

EXAMPLES = Path(__file__).parents[1] / "examples"


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


@pytest.mark.slow
@needs("transformers")
def test_transformers_continues_with_the_same_tokens(tmp_path: Path):
    ar = tiny_ar("plain", sharpness=2.0)
    export_llama(ar, vocabulary(), "codec", tmp_path)
    theirs = transformers_package("the test").AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    prompt = [BOS, 4, 7, 8, 9, AUDIO, 40, 41]
    with torch.no_grad():
        found = theirs.generate(torch.tensor([prompt]), max_new_tokens=24, do_sample=False,
                                eos_token_id=None)[0].tolist()
    assert found == [*prompt, *greedy(Cached(ar, PLACES, WIDTH), prompt, 24)]


@torch.no_grad()
def greedy(decoder: Cached, prompt: list[int], count: int) -> list[int]:
    """The likeliest token, again and again."""
    tokens, logits = [], decoder.prefill([prompt])
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
    assert "no ar in" in capsys.readouterr().err


def test_every_token_has_one_name():
    ar = tiny_ar("plain")
    names = token_names(ar.ids, vocabulary())
    assert len(set(names)) == len(names) == ar.ids.size
    with pytest.raises(ValueError, match="8 phones for a model of 20"):
        token_names(ar.ids, Vocabulary.build([]))


@needs("gguf")
def test_gguf_says_what_llama_cpp_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                        model_folder: Path):
    import gguf

    out = tmp_path / "ar.gguf"
    arguments = [str(out), "--model", str(model_folder), "--precision", "q8_0"]
    assert cli.run("export", arguments, "valle export") == 0
    reader = gguf.GGUFReader(out)
    tensors = {t.name: t for t in reader.tensors}
    assert {"token_embd.weight", "output_norm.weight", "blk.1.attn_q.weight",
            "blk.0.ffn_down.weight"} <= set(tensors)
    assert tensors["blk.0.attn_k.weight"].tensor_type == gguf.GGMLQuantizationType.Q8_0
    assert tensors["output_norm.weight"].tensor_type == gguf.GGMLQuantizationType.F32
    config = load_model(model_folder).ar.config
    fields = {name: field.contents() for name, field in reader.fields.items()}
    assert fields["general.architecture"] == "llama"
    assert fields["llama.block_count"] == config.transformer.n_layer
    assert fields["tokenizer.ggml.model"] == "no_vocab"
    arguments[-1] = "q2"
    assert cli.run("export", arguments, "valle export") == 1
    assert "--precision q2: choose one of f32, f16, q8_0" in capsys.readouterr().err
    assert cli.run("export", [str(tmp_path / "folder"), *arguments[1:-1], "f16"],
                   "valle export") == 1
    assert "is for GGUF: name the file .gguf" in capsys.readouterr().err


@needs("gguf")
def test_gguf_refuses_widths_that_eight_bits_cannot_hold(tmp_path: Path):
    shape = TransformerConfig(n_layer=1, n_head=2, d_model=40, d_ff=64)
    with pytest.raises(ValueError, match="multiples of 32; this AR has 40 and 64: choose f16"):
        export_gguf(AR(ARConfig(20, transformer=shape)), tmp_path / "ar.gguf", "q8_0")
    assert not list(tmp_path.iterdir())


@needs("llama_cpp")
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_llama_cpp_gives_our_logits_row_by_row(precision: str):
    from valle.engine.llamacpp import LlamaCppAR, LlamaCppDecoder

    ar = tiny_ar("plain", sharpness=2.0)
    theirs = LlamaCppDecoder(LlamaCppAR(ar, precision), PLACES, WIDTH)
    ours = Cached(ar, PLACES, WIDTH)
    close = {"atol": 2e-3, "rtol": 1e-3} if precision == "float32" else {"atol": 0.3, "rtol": 0.1}
    for a, b in zip(come_and_go(theirs), come_and_go(ours), strict=True):
        torch.testing.assert_close(a, b, **close)
    assert greedy(LlamaCppDecoder(LlamaCppAR(ar), PLACES, WIDTH), ROWS[0], 24) == greedy(
        Cached(ar, PLACES, WIDTH), ROWS[0], 24)


@pytest.mark.slow
@needs("llama_cpp")
def test_the_starter_says_the_same_by_llama_cpp():
    spoken = [VALLE.from_pretrained("starter", "cpu", "float32", engine).speak(
        "We went home.", prompt=EXAMPLES / "alto.wav",
        prompt_text=(EXAMPLES / "alto.txt").read_text()) for engine in ("torch", "llama.cpp")]
    assert [audio.settings["engine"] for audio in spoken] == ["torch", "llama.cpp"]
    np.testing.assert_array_equal(*(audio.samples for audio in spoken))


def test_an_engine_that_is_not_there_is_named(model_folder: Path,
                                              monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ValueError, match=r"onnx: choose auto, native, .* or llama\.cpp"):
        VALLE.from_pretrained(model_folder, "cpu", engine="onnx")
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    with pytest.raises(ImportError, match=r"engine llama\.cpp needs llama-cpp-python: pip install"):
        VALLE.from_pretrained(model_folder, "cpu", engine="llama.cpp")
