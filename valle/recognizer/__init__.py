"""Speech recognition: a Conformer with CTC and an attention decoder, and adapters of others."""
