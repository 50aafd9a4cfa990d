"""How good a recording is as a prompt: measures, and its faults in words with what to do."""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codec.audio import SAMPLE_RATE, Samples
from codec.defects import bandwidth, clipping, hum, offset, rt60
from codec.speech import (
    CLIPPED_SHARE,
    FRAME_SECONDS,
    NOISY_DB,
    above_noise,
    active_frames,
    check_prompt,
    frame_levels,
    is_narrow,
    mean_level,
    without_rumble,
)
from valle.speaker.encoder import SpeakerEncoder
from valle.speaker.turns import least_likeness
from valle.synthesis.hearing import check_heard, speaker_encoder
from valle.synthesis.recording import condition

# benchmarks/README.md has how many clean recordings lie beyond each, and how many spoiled ones.
SHORT_SECONDS = 2.0      # of speech
QUIET_DBFS = -52.0       # speech so low has few of the sixteen bits
HUM_DB = -35.0           # of the speech: louder is heard in the pauses
OFFSET = 0.02            # of full scale
LONG_RT60 = 0.6          # seconds
ROOM_HEARD_DB = 18.0     # above louder noise a decay ends too soon to be followed
TWO_VOICES = 0.18        # cosine of the parts least alike: two people are below


@dataclass(frozen=True)
class Fault:
    """What is wrong, in words, and what to do about it; name: in one word, for programs."""

    name: str
    words: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.words}: {self.remedy}"


@dataclass(frozen=True)
class Quality:
    """Measures of a recording.

    Attributes:
        seconds, speech: of the recording, and of the frames that hold speech.
        loudness: of the speech in dBFS. snr: how far it is above the noise in dB.
        clipped, clipped_runs: share of samples at full scale, and runs of three or more.
        bandwidth: in Hz; all there is up to 12 kHz.
        mains, hum: 50 or 60 Hz and its level below the speech in dB; 0 and 0 without.
        offset: DC in parts of full scale. rt60: reverberation time in s, a blind estimate.
        one_voice: cosine of the parts of the speech least alike; 1 where it is too short to tell.
        faults: what is wrong.
    """

    seconds: float
    speech: float
    loudness: float
    snr: float
    clipped: float
    clipped_runs: int
    bandwidth: float
    mains: float
    hum: float
    offset: float
    rt60: float
    one_voice: float
    faults: tuple[Fault, ...] = ()

    def lines(self) -> list[str]:
        """All of it in words, faults last, each with what to do about it."""
        hum = f"{self.mains:.0f} Hz, {-self.hum:.0f} dB below the speech" if self.mains else "none"
        told = {"length": f"{self.seconds:.1f} s, {self.speech:.1f} s of it speech",
                "level": f"{self.loudness:.0f} dBFS, {self.snr:.0f} dB above the noise",
                "clipping": f"{self.clipped:.2%} of the samples, {self.clipped_runs} runs",
                "bandwidth": f"{self.bandwidth / 1000:.1f} kHz", "hum": hum,
                "offset": f"{self.offset:+.2%} of full scale",
                "room": f"falls by 60 dB in about {self.rt60:.1f} s",
                "voice": "too short to tell whether one person speaks" if self.one_voice == 1
                else f"the parts least alike have a cosine of {self.one_voice:.2f}"}
        return [*(f"{name:12}{value}" for name, value in told.items()),
                *(f"{'MEND':12}{fault}" for fault in self.faults)]


def examine(samples: Samples) -> Quality:
    """How good samples [N] at 24 kHz, as they were recorded, are as a prompt.

    Raises:
        ValueError: they cannot be one: too short, silent, or without speech.
    """
    check_prompt(samples)
    check_heard(condition(samples).speech)
    clean = without_rumble(samples)
    active = active_frames(clean, SAMPLE_RATE)
    found = measured(samples, clean, active, speaker_encoder())
    return replace(found, faults=faults(found, is_narrow(clean, SAMPLE_RATE, active)))


def measured(samples: Samples, clean: Samples, active: NDArray[np.bool_],
             encoder: SpeakerEncoder) -> Quality:
    """The measures of samples [N] at 24 kHz, faults not yet among them.

    clean: the same without rumble. active: which of its frames hold speech.
    """
    levels, cut = frame_levels(clean, SAMPLE_RATE), clipping(samples)
    loudness, (mains, hum_level) = mean_level(levels[active]), hum(samples, SAMPLE_RATE)
    frame = round(FRAME_SECONDS * SAMPLE_RATE)
    speech = clean[np.repeat(active, frame)[: len(clean)]]
    return Quality(
        seconds=len(samples) / SAMPLE_RATE, speech=float(active.sum()) * FRAME_SECONDS,
        loudness=loudness, snr=above_noise(levels, active), clipped=cut.share,
        clipped_runs=cut.runs, bandwidth=bandwidth(clean, SAMPLE_RATE, active), mains=mains,
        hum=hum_level - loudness if mains else 0.0, offset=offset(samples),
        rt60=rt60(clean, SAMPLE_RATE),
        one_voice=least_likeness(speech, SAMPLE_RATE, encoder))


def faults(q: Quality, narrow: bool) -> tuple[Fault, ...]:
    """What is wrong with a recording of these measures; narrow: as `is_narrow` has it."""
    beyond = (
        (q.speech < SHORT_SECONDS, "short", f"only {q.speech:.1f} s of speech, so the voice is a "
         "guess", "record 3 s or more"),
        (q.loudness < QUIET_DBFS, "quiet", f"the speech is faint ({q.loudness:.0f} dBFS)",
         "record closer to the microphone, or raise its level"),
        (q.snr < NOISY_DB, "noise", f"the speech is only {q.snr:.0f} dB above the noise, so words "
         "will be unclear", "record in a quieter place, closer to the microphone"),
        (q.clipped > CLIPPED_SHARE, "clipping", f"{q.clipped:.1%} of the samples are cut off at "
         f"full scale, in {q.clipped_runs} runs, so the voice will sound rough",
         "record again at a lower level; it cannot be mended afterwards"),
        (narrow, "bandwidth", "nothing above 4 kHz, like a telephone call, so the voice is a guess",
         "use a recording of 16 kHz or more"),
        (bool(q.mains) and q.hum > HUM_DB, "hum", f"mains hum of {q.mains:.0f} Hz, {-q.hum:.0f} dB "
         "below the speech", "move power supplies away, use another cable, or filter its multiples "
         "out; valle takes out what is below 62 Hz"),
        (abs(q.offset) > OFFSET, "offset", f"an offset (DC) of {q.offset:+.0%} of full scale",
         "valle takes it out; a sound card that makes one loses that much level"),
        (q.rt60 > LONG_RT60 and q.snr > ROOM_HEARD_DB, "reverberation", "a reverberant room "
         f"(about {q.rt60:.1f} s), which will be part of the voice",
         "record closer to the microphone, or among soft furniture"),
        (q.one_voice < TWO_VOICES, "two speakers", "two people seem to speak", "cut out the one "
         "whose voice you want"))
    return tuple(Fault(name, words, remedy) for wrong, name, words, remedy in beyond if wrong)
