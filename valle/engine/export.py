"""The AR in the formats of other engines: a Hugging Face folder of a LlamaForCausalLM, and GGUF.

vLLM, SGLang and transformers load the folder as it is, llama.cpp the file; prompts are token ids,
which `tokens.json` explains and `valle.model.tokens` builds. The monotonic rule of the interleaved
layout (only the next phone of the text, or a code, may follow) is the caller's to apply: those
engines know nothing of it.
"""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from codec.files import atomic_path
from codec.record import WrongValue
from codec.weights import save_weights
from g2p import Vocabulary
from valle.engine.kvcache import in_pairs
from valle.features.optional import package
from valle.model.ar import AR
from valle.model.tokens import AUDIO, BOS, EOS, PAD, SPECIALS, TokenIds

MOST_POSITIONS = 8192
CONFIG, WEIGHTS, GENERATION, TOKENS = ("config.json", "model.safetensors", "generation_config.json",
                                       "tokens.json")


def export_llama(ar: AR, vocabulary: Vocabulary, codec: str, out: str | Path) -> None:
    """Write config.json, generation_config.json, model.safetensors (float32) and tokens.json.

    Args:
        codec: identity of the codec that the codes are of.

    Raises:
        ValueError: the AR is not one that these engines can run.
    """
    check_exportable(ar)
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


def check_exportable(ar: AR) -> None:
    """ValueError names the option that keeps an AR from other engines."""
    if ar.ids.group > 1:
        raise ValueError(f"this AR was trained with --group {ar.ids.group}: other engines write "
                         "one code in a step, so only one trained with --group 1 can be exported")


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


def export_gguf(ar: AR, path: str | Path, precision: str = "f32") -> None:
    """Write the AR for llama.cpp, whole or not at all.

    Args:
        precision: of the matrices: f32, f16 or q8_0 (eight bits, a scale for 32 weights).

    Raises:
        ImportError: the package `gguf` is missing.
        ValueError: no such precision, or a width that q8_0 cannot hold.
    """
    check_exportable(ar)
    gguf = package("gguf", "GGUF export", "gguf")
    kinds = {"f32": gguf.GGMLQuantizationType.F32, "f16": gguf.GGMLQuantizationType.F16,
             "q8_0": gguf.GGMLQuantizationType.Q8_0}
    if precision not in kinds:
        raise WrongValue("precision", precision, f"choose one of {', '.join(kinds)}")
    shape = ar.config.transformer
    if precision == "q8_0" and (shape.d_model % 32 or shape.d_ff % 32):
        raise ValueError(f"q8_0 needs widths that are multiples of 32; this AR has {shape.d_model} "
                         f"and {shape.d_ff}: choose f16")
    with atomic_path(path) as temporary:
        writer = gguf.GGUFWriter(temporary, "llama")
        writer.add_context_length(MOST_POSITIONS)
        writer.add_embedding_length(shape.d_model)
        writer.add_block_count(shape.n_layer)
        writer.add_feed_forward_length(shape.d_ff)
        writer.add_head_count(shape.n_head)
        writer.add_head_count_kv(shape.n_head)
        writer.add_layer_norm_rms_eps(shape.norm_eps)
        writer.add_rope_freq_base(shape.rope_theta)
        writer.add_rope_dimension_count(shape.d_model // shape.n_head)
        writer.add_vocab_size(ar.ids.size)
        writer.add_tokenizer_model("no_vocab")
        for name, tensor in gguf_state(ar).items():
            kind = kinds[precision] if tensor.dim() > 1 else kinds["f32"]
            data = gguf.quants.quantize(tensor.float().contiguous().numpy(), kind)
            writer.add_tensor(name, data, raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


GGUF_NAMES = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
              "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
              "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
              "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}


def gguf_state(ar: AR) -> dict[str, torch.Tensor]:
    """The AR's weights under llama.cpp's names, rotary pairs side by side as it wants them."""
    found: dict[str, torch.Tensor] = {"token_embd.weight": ar.embed_tokens.weight,
                                      "output_norm.weight": ar.norm.weight}
    for index, layer in enumerate(ar.layers):
        for name, parameter in layer.named_parameters():
            ours = name.removesuffix(".weight")
            turns = ours in ("self_attn.q_proj", "self_attn.k_proj")
            found[f"blk.{index}.{GGUF_NAMES[ours]}.weight"] = (
                in_pairs(parameter, ar.config.transformer.n_head) if turns else parameter)
    return {name: tensor.detach().cpu() for name, tensor in found.items()}


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
