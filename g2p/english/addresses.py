"""Web and mail addresses and names of files, their marks in words."""
from __future__ import annotations

import re

from g2p.english.rules import Rule, rule

ADDRESS = {".": "dot", "/": "slash", "-": "dash", "_": "underscore", ":": "colon", "@": "at",
           "?": "question mark", "=": "equals", "&": "and", "#": "hash", "%": "percent",
           "~": "tilde", "+": "plus"}
DOMAINS = {"io": "I O", "uk": "UK", "us": "US", "eu": "EU", "ai": "AI", "tv": "TV", "de": "D E",
           "fr": "F R", "www": "W W W", "html": "HTML", "pdf": "PDF"}
_TOP_LEVEL = "com|org|net|edu|gov|info|io|ai|dev|app|uk|eu|de|fr|es|cn"
_FILES = ("txt|pdf|py|js|json|md|csv|wav|exe|zip|jpe?g|png|html?|mp[34]|docx?|xlsx?|pptx?|gif|xml|"
          "ya?ml|tar|gz|sh|css|cpp|ts|toml|ini|log|svg|flac|ogg|m4a")


def _address(match: re.Match[str]) -> str:
    address = re.sub(r"^[a-z]+://", "", match[0].rstrip("/.,;:!?"), flags=re.IGNORECASE)
    end = match[0][len(match[0].rstrip(".,;:!?")):]
    parts = re.split(r"([^A-Za-z0-9])", address)
    said = [" ".join(part) if before == ":" and part.isdecimal() else
            DOMAINS.get(part, ADDRESS.get(part, part))
            for before, part in zip(["", *parts], parts, strict=False) if part]
    return " ".join(said) + end


RULES: tuple[Rule, ...] = (
    rule(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,8}", _address),
    rule(r"(?:https?://|\bwww\.)[^\s\"<>)]+"
         rf"|\b(?:[\w-]{{1,64}}\.){{1,8}}(?:{_TOP_LEVEL})\b(?::\d+)?(?:/[^\s\"<>)]*)?",
         _address, re.IGNORECASE),
    rule(rf"(?<=\w)\.(?=(?:{_FILES})\b)", " dot "),
)
