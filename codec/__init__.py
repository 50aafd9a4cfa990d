"""Audio to discrete codes and back; usable without the rest of the project.

    from codec import load_audio, load_codec, save_audio
    codec = load_codec("encodec")
    wav = torch.from_numpy(load_audio("speech.flac"))     # [N]
    codes = codec.encode(wav[None, None])                 # [1, Q, T]
    save_audio("again.wav", codec.decode(codes)[0, 0].numpy(), codec.sample_rate)
"""
from codec.audio import load_audio, save_audio
from codec.base import Codec, load_codec
from codec.spec import CodecSpec
from codec.speech import check_prompt, normalize_loudness, trim_silence

__all__ = ["Codec", "CodecSpec", "check_prompt", "load_audio", "load_codec", "normalize_loudness",
           "save_audio", "trim_silence"]
