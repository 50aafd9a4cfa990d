"""Zero-shot text-to-speech in the VALL-E style.

    from valle import VALLE
    audio = VALLE.from_pretrained("starter").speak("Good morning.", prompt="p.wav",
                                                   prompt_text="what p.wav says")
"""
from __future__ import annotations

from typing import Any

from valle.version import __version__

__all__ = ["VALLE", "Audio", "Prompt", "SamplingOptions", "SomeUnspoken", "SpokenSegment",
           "Voice", "__version__"]


def __getattr__(name: str) -> Any:
    """Import on first use: `valle --help` need not wait for torch."""
    if name == "SamplingOptions":
        from valle.synthesis.options import SamplingOptions

        return SamplingOptions
    if name in __all__:
        from valle import tts

        return getattr(tts, name)
    raise AttributeError(f"module 'valle' has no attribute {name!r}")
