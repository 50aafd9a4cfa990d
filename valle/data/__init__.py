"""Corpora in, prepared folders out, and samples for training from them.

    corpora.py   readers for published corpus layouts
    prepare.py   audio and text to phones, codes and durations
    manifest.py  the prepared folder
    batching.py  same-speaker samples and length buckets
"""
