"""From text to speech: segments, candidates, the best of them, the sound."""
