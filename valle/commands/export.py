"""Write the AR of a model for other engines: a Hugging Face folder, or a GGUF file for llama.cpp.

  valle export --model starter out/llama
  valle export --model starter out/ar.gguf --precision q8_0
  python -c 'from transformers import AutoModelForCausalLM as M; M.from_pretrained("out/llama")'

out/llama gets config.json, generation_config.json, model.safetensors and tokens.json. Prompts are
token ids: tokens.json says what each stands for, valle.model.tokens how they are laid out.
"""
from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", type=Path, help="folder to write, or a file that ends in .gguf")
    parser.add_argument("--model", default="starter", help="starter, or a model folder")
    parser.add_argument("--precision", default="f32",
                        help="of a GGUF file: f32, f16 or q8_0; default f32")


def run(options: argparse.Namespace) -> int:
    from valle.engine.export import export_gguf, export_llama
    from valle.model.checkpoint import load_model, model_folder

    model = load_model(model_folder(options.model))
    if options.out.suffix == ".gguf":
        export_gguf(model.ar, options.out, options.precision)
    elif options.precision == "f32":
        export_llama(model.ar, model.vocabulary, model.codec.identity, options.out)
    else:
        raise ValueError(f"--precision {options.precision} is for GGUF: name the file .gguf")
    print(f"{options.out}: LlamaForCausalLM, {model.ar.ids.size} tokens, layout "
          f"{model.ar.config.layout}")
    return 0
