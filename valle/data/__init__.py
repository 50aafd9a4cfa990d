"""Corpora in, prepared folders out, and samples for training from them.

    corpora.py      which layout a corpus has; layouts.py, table.py, audio_files.py read it,
    recording.py    as recordings and what is left out
    prepare.py      audio and text to phones, codes and durations: preparation.py has its
                    options, process.py and workers.py do it
    manifest.py     the prepared folder; writer.py writes it, lock.py keeps others out
    held_out.py     what is kept to validate on
    batching.py     same-speaker samples and length buckets
    clips.py        audio in memory, without preparation
"""
