"""Measure a codec or a voice with judges that run offline on English speech.

  valle evaluate codec --codec weights/starter --data data/libri --held-out @held_out.txt --out out
  valle evaluate voice --model starter --out out --synthetic data/teachers-heldout \\
      --real LibriSpeech/train-clean-5 CommonVoice/en --speakers @held_out.txt
  valle evaluate speaker --model runs/ecapa resemblyzer --data LibriSpeech --out out/speaker

Judges: WER and WERc, errors of PocketSphinx without and with knowledge of the texts; Resemblyzer's
cosine between speakers; DNSMOS OVRL, the quality from 1 to 5. Compare only within a table: its
first rows are recordings, scored by the same judges. Needs pip install 'valle[evaluate]'.

`valle evaluate codec --help`, `voice --help` and `speaker --help` explain the options.
"""
from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from valle.commands import evaluate_speaker

if TYPE_CHECKING:
    from valle.data.manifest import Utterance
    from valle.evaluate.pairs import Pair

CODEC_HELP = """Score held-out recordings before and after a codec.

  valle evaluate codec --codec weights/starter --data data/libri data/cv --held-out @held_out.txt \\
      --n-codebooks 8 4 --out out/codec

Writes codec.md (the table) and codec.jsonl (a line per clip and version) below --out. Clips are
drawn from all held-out speakers in turn, so that no speaker dominates.
"""

VOICE_HELP = """Speak 40 pairs of prompt and text with a voice model and score them.

  valle evaluate voice --model starter --out out/voice --synthetic data/teachers-heldout \\
      --real LibriSpeech/train-clean-5 CommonVoice/en --speakers @held_out.txt \\
      --texts data/teachers-heldout/texts.txt --training data/libri data/teachers
  valle evaluate voice --model DIR --out out/other --pairs out/voice/pairs.jsonl

20 synthetic voices and 20 real speakers that training has not heard; three seconds of prompt; texts
of 6 to 20 words that training has not seen. Recordings of the same speakers, and the same behind
the codec, are scored beside them. Below --out: pairs.jsonl, wav/ID.wav, voice.jsonl (a line per
clip) and voice.md (the table). Goes on where it was stopped.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="codec|voice|speaker")
    _codec_arguments(what.add_parser("codec", help="what a codec loses", description=CODEC_HELP,
                                     formatter_class=argparse.RawDescriptionHelpFormatter))
    _voice_arguments(what.add_parser("voice", help="what a voice says, and in whose voice",
                                     description=VOICE_HELP,
                                     formatter_class=argparse.RawDescriptionHelpFormatter))
    evaluate_speaker.add_arguments(what.add_parser(
        "speaker", help="who is speaking: encoders on the same trials",
        description=evaluate_speaker.HELP, formatter_class=argparse.RawDescriptionHelpFormatter))


def _codec_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--codec", required=True,
                        help="encodec, EnCodec weights, or a folder with codec.json")
    parser.add_argument("--data", type=Path, nargs="+", required=True,
                        help="folders made by `valle prepare`, with text")
    parser.add_argument("--held-out", nargs="+", required=True, metavar="PATTERN",
                        help="names or patterns of the speakers to score; @FILE reads them")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--n-codebooks", type=int, nargs="+", default=[],
                        help="decode from so many books, one row for each; default all")
    parser.add_argument("--clips", type=int, default=40, help="how many to score; default 40")
    parser.add_argument("--seconds", type=float, nargs=2, default=(2.5, 10.0),
                        metavar=("LEAST", "MOST"), help="length of clips; default 2.5 10")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of clips")
    parser.add_argument("--save-audio", action="store_true", help="keep the reconstructions")


def _voice_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default="starter", help="starter, or a model folder")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--pairs", type=Path, help="speak the pairs of this file (and its "
                        "distractors.txt); default: those below --out, or made of what follows")
    parser.add_argument("--synthetic", type=Path, help="corpus of held-out synthetic voices")
    parser.add_argument("--real", type=Path, nargs="+", default=[],
                        help="corpora of real speakers; those of the first come first")
    parser.add_argument("--speakers", nargs="+", default=["*"], metavar="PATTERN",
                        help="only these speakers; @FILE reads names or patterns from a file")
    parser.add_argument("--texts", type=Path, help="a sentence per line: what real voices say, and "
                                                   "what the closed-vocabulary listener knows")
    parser.add_argument("--training", type=Path, nargs="*", default=[],
                        help="prepared folders whose texts (of other speakers) are not spoken")
    parser.add_argument("--count", type=int, default=20, help="pairs of each group; default 20")
    parser.add_argument("--pair-seed", type=int, default=0, help="of the choice of pairs")
    parser.add_argument("--seed", type=int, default=0, help="of the speech")
    parser.add_argument("--temperature", type=float, default=0.7, help="default 0.7")
    parser.add_argument("--top-k", type=int, default=0, help="0 is off")
    parser.add_argument("--top-p", type=float, default=0.9, help="default 0.9")
    parser.add_argument("--prompt-seconds", type=float, default=3.0,
                        help="prompts are cut at the word end nearest to this; default 3")
    parser.add_argument("--no-anchors", action="store_true", help="score the voice alone")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")


def run(options: argparse.Namespace) -> int:
    if options.what == "speaker":
        return evaluate_speaker.run(options)
    return run_codec(options) if options.what == "codec" else run_voice(options)


def run_codec(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from codec import load_codec, save_audio
    from codec.files import atomic_path
    from valle.commands.train import read_patterns
    from valle.data.batching import split_speakers
    from valle.data.manifest import Prepared, load_samples
    from valle.evaluate.codec import Clip, evaluate_codec
    from valle.evaluate.words import Samples, pick_distractors, words

    codec = load_codec(options.codec)
    known, held = split_speakers(Prepared.open(options.data).utterances,
                                 read_patterns(options.held_out))
    least, most = options.seconds
    usable = [u for u in held if u.text and words(u.text) and least <= u.seconds <= most]
    chosen = in_turn(usable, options.clips, options.seed)
    clips = [Clip(u.id, u.speaker, u.text or "", load_samples(u)) for u in chosen]
    distractors = pick_distractors((u.text for u in [*known, *held] if u.text),
                                   [clip.text for clip in clips], options.seed)

    def save(name: str, version: str, samples: Samples) -> None:
        file = f"{name.replace('/', '-')}.wav"
        save_audio(options.out / version.replace(" ", "-") / file, samples)

    with tqdm(total=len(clips), unit="clip", disable=not sys.stderr.isatty()) as bar:
        report = evaluate_codec(codec, clips, distractors, options.n_codebooks,
                                on_clip=bar.update, save=save if options.save_audio else None)
    text = (f"# Codec {options.codec} ({codec.identity})\n\n{len(clips)} clips of "
            f"{len({clip.speaker for clip in clips})} held-out speakers, seed {options.seed}, "
            f"{len(distractors)} distractors.\n\n{report.markdown()}")
    for name, content in (("codec.md", text),
                          ("codec.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n"
                                                  for row in report.rows))):
        with atomic_path(options.out / name) as path:
            path.write_text(content, encoding="utf-8")
    print(text)
    return 0


def run_voice(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from codec.files import atomic_path
    from valle.evaluate.judges import Judges
    from valle.evaluate.voice import (
        Scorer,
        VALLESpeaker,
        speak_pairs,
        table,
        weights_of,
        write_rows,
    )
    from valle.sampling import SamplingOptions
    from valle.tts import VALLE, model_folder

    sampling = SamplingOptions(options.temperature, options.top_k, options.top_p)
    pairs, distractors = pairs_of(options)
    tts = VALLE.from_pretrained(options.model, options.device)
    speaker = VALLESpeaker(tts, sampling, options.prompt_seconds,
                           weights_of(model_folder(options.model)))
    silent = not sys.stderr.isatty()
    with tqdm(total=len(pairs), unit="pair", desc="speaking", disable=silent) as bar:
        speak_pairs(pairs, speaker, options.out / "wav", options.seed, on_pair=bar.update)
    said = [t for p in pairs for t in (p.text, p.truth_text) if t]
    with tqdm(unit="clip", desc="scoring", disable=silent) as bar:
        scorer = Scorer(lambda: Judges(said, distractors), pairs, options.out,
                        json.dumps([said, distractors]), bar.update)
        rows = scorer.voice()
        if not options.no_anchors:
            rows += scorer.anchors(tts.model.codec, tts.model.nar.config.n_codebooks)
    write_rows(options.out / "voice.jsonl", rows)
    text = (f"# Voice {options.model} ({speaker.weights}), codec {tts.model.codec.identity}\n\n"
            f"{len(pairs)} pairs, seed {options.seed}, temperature {sampling.temperature:g}, "
            f"top-k {sampling.top_k}, top-p {sampling.top_p:g}, prompts of about "
            f"{options.prompt_seconds:g} s, {len(distractors)} distractors.\n\n{table(rows)}\n"
            "Means over clips with bootstrap 95 % intervals. Recordings of real speakers say "
            "other texts than the voice does.\n")
    with atomic_path(options.out / "voice.md") as path:
        path.write_text(text, encoding="utf-8")
    print(text)
    return 0


def pairs_of(options: argparse.Namespace) -> tuple[list[Pair], list[str]]:
    """The pairs to speak, read or made, and the other texts of the closed vocabulary.

    Both are kept below --out: figures of two voices compare only with the same of both.

    Raises:
        FileNotFoundError, ValueError: files or data are missing, in one line.
    """
    import fnmatch

    from codec.files import atomic_path
    from valle.commands.train import read_patterns
    from valle.data.batching import split_speakers
    from valle.data.corpora import read_corpus
    from valle.data.manifest import Prepared
    from valle.evaluate.pairs import make_pairs, read_pairs, write_pairs
    from valle.evaluate.words import pick_distractors

    patterns = read_patterns(options.speakers)
    path = options.pairs or options.out / "pairs.jsonl"
    if options.pairs or (not options.synthetic and path.is_file()):
        pairs, others = read_pairs(path), path.with_name("distractors.txt")
        if not others.is_file():
            raise FileNotFoundError(f"{others} is missing: it belongs to {path.name}, copy both")
        distractors = others.read_text(encoding="utf-8").splitlines()
    else:
        if not options.synthetic or not options.real or not options.texts:
            raise ValueError("to make pairs give --synthetic, --real and --texts; or --pairs with "
                             "a file of them")
        known = Prepared.open(options.training).utterances if options.training else []
        seen = [u.text for u in split_speakers(known, patterns)[0] if u.text]
        pool = options.texts.read_text(encoding="utf-8").splitlines()
        mine = [[r for r in read_corpus(root) if any(fnmatch.fnmatchcase(r.speaker, p)
                                                     for p in patterns)]
                for root in (options.synthetic, *options.real)]
        pairs = make_pairs(mine[0], mine[1:], pool, seen=seen, seed=options.pair_seed,
                           count=options.count)
        said = [t for p in pairs for t in (p.text, p.truth_text) if t]
        distractors = pick_distractors([*pool, *seen], said, options.pair_seed)
    write_pairs(options.out / "pairs.jsonl", pairs)
    with atomic_path(options.out / "distractors.txt") as temporary:
        temporary.write_text("".join(f"{t}\n" for t in distractors), encoding="utf-8")
    return pairs, distractors


def in_turn(utterances: list[Utterance], count: int, seed: int) -> list[Utterance]:
    """`count` utterances, taking one of each speaker in turn; seeded."""
    chance = random.Random(seed)
    queues: dict[str, list[Utterance]] = {}
    for utterance in sorted(utterances, key=lambda u: u.id):
        queues.setdefault(utterance.speaker, []).append(utterance)
    for queue in queues.values():
        chance.shuffle(queue)
    speakers = sorted(queues)
    chance.shuffle(speakers)
    chosen: list[Utterance] = []
    while len(chosen) < count and any(queues.values()):
        for speaker in speakers:
            if queues[speaker] and len(chosen) < count:
                chosen.append(queues[speaker].pop())
    return chosen
