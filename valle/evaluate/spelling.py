"""One spelling for words that sound the same, before words are counted as errors.

Reference and what was heard pass through the same rules, so a rule need not know which is right:
contractions are written out, British spellings become American, and numbers have one wording
(`g2p.normalize` has spelled them already). Where one side writes two words together ("everyone",
"every one"), the other follows. Nothing else is forgiven: fillers and endings count.
"""
from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

# pronouns and the like: 's of other words is a genitive and stays
SUBJECT = re.compile("i|you|he|she|it|we|they|that|this|there|here|what|who|where|when|why|how")
CONTRACTED = {"'m": "am", "'re": "are", "'ve": "have", "'ll": "will", "'d": "would"}
WHOLE = {
    "can't": "can not", "cannot": "can not", "won't": "will not", "shan't": "shall not",
    "ain't": "is not", "let's": "let us", "'em": "them", "'tis": "it is", "'twas": "it was",
    "y'all": "you all", "ma'am": "madam", "o'er": "over", "ne'er": "never", "e'er": "ever",
    "gonna": "going to", "wanna": "want to", "gotta": "got to", "gimme": "give me",
    "ok": "okay", "alright": "all right", "mr": "mister", "mrs": "missus", "messrs": "messieurs",
    "dr": "doctor", "prof": "professor", "vs": "versus", "etc": "et cetera", "nought": "zero",
}
NUMBER = re.compile("one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|[a-z]+teen|"
                    "(?:twen|thir|for|fif|six|seven|eigh|nine)ty")
SCALE = re.compile("hundred|thousand|million|billion")

_OUR = ("arb|arm|behavi|cand|clam|col|demean|endeav|fav|ferv|flav|glam|harb|hon|hum|lab|neighb|od|"
        "parl|ranc|rig|rum|sav|splend|succ|tum|val|vap|vig")
_RE = "cent|theat|met|lit|fib|calib|lust|somb|spect|meag|sab|scept|sepulch|och|mit|reconnoit"
_LL = ("apparel|barrel|bevel|cancel|carol|channel|chisel|counsel|dial|dishevel|duel|enamel|equal|"
       "fuel|funnel|gambol|gravel|grovel|jewel|kennel|label|level|libel|marshal|marvel|medal|"
       "model|panel|parcel|pedal|pencil|quarrel|ravel|revel|rival|shovel|shrivel|signal|snivel|"
       "spiral|swivel|total|towel|travel|trowel|tunnel|wool|yodel")
_L = "appal|distil|enrol|enthral|fulfil|instal|instil|skil|wil"
AMERICAN = [(re.compile(pattern), replacement) for pattern, replacement in (
    (rf"^((?:un|dis|mis|out|re)?(?:{_OUR}))our", r"\1or"),
    (rf"((?:{_RE}))re(s|d)?$", r"\1er\2"),
    (rf"^((?:un|out)?(?:{_LL}))l(ed|er|ers|ing|ings|ist|or|ors|ous|en)$", r"\1\2"),
    (rf"^((?:{_L}))(s|ment|ments|ful|fully)?$", r"\1l\2"),
    (r"^(.{3,})is(e|ed|es|er|ers|ing|ation|ations|able)$", r"\1iz\2"),
    (r"^(.+)lys(e|ed|er|ers|ing)$", r"\1lyz\2"),
    (r"^(ana|cata|dia|mono|pro|epi|apo)logue(s?)$", r"\1log\2"),
    (r"^(defen|offen|licen|preten)ce(s?)$", r"\1se\2"),
    (r"^practis", "practic"),
    (r"^(an|orthop|p|encyclop|gyn|leuk|arch|medi)ae(?=[a-z]{3})", r"\1e"),
    (r"^haem", "hem"),
    (r"^(man)oeu", r"\1eu"),
    (r"^(f|diarrh)oe(?=t|a)", r"\1e"),
    (r"^(a|ac)?(knowledg|judg|abridg|lodg)ement", r"\1\2ment"),
    (r"^grey(?=$|s$|ed$|er$|ing$|ish$|ness$)", "gray"),
    (r"^plough", "plow"), (r"^draught", "draft"), (r"^sceptic", "skeptic"),
    (r"^mould", "mold"), (r"^smould", "smold"), (r"^moult", "molt"), (r"^moustache", "mustache"),
    (r"^cheque(s|d|r|rs)?$", r"check\1"), (r"^programme(s?)$", r"program\1"),
    (r"^jewellery$", "jewelry"), (r"^tyre(s?)$", r"tire\1"), (r"^kerb", "curb"),
    (r"^gaol", "jail"), (r"^pyjama", "pajama"), (r"^cos(y|ier|iest|ily)$", r"coz\1"),
    (r"^ageing$", "aging"), (r"^axe$", "ax"), (r"^storey(s?)$", r"story\1"),
    (r"^waggon", "wagon"), (r"^connexion", "connection"), (r"^whisky$", "whiskey"),
    (r"^shew(s|n|ed|ing)?$", r"show\1"), (r"^sulph", "sulf"),
)]


def canonical(words: Sequence[str]) -> list[str]:
    """Words (see `valle.features.text.words`) in the spelling in which they are compared."""
    whole = [part for word in words for part in written_out(word)]
    found: list[str] = []
    for index, word in enumerate(whole):
        after = whole[index + 1] if index + 1 < len(whole) else ""
        if word == "a" and SCALE.fullmatch(after):
            word = "one"
        if word == "and" and found and SCALE.fullmatch(found[-1]) and NUMBER.fullmatch(after):
            continue
        found.append(american(word))
    return found


def written_out(word: str) -> list[str]:
    """A contraction as its words; another word as it is."""
    if word in WHOLE:
        return WHOLE[word].split()
    if word.endswith("n't") and len(word) > 3:
        return [word[:-3], "not"]
    stem, mark, ending = word.rpartition("'")
    if mark + ending in CONTRACTED:
        return [*written_out(stem), CONTRACTED[mark + ending]]
    if mark + ending == "'s" and SUBJECT.fullmatch(stem):
        return [stem, "is"]
    return [word]


def american(word: str) -> str:
    """The American spelling of a word; what only looks British may change as well."""
    for pattern, replacement in AMERICAN:
        word = pattern.sub(replacement, word)
    return word


def spaced_like(heard: Sequence[str], reference: Sequence[str]) -> list[str]:
    """The words heard, written together or apart as the reference has them."""
    known = set(reference)
    pairs = {a + b: (a, b) for a, b in pairwise(reference)}
    found: list[str] = []
    for word in heard:
        if found and found[-1] + word in known and not (found[-1] in known and word in known):
            found[-1] += word
        elif word in pairs and word not in known:
            found += pairs[word]
        else:
            found.append(word)
    return found
