"""Tables of other forms: whose audio stands elsewhere, with languages, lengths, quotes or JSON."""
from __future__ import annotations

from pathlib import Path

import pytest
from recordings import speak, write

from valle.data.corpora import read_corpus

SAID = ("The harbour was quiet.", "Nobody had come home.", "Is it late?")
JSON = '{{"{file}": "wavs/{i}.wav", "duration": 1.2, "text": "{said}"}}\n'
FORMS = {  # name of the table, its text, the speakers
    "path, speaker, language, text": ("x.list", "C:\\a\\1.wav|anna|en|{0}\nC:\\a\\2.wav|ben|en|"
                                                "{1}\n"
                                      "C:\\a\\3.wav|anna|en|{2}\n", "anna ben anna"),
    "capital languages": ("metadata.list", "wavs/1.wav|anna|EN|{0}\nwavs/2.wav|anna|EN|{1}\n"
                          "wavs/3.wav|anna|EN|{2}\n", "anna anna anna"),
    "JSON lines": ("metadata.jsonl", "".join(JSON.format(file="file_name", i=i + 1, said=said)
                                             for i, said in enumerate(SAID)), "me me me"),
    "a manifest": ("manifest.json", "".join(JSON.format(file="audio_filepath", i=i + 1, said=said)
                                            for i, said in enumerate(SAID)), "me me me"),
    "quotes": ("metadata.csv", '"1"|"{0}"\n"2"|"{1}"\n"3"|"{2}"\n', "me me me"),
    "the speaker first": ("metadata.csv", "anna|1|{0}\nben|2|{1}\nanna|3|{2}\n", "anna ben anna"),
    "the speaker first, with a header": ("metadata.tsv", "speaker\tpath\ttext\nanna\t1.wav\t{0}\n"
                                         "ben\t2.wav\t{1}\nanna\t3.wav\t{2}\n", "anna ben anna"),
    "the text first": ("metadata.csv", "{0}|1.wav\n{1}|2.wav\n{2}|3.wav\n", "me me me"),
    "spaces": ("transcripts.txt", "1.wav {0}\n2.wav {1}\n3.wav {2}\n", "me me me"),
    "colons": ("metadata.csv", "1: {0}\n2: {1}\n3: {2}\n", "me me me"),
    "Kaldi's text alone": ("text", "1 {0}\n2 {1}\n3 {2}\n", "me me me"),
    "lengths": ("metadata.csv", "1|{0}|1.25\n2|{1}|1.30\n3|{2}|0.90\n", "me me me"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_text_and_speaker(form: str, tmp_path: Path) -> None:
    name, lines, speakers = FORMS[form]
    for i in (1, 2, 3):
        speak(tmp_path / "me" / "wavs" / f"{i}.wav")
    write(tmp_path / "me" / name, lines if lines.startswith("{\"") else lines.format(*SAID))
    corpus = read_corpus(tmp_path / "me")
    assert [(r.id, r.speaker, r.text, r.language.lower()[:2]) for r in corpus] == [
        (str(i + 1), who, said, "en") for i, (who, said) in enumerate(zip(
            speakers.split(), SAID, strict=True))]
    assert not corpus.left_out


def test_label_files_are_texts_unless_they_are_timings(tmp_path: Path) -> None:
    for name, text in (("1", SAID[0]), ("2", "0 2500000 sil\n2500000 9000000 dh\n")):
        speak(tmp_path / "anna" / f"{name}.wav")
        write(tmp_path / "anna" / f"{name}.lab", text)
    assert [r.text for r in read_corpus(tmp_path)] == [SAID[0], None]
