"""Published recognisers behind the listener protocol: real classes, random weights, no network."""
from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from conftest import RATE, needs, vowel

from g2p import phonemize
from valle.features.optional import transformers_package
from valle.recognizer.listener import RECOGNIZERS


def ctc_model(folder: Path) -> Path:
    """A wav2vec 2.0 of no size with a CTC head over six characters, as the hub lays it out."""
    transformers = transformers_package("the test")
    folder.mkdir()
    vocabulary = ["<pad>", "<s>", "</s>", "<unk>", "|", "A", "B"]
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(vocabulary)}))
    tokenizer = transformers.Wav2Vec2CTCTokenizer(str(folder / "vocab.json"))
    extractor = transformers.Wav2Vec2FeatureExtractor(do_normalize=True)
    transformers.Wav2Vec2Processor(extractor, tokenizer).save_pretrained(folder)
    config = transformers.Wav2Vec2Config(
        vocab_size=7, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, conv_dim=(8, 8), conv_stride=(20, 16), conv_kernel=(20, 16),
        num_feat_extract_layers=2, num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2)
    model = transformers.Wav2Vec2ForCTC(config)
    model.lm_head.bias.data[:] = 0
    model.lm_head.bias.data[[5, 6]] = 3  # it prefers letters
    model.save_pretrained(folder)
    return folder


@needs("transformers")
def test_any_transformers_model_listens(tmp_path: Path):
    listener = RECOGNIZERS.load(f"transformers:{ctc_model(tmp_path / 'm')}")
    hum = vowel(phonemize("The sea was calm."))[0]
    heard = listener(hum, RATE)
    assert heard and set("".join(heard)) <= {"a", "b"}, "words in lower case"
    assert heard == listener(hum, RATE)
    assert isinstance(listener(np.zeros(0, np.float32), RATE), list)


@pytest.mark.parametrize("name, module, pip", [
    ("hubert-large", "transformers", "transformers"),
    ("transformers:x/y", "transformers", "transformers"),
    ("whisper", "faster_whisper", "faster-whisper")])
def test_a_missing_package_is_one_line(name: str, module: str, pip: str,
                                       monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, "torchaudio", None)
    with pytest.raises(ImportError, match=f"needs {pip}: pip install {pip}") as got:
        RECOGNIZERS.load(name)
    assert "the recogniser " in str(got.value) and "\n" not in str(got.value)


def test_no_network_is_one_line(monkeypatch: pytest.MonkeyPatch):
    """A mock: the hub cannot be made to fail in the same way on every machine."""
    def unreachable(source: str, **_: object) -> None:
        raise ConnectionError(f"cannot reach the hub for {source}\nwith a long story")

    fake = types.ModuleType("faster_whisper")
    fake.WhisperModel = unreachable  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "faster_whisper", fake)
    with pytest.raises(OSError, match=r"cannot load large-v3 for the recogniser whisper:large-v3 "
                                      r".*network connection") as got:
        RECOGNIZERS.load("whisper:large-v3")
    assert "long story" not in str(got.value)
