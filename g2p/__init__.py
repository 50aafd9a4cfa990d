from g2p.espeak import phonemize
from g2p.vocab import BOUNDARIES, Vocabulary
