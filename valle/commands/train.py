"""Train one stage. The same command goes on after Ctrl-C or a crash.

  codec    --data FOLDERS of audio           -> a codec; text is not needed
  decoder  --data PREPARED folders --init CODEC --vocabulary MODEL -> its decoder goes on learning
  aligner  --data PREPARED folders           -> phone timings for real speech
  ar       --data PREPARED folders with codes and timings -> codebook 1 from phones
  nar      --data PREPARED folders with codes             -> codebooks 2..Q from codebook 1
  speaker  --data CORPUS folders              -> a speaker encoder; text is not needed
  recognizer  --data CORPUS folders with text -> a speech recogniser

--out gets checkpoint.safetensors, metrics.jsonl, a TensorBoard folder (`tensorboard --logdir OUT`)
and the files that inference loads.
"""
from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codec import Codec
    from g2p import Vocabulary
    from valle.model.ar import AR
    from valle.model.config import TransformerConfig
    from valle.model.nar import NAR
    from valle.training.speech import SpeechData

STAGES = ("codec", "decoder", "aligner", "ar", "nar", "speaker", "recognizer")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stage", required=True, choices=STAGES)
    parser.add_argument("--data", required=True, nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--held-out", nargs="*", default=[], metavar="PATTERN",
                        help="speakers (codec: parts of paths) kept for validation; @FILE reads "
                             "patterns from a file, one per line")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 takes all cores")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    loop = parser.add_argument_group("loop")
    loop.add_argument("--steps", type=int, required=True)
    loop.add_argument("--warmup", type=int, default=100, help="steps to the peak learning rate")
    loop.add_argument("--schedule", default="cosine", help="cosine, linear or constant")
    loop.add_argument("--final-lr", type=float, default=0.05, help="share of the peak at the end")
    loop.add_argument("--validate-every", type=int, default=250)
    loop.add_argument("--save-minutes", type=float, default=3.0)
    loop.add_argument("--seed", type=int, default=0)
    batch = parser.add_argument_group("optimisation; each stage has its own defaults")
    batch.add_argument("--lr", type=float, help="peak learning rate")
    batch.add_argument("--batch-size", type=int, help="codec, aligner, speaker: clips in a batch")
    batch.add_argument("--max-hours", type=float, help="codec, speaker, recognizer: audio to "
                                                        "hold in memory")
    batch.add_argument("--books", type=int, help="codec: codebooks in use in half of the steps")
    batch.add_argument("--adversary-from", type=float, metavar="SHARE",
                       help="codec: the adversary joins after this share of the steps; 1 is never")
    batch.add_argument("--init", help="decoder: the codec whose decoder goes on learning; "
                                      "speaker: a trained encoder to start from; ar, nar: a "
                                      "model folder to start from, with its shape and phones")
    batch.add_argument("--filled", metavar="FOLDER", type=Path,
                       help="decoder: latents of AR and NAR to decode too, a folder written by "
                            "recipes/starter/fill.py")
    batch.add_argument("--decoder-blocks", type=int,
                       help="decoder: as many as --init has, or more")
    batch.add_argument("--tokens-per-batch", type=int, help="ar, nar")
    batch.add_argument("--max-seconds", type=float,
                       help="aligner, ar, nar, recognizer: longest sample; "
                            "speaker: length of a piece")
    batch.add_argument("--max-concat", type=int, help="ar, nar: utterances joined to one sample")
    batch.add_argument("--min-score", type=float, help="ar, nar: leave out worse alignments")
    batch.add_argument("--accumulate", type=int, help="ar, nar: micro-batches in one step")
    batch.add_argument("--drop-condition", type=float, metavar="SHARE",
                       help="ar, nar: samples without text and prompt, for classifier-free "
                            "guidance; default 0.1")
    batch.add_argument("--corrupt", type=float, metavar="SHARE",
                       help="ar: codes heard as random ones, so that it leans on the phones")
    batch.add_argument("--compile", action="store_true", help="ar, nar: torch.compile; needs a "
                                                              "C++ compiler on CPU")
    speaker = parser.add_argument_group("speaker")
    speaker.add_argument("--model", default="ecapa",
                         help="ecapa, deep-speaker-rescnn or deep-speaker-gru; "
                              "--init brings its own")
    speaker.add_argument("--channels", type=int, default=0, help="width; default the paper's")
    speaker.add_argument("--phase", help="softmax, or triplet with --init")
    speaker.add_argument("--head", help="of the softmax phase: softmax, am, aam or sphereface")
    speaker.add_argument("--speed-keeps-speaker", action="store_true",
                         help="faster and slower speech is not another speaker's")
    speaker.add_argument("--augment", type=float, help="share of pieces in noise, in a room, at "
                                                       "another speed; default 0.3")
    recognizer = parser.add_argument_group("recognizer")
    recognizer.add_argument("--batch-seconds", type=float, help="audio in a batch, default 160")
    recognizer.add_argument("--width", type=int, default=144, help="default 144")
    recognizer.add_argument("--blocks", type=int, default=8, help="of the encoder, default 8")
    add_model_arguments(parser)


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    model = parser.add_argument_group("model (ar, nar)")
    model.add_argument("--size", default="starter", help="tiny, starter, base or paper")
    model.add_argument("--d-ff", type=int, help="another feed-forward width")
    model.add_argument("--dropout", type=float, default=0.0)
    model.add_argument("--layout", default="interleaved", help="ar: interleaved or plain")
    model.add_argument("--group", type=int, default=1,
                       help="ar: codes in one step; 2 halves the steps (VALL-E 2); default 1")
    model.add_argument("--n-codebooks", type=int, default=8, help="nar: books to fill, 2 to 8")
    model.add_argument("--codec", metavar="FOLDER",
                       help="ar, nar: start code embeddings from this codec's codebooks, which "
                            "learns faster, and write audio samples")
    model.add_argument("--vocabulary", type=Path, metavar="FOLDER",
                       help="ar, nar, decoder: take the phones of this trained ar or nar")


def run(options: argparse.Namespace) -> int:
    import torch

    from valle.training.loop import LoopConfig, fit

    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    config = LoopConfig(out=options.out, steps=options.steps, warmup=options.warmup,
                        schedule=options.schedule, final_lr=options.final_lr,
                        validate_every=options.validate_every, save_minutes=options.save_minutes,
                        seed=options.seed)
    held_out = read_patterns(options.held_out)
    stage = {"codec": codec_stage, "decoder": decoder_stage, "aligner": aligner_stage,
             "ar": speech_stage,
             "nar": speech_stage, "speaker": speaker_stage,
             "recognizer": recognizer_stage}[options.stage](options, held_out)
    settings = {k: str(v) for k, v in vars(options).items() if v is not None}
    fit(stage, config, settings)
    return 0


def read_patterns(given: list[str]) -> list[str]:
    """Patterns as given, with every @FILE replaced by its lines."""
    patterns: list[str] = []
    for item in given:
        patterns += Path(item[1:]).read_text().split() if item.startswith("@") else [item]
    return patterns


def given(options: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Those options that were given, so that a stage's own defaults stand for the others."""
    values = {name: getattr(options, name) for name in names}
    return {k: v for k, v in values.items() if v is not None and v is not False} | {
        "seed": options.seed}


def codec_stage(options: argparse.Namespace, held_out: list[str]) -> Any:
    from valle.engine.select import pick_device
    from valle.training.codec import CodecStage, CodecTraining

    config = CodecTraining(steps=options.steps,
                           **given(options, "lr", "batch_size", "max_hours", "books",
                                   "adversary_from"))
    return CodecStage(config, options.data, held_out, pick_device(options.device))


def decoder_stage(options: argparse.Namespace, held_out: list[str]) -> Any:
    from codec.spectral import SpectralCodec
    from valle.engine.select import pick_device
    from valle.model.checkpoint import load_vocabulary
    from valle.training.decoder import DecoderStage, DecoderTraining

    if not options.init or not options.vocabulary:
        raise ValueError("--stage decoder needs --init CODEC and --vocabulary MODEL, whose phones "
                         "the decoder will be told")
    blocks = {"blocks": options.decoder_blocks} if options.decoder_blocks else {}
    config = DecoderTraining(steps=options.steps, filled=options.filled, **blocks,
                             **given(options, "lr", "batch_size", "books", "adversary_from"))
    return DecoderStage(config, SpectralCodec.load(options.init),
                        load_vocabulary(options.vocabulary), options.data, held_out,
                        pick_device(options.device))


def aligner_stage(options: argparse.Namespace, held_out: list[str]) -> Any:
    from valle.training.aligner import AlignerStage, AlignerTraining

    config = AlignerTraining(**given(options, "lr", "batch_size", "max_seconds"))
    stage = AlignerStage(options.data, held_out, config)
    if not stage.train:
        raise ValueError("nothing to train on: check --data, --held-out and --max-seconds")
    return stage


def speaker_stage(options: argparse.Namespace, held_out: list[str]) -> Any:
    from valle.engine.select import pick_device
    from valle.speaker.model import SpeakerConfig
    from valle.training import speaker

    config = speaker.SpeakerTraining(**given(options, "head", "phase", "lr", "batch_size",
                                             "max_seconds", "max_hours", "speed_keeps_speaker",
                                             "augment"))
    return speaker.speaker_stage(options.data, held_out, config,
                                 SpeakerConfig(options.model, options.channels), options.init,
                                 pick_device(options.device))


def recognizer_stage(options: argparse.Namespace, held_out: list[str]) -> Any:
    from valle.engine.select import pick_device
    from valle.training.recognizer import RecognizerStage, RecognizerTraining

    config = RecognizerTraining(**given(options, "lr", "batch_seconds", "max_seconds", "max_hours"))
    return RecognizerStage(options.data, held_out, config,
                           {"width": options.width, "blocks": options.blocks},
                           pick_device(options.device))


def speech_stage(options: argparse.Namespace, held_out: list[str]) -> Any:
    from codec import load_codec
    from valle.engine.select import pick_device
    from valle.model.checkpoint import load_ar, load_nar, load_vocabulary
    from valle.training.ar import ARStage
    from valle.training.nar import NARStage
    from valle.training.speech import SpeechData, SpeechTraining

    config = SpeechTraining(**given(
        options, "lr", "tokens_per_batch", "max_seconds", "max_concat", "min_score", "accumulate",
        "drop_condition", "corrupt", "compile"))
    codec = load_codec(options.codec) if options.codec else None
    timed = options.layout == "interleaved"
    vocabulary = load_vocabulary(options.vocabulary) if options.vocabulary else None
    model: Any = None
    if options.init:
        load: Callable[[str], tuple[Any, Vocabulary, str]]
        load = load_ar if options.stage == "ar" else load_nar
        model, vocabulary, trained_on = load(options.init)
        timed = (model.config.layout == "interleaved" if options.stage == "ar"
                 else model.config.aligned)
    data = SpeechData(options.data, held_out, config, vocabulary, timed)
    if model is None:
        model = (new_ar if options.stage == "ar" else new_nar)(options, data, codec)
    elif trained_on != data.prepared.codec:
        raise ValueError(f"--init {options.init} learned codes of codec {trained_on}, --data has "
                         f"those of {data.prepared.codec}: prepare it with that model's --codec")
    if options.stage == "nar":
        if not data.held:
            raise ValueError("no speakers to validate on: give --held-out")
        if (found := data.prepared.n_codebooks or 0) < model.config.n_codebooks:
            raise ValueError(f"--n-codebooks {model.config.n_codebooks}: the data has {found}")
    stage: Any = ARStage if options.stage == "ar" else NARStage
    return stage(model.requires_grad_(True).to(pick_device(options.device)), data, config, codec)


def new_ar(options: argparse.Namespace, data: SpeechData, codec: Codec | None) -> AR:
    from valle.model.ar import AR
    from valle.model.config import ARConfig
    from valle.training.speech import start_from_codebooks

    languages = tuple(sorted({u.language for u in data.train}))
    ar = AR(ARConfig(len(data.vocabulary), languages, layout=options.layout,
                     transformer=shape(options), group=options.group))
    if codec is not None:
        for codes in ar.embed_tokens.weight[ar.ids.first_code:].chunk(options.group):
            start_from_codebooks(codes, codec.codebooks[:1])
    return ar


def new_nar(options: argparse.Namespace, data: SpeechData, codec: Codec | None) -> NAR:
    from valle.model.config import NARConfig
    from valle.model.nar import NAR
    from valle.training.speech import start_from_codebooks

    nar = NAR(NARConfig(len(data.vocabulary), options.n_codebooks,
                        aligned=options.layout == "interleaved", transformer=shape(options)))
    if codec is not None:
        start_from_codebooks(nar.codes.weight, codec.codebooks[: options.n_codebooks])
    return nar


def shape(options: argparse.Namespace) -> TransformerConfig:
    from valle.model.config import size

    changes = {"d_ff": options.d_ff} if options.d_ff else {}
    return size(options.size, dropout=options.dropout, **changes)
