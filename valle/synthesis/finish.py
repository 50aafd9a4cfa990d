"""What every finished file says of itself: that it is synthetic, made by what, and when."""
from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

from valle.version import __version__

TITLE = "Synthetic speech"
SYNTHETIC = "This speech is synthetic (AI-generated)."


def tags(model: str) -> dict[str, str]:
    """Metadata for a sound file, by names that containers know. model: its name or folder."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return {"title": TITLE, "artist": f"valle {__version__}, model {Path(model).name}",
            "comment": SYNTHETIC, "date": now}


def says_synthetic(tags: Mapping[str, str]) -> bool:
    """Is this what `tags` writes? libsndfile shows no comment of what PyAV has written."""
    return tags.get("comment") == SYNTHETIC or tags.get("title") == TITLE
