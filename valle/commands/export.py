"""Write the AR of a model as a Hugging Face folder, for transformers, vLLM and SGLang.

  valle export --model starter out/llama
  python -c 'from transformers import AutoModelForCausalLM as M; M.from_pretrained("out/llama")'

out/llama gets config.json, generation_config.json, model.safetensors and tokens.json. Prompts are
token ids: tokens.json says what each stands for, valle.tokens how they are laid out.
"""
from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("--model", default="starter", help="starter, or a model folder")


def run(options: argparse.Namespace) -> int:
    from valle.checkpoint import load_model
    from valle.export import export_llama
    from valle.tts import model_folder

    model = load_model(model_folder(options.model))
    export_llama(model.ar, model.vocabulary, model.codec.identity, options.out)
    print(f"{options.out}: LlamaForCausalLM, {model.ar.ids.size} tokens, layout "
          f"{model.ar.config.layout}")
    return 0
