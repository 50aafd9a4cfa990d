"""Text to phones: normalise, speak through espeak-ng, number the phones."""
from g2p.espeak import espeak_info
from g2p.lexicon import Lexicon
from g2p.reading import normalize, phonemize, phonemize_many
from g2p.vocab import BOUNDARIES, SPACE, Vocabulary

__all__ = ["BOUNDARIES", "SPACE", "Lexicon", "Vocabulary", "espeak_info", "normalize", "phonemize",
           "phonemize_many"]
