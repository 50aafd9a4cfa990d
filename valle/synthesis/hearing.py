"""The judges that come with valle, loaded once: who hears phones, and who knows voices."""
from __future__ import annotations

from functools import cache
from pathlib import Path

import torch

from codec.audio import SAMPLE_RATE, Samples, resample
from codec.source import pitch
from codec.speech import FRAME_SECONDS, active_frames
from valle.features.fbank import SAMPLE_RATE as HEARING_RATE
from valle.model.checkpoint import shipped
from valle.recognizer.phones import PhoneListener
from valle.speaker.encoder import TrainedEncoder
from valle.speaker.model import SpeakerModel

SCORERS = ("phones", "ecapa")
VOICE_HZ = (70.0, 420.0)
LEAST_VOICED = 0.22  # of the active frames; benchmarks/README.md has what sounds have
LEAST_PHONES = 4.0   # in a second


@cache
def phone_listener() -> PhoneListener:
    """The lower half of our recogniser; FileNotFoundError or ValueError say what is wrong."""
    return PhoneListener.load(scorer_folder("phones"))


@cache
def speaker_encoder() -> TrainedEncoder:
    """Our ECAPA-TDNN; FileNotFoundError or ValueError say what is wrong."""
    return TrainedEncoder(SpeakerModel.load(scorer_folder("ecapa")))


def scorer_folder(name: str) -> Path:
    """Folder of a scorer of this repository."""
    return shipped(f"judge_{name}", f"judges/{name}")


def check_heard(speech: Samples) -> None:
    """ValueError where samples [N] at 24 kHz, ready for a codec, hold sounds but no speech.

    Speech has a voice's pitch in a third of its active frames and more, also in noise; drums,
    barking and birdsong in a sixth at most. A whisper has none, but its phones are clear.
    """
    active = active_frames(speech, SAMPLE_RATE)
    wav = torch.from_numpy(resample(speech, SAMPLE_RATE, HEARING_RATE))
    f0, voiced = pitch(wav[None], HEARING_RATE, round(FRAME_SECONDS * HEARING_RATE))
    sung = (voiced & (f0 > VOICE_HZ[0]) & (f0 < VOICE_HZ[1]))[0].numpy()
    many = min(len(sung), len(active))
    if (sung[:many] & active[:many]).sum() >= LEAST_VOICED * active.sum():
        return
    if phone_listener().sure(wav) < LEAST_PHONES * active.sum() * FRAME_SECONDS:
        raise ValueError("there is no speech in the prompt, only other sounds: use a recording of "
                         "speech")
