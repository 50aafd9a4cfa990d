"""Temporary."""
import re, threading
from functools import lru_cache
LOCK = threading.Lock()
@lru_cache
def _backend(language):
    import espeakng_loader
    from phonemizer.backend import EspeakBackend
    from phonemizer.backend.espeak.wrapper import EspeakWrapper
    EspeakWrapper.set_library(espeakng_loader.get_library_path())
    EspeakWrapper.set_data_path(espeakng_loader.get_data_path())
    return EspeakBackend(language, with_stress=True, language_switch='remove-flags', words_mismatch='ignore')
STRENGTH = {",": 1, ":": 2, ";": 3, ".": 4, "!": 5, "?": 6}
def phonemize(text, language="en-us"):
    from phonemizer.separator import Separator
    pieces = re.split(r"([,.?!;:]+)", text.replace("—", ", ").replace("--", ", "))
    out = []
    for words, marks in zip(pieces[::2], pieces[1::2] + [""]):
        words = re.sub(r"[^\w' -]", " ", words).replace("-", " ").strip()
        mark = max(marks, key=lambda m: STRENGTH[m]) if marks else ""
        if words:
            with LOCK:
                ph = _backend(language).phonemize([words], separator=Separator(phone="|", word=" "), strip=True)[0]
            for i, w in enumerate(ph.split()):
                if not out or i: out.append(" ")
                out += [p for p in w.split("|") if p]
            if mark: out.append(mark)
        elif mark and out:
            if out[-1] in STRENGTH: out[-1] = max(out[-1], mark, key=lambda m: STRENGTH[m])
    if not out: raise ValueError("nothing to say")
    if out[-1] not in STRENGTH: out.append(".")
    return out
