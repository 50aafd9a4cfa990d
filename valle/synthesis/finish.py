"""What every finished file says of itself: that it is synthetic, made by what, and when."""
from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

from valle.version import __version__

SYNTHETIC = "This speech is synthetic (AI-generated)."


def tags(model: str) -> dict[str, str]:
    """Metadata for a sound file, by names that containers know. model: its name or folder."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return {"title": "Synthetic speech", "artist": f"valle {__version__}, model {Path(model).name}",
            "comment": SYNTHETIC, "date": now}
