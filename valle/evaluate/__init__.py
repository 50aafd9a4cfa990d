"""Judges and protocols: words, speaker similarity, quality; a codec, a voice.

Each judge takes samples [N] at any rate and can be used alone. They need `pip install
'valle[evaluate]'`, but importing these modules does not.
"""
