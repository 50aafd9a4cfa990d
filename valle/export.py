"""The AR in the format of other engines: a Hugging Face folder of a LlamaForCausalLM.

vLLM, SGLang and transformers load it as it is; prompts are token ids, which `tokens.json` explains
and `valle.tokens` builds. The monotonic rule of the interleaved layout (only the next phone of the
text, or a code, may follow) is the caller's to apply: those engines know nothing of it.
"""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from codec.files import atomic_path
from codec.weights import save_weights
from g2p import Vocabulary
from valle.ar import AR
from valle.tokens import AUDIO, BOS, EOS, PAD, SPECIALS, TokenIds

MOST_POSITIONS = 8192
CONFIG, WEIGHTS, GENERATION, TOKENS = ("config.json", "model.safetensors", "generation_config.json",
                                       "tokens.json")


def export_llama(ar: AR, vocabulary: Vocabulary, codec: str, out: str | Path) -> None:
    """Write config.json, generation_config.json, model.safetensors (float32) and tokens.json.

    Args:
        codec: identity of the codec that the codes are of.
    """
    out = Path(out)
    save_weights(out / WEIGHTS, llama_state(ar), "float32")
    ends = {"bos_token_id": BOS, "eos_token_id": EOS, "pad_token_id": PAD}
    for name, content in (
            (CONFIG, llama_config(ar) | ends), (GENERATION, {"do_sample": True, **ends}),
            (TOKENS, {"layout": ar.config.layout, "codec": codec, "audio_token_id": AUDIO,
                      "tokens": token_names(ar.ids, vocabulary)})):
        with atomic_path(out / name) as path:
            path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n",
                            encoding="utf-8")


def llama_config(ar: AR) -> dict[str, Any]:
    """What transformers' LlamaConfig needs to build the same network."""
    shape = ar.config.transformer
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "dtype": "float32",
        "vocab_size": ar.ids.size, "hidden_size": shape.d_model, "intermediate_size": shape.d_ff,
        "num_hidden_layers": shape.n_layer, "num_attention_heads": shape.n_head,
        "num_key_value_heads": shape.n_head, "head_dim": shape.d_model // shape.n_head,
        "hidden_act": "silu", "rms_norm_eps": shape.norm_eps, "rope_theta": shape.rope_theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": shape.rope_theta},
        "max_position_embeddings": MOST_POSITIONS, "tie_word_embeddings": True,
        "attention_bias": False, "mlp_bias": False, "attention_dropout": 0.0}


def llama_state(ar: AR) -> dict[str, torch.Tensor]:
    """The AR's weights under Llama's names; the output embedding is tied and not repeated."""
    return {f"model.{name}": tensor for name, tensor in ar.state_dict().items()}


def token_names(ids: TokenIds, vocabulary: Vocabulary) -> list[str]:
    """What each token id stands for, in the order of the ids.

    Raises:
        ValueError: the vocabulary is another model's.
    """
    if len(vocabulary) != ids.n_phones:
        raise ValueError(f"{len(vocabulary)} phones for a model of {ids.n_phones}")
    return [*SPECIALS, *(f"<{language}>" for language in ids.languages),
            *(f"phone {phone}" for phone in vocabulary.phones),
            *(f"code {code}" for code in range(ids.codebook_size))]
