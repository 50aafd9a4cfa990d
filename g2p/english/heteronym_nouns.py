"""Heteronyms that name two things: one function a word, from its context to a reading."""
from __future__ import annotations

from collections.abc import Callable

from g2p.english.context import (
    BEFORE_NOUN,
    DETERMINERS,
    MODALS,
    SINGULAR_SUBJECTS,
    SUBJECTS,
    Context,
    words,
)
from g2p.english.heteronym_words import (
    ARCHERY,
    EYES,
    FISH,
    PIG,
    QUARREL,
    RIP_NEXT,
    RIPPED,
    SEEDS,
    SHED,
    SHIP,
    TAUGHT,
    TEARFUL,
    TINY_NEXT,
)


def bass(c: Context) -> str:
    if c.after("guitar", "drum", "drums", "player", "line", "lines", "clef", "and", "voice", "solo",
               "clarinet", "guitarist", "notes", "note", "part", "singer") and not c.has(
                   FISH - words("sea rock stream catch net reel")):
        return "music"
    kind = c.before("sea", "rock", "black", "white", "striped", "spotted") and not c.after("guitar")
    near = FISH - words("rock stream net reel hook boat tournament species pounds")
    return "fish" if kind or c.has(near) else "music"


def bow(c: Context) -> str:
    if c.after("tie", "ties", "window", "legged", "string", "strings", "hunting", "street",
               "saw") or (
            c.after("-") and c.right[1:2] in (("tie",), ("ties",), ("legged",))):
        return "knot"
    if c.before("the") and not c.has(ARCHERY) and c.left[1:2] and c.left[1] in (
            "off", "at", "by", "over", "across", "toward", "towards", "from", "beyond", "near"):
        return "bend"
    if c.has(ARCHERY) and not c.after("to", "down", "before", "out"):
        return "knot"
    if c.after("down", "before", "out", "wave", "thruster", "thrusters", "section", "gun", "ramp",
               "door",
               "doors", "wow", "anchor", "politely", "deeply", "low", "slightly") or c.has(SHIP):
        return "bend"
    if c.subject in MODALS or c.subject in SUBJECTS or (c.after("to") and c.before("must")):
        return "bend"
    if any(w in words("take took takes taking taken make made makes gave give gives give curtain "
                      "final deep "
                     "low slight polite graceful formal courtly stiff little takes stage last "
                     "applause "
                     "respectful mock gallant solemn gracious humble") for w in c.left[:4]):
        return "bend"
    if not c.left and (c.after("to", "your", "and", "his", "her") or not c.right):
        return "bend"
    return "bend" if c.after("to", "and") and (c.subject.endswith("s") or
                                               c.before("and")) else "knot"


def bowed(c: Context) -> str:
    return "knot" if c.has(words("string instrument instruments violin cello legs psaltery lyre "
                                "strings wood shelf")) else "bend"


def tear(c: Context) -> str:
    if not SHED.isdisjoint(c.left[:3]):
        return "eye"
    if c.after("in") and c.right[1:2] and c.right[1] in DETERMINERS and not c.has(EYES):
        return "rip"
    if c.after("gas", "duct", "ducts", "drop", "drops", "stained", "jerker", "film", "glands",
               "gland",
               "shaped", "streaked", "rolled", "fell", "trickled", "ran", "slid") or (
                   c.after("-") and c.right[1:2] not in (("off",), ("down",), ("resistant",),
                                                         ("away",))):
        return "eye"
    if c.subject in MODALS or c.subject in SUBJECTS:
        return "rip"
    if c.has(RIPPED) or (c.before("and") and c.left[1:2] == ("wear",)):
        return "rip"
    if c.has(TEARFUL):
        return "eye"
    if c.after(*(RIP_NEXT - words("to from")), "in"):
        return "rip"
    return "eye" if c.subject in BEFORE_NOUN or c.subject == "her" else "rip"


def tears(c: Context) -> str:
    singular = c.subject in SINGULAR_SUBJECTS - {"that", "which"} or c.subject in ("which", "that")
    if singular or (c.after("apart", "up", "off", "down", "through", "open", "his", "her", "it",
                            "at",
                           "the", "himself", "itself") and not c.has(TEARFUL - {"tears"})):
        return "rip" if (c.right and c.after(*RIP_NEXT)) or singular else "eye"
    torn = c.has(RIPPED - words("hole page knee paper shoulder dress injury"))
    return "rip" if torn and c.subject in ("muscle", "ligament", "two", "several", "small", "for",
                                           "some", "the") else "eye"


def minute(c: Context) -> str:
    if c.before("very", "so", "extremely", "too", "how", "incredibly", "equally", "rather", "most",
                "is", "are", "were", "more", "exceedingly", "relatively", "really", "quite",
                "almost") and (not c.right or c.after(
                    "and", ",", "that", "to", "but", "in", "compared", *TINY_NEXT)):
        return "tiny"
    return "tiny" if (c.after(*TINY_NEXT) and not c.before("a", "per", "every", "last")) or (
        c.before("a", "the", "in", "every") and c.after(*(TINY_NEXT - words(
            "change fish black white red hole size drops plants piece examination structure "
            "inspection doses cells sums")))) else "time"


def row(c: Context) -> str:
    if c.after("over", "about", "between", "among", "erupted", "broke", "with", "ensued") and (
            c.before("a", "the", "had", "an", *QUARREL)) and not c.after("of"):
        return "quarrel"
    if c.before(*(QUARREL - words("big public huge massive family"))):
        return "quarrel"
    if "row" in c.word.lower() and c.before("a") and c.left[1:2] in (
            ("had",), ("having",), ("have",), ("such",), ("heard",)) and not c.after("of", "to"):
        return "quarrel"
    return "line"


def sow(c: Context) -> str:
    if c.subject in MODALS or c.subject in SUBJECTS:
        return "plant"
    if c.has(PIG) and not c.after("the", "seeds", "their", "his"):
        return "pig"
    if (c.has(SEEDS) and not c.before("the", "a", "old",
                                      "wild")) or c.after(*DETERMINERS) or not c.left:
        return "plant"
    return "plant" if c.subject.endswith("s") or c.before("and", "farmers") else "pig"


def does(c: Context) -> str:
    herd = words("bucks fawns stags deer buck fawn antlers stag hunters herd hunted")
    if c.before("two", "three", "four", "several", "many", "young", "pregnant", "five", "six",
                "some") or (
            c.before("and", "the", "of") and c.has(herd) and not c.after("not", "n't", "he", "she",
                    "it")):
        return "deer"
    return "deer" if c.after("and") and c.right[1:2] in (("fawns",), ("bucks",), ("stags",
            )) else "do"


def number(c: Context) -> str:
    turned = c.before("grew", "growing", "getting", "got", "became", "becoming", "felt", "feel",
                      "feels",
                      "even", "went", "turned", "grow", "become", "feeling", "and") and (
        not c.right or c.after("and", "by", "with", "than", "from", "in", "as"))
    body = c.has(words("fingers toes hands feet cold legs lips arm leg face hand foot pain jaw "
                      "anesthetic gums numb"))
    return "numb" if turned and body and not c.after("of") else "count"


def polish(c: Context) -> str:
    if c.word.islower():
        return "shine"
    if not c.left and c.after(*DETERMINERS):
        return "shine"
    return "Poland" if c.word[0].isupper() else "shine"


def invalid(c: Context) -> str:
    person = c.before("an", "the", "a", "his", "her", "elderly", "old", "chronic", "permanent",
                      "wealthy",
                      "bedridden", "poor", "for", "helpless", "semi", "virtual", "confirmed",
                      "total",
                      "lifelong", "young", "my", "their", "partial")
    if person and (not c.right or c.after(
            "and", "who", "in", "for", "since", ",", "from", "was", "is", "by", "after", "with",
            "at",
            "needed", "needs", "lay", "sat", "had", "wife", "mother", "father", "sister", "husband",
            "brother", "daughter", "son", "child", "aunt", "chair", "diet", "carriage", "as",
            "soldiers", "lady", "until", "could", "would", "because", "whose", "parent",
            "parents")):
        return "void" if c.before("for", "the") and c.after("and", ",") and c.has(words(
            "law void null contract vote votes ballot")) else "person"
    return "void"


def axes(c: Context) -> str:
    lines = words("symmetry rotation coordinate coordinates x y z plot graph horizontal vertical "
                  "major "
                 "minor principal optical parallel perpendicular ellipse crystal orthogonal rotate "
                 "plane chart labels scale origin planets political steering drilling "
                 "cartesian rotational axis crystallographic spatial")
    tools = words("swords knives spears stone hand battle tools bronze polished chop wood picks "
                 "hammers saws flint shields throwing felling adzes hatchets iron weapons")
    return "lines" if c.has(lines) and not c.has(tools) else "tools"


def bases(c: Context) -> str:
    grounds = words("military army naval air troops soldiers baseball loaded acids stolen columns "
                    "pillars mountains dna first home run runs")
    return "plural of basis" if c.after("of", "for") and not c.has(grounds) else "grounds"


def sake(c: Context) -> str:
    if c.before("sake", "drank", "drink", "hot", "warm", "rice", "some", "serve", "served", "sip",
                "sipped",
                "cold", "drinking", "brew", "brewing", "japanese", "and", "premium") or c.after(
                    "brewery", "bar", "brewing", "cup", "cups", "bottle", "breweries", "bottles",
                    "rice"):
        return "drink"
    return "drink" if c.before("of") and c.left[1:2] in (
        ("cup",), ("cups",), ("bottle",), ("glass",), ("bottles",), ("barrels",)) else "purpose"


def capital(reading: str, other: str, hints: frozenset[str]) -> Callable[[Context], str]:
    """A name with a capital inside a sentence, beside words that hint at it."""
    def decide(c: Context) -> str:
        named = c.word[:1].isupper() and not c.word.isupper() and bool(c.left)
        return reading if named and (c.before(*hints) or c.after(*hints)) else other
    return decide


def town(c: Context) -> str:
    """Reading with a capital inside a sentence is the town, unless it is taught or done."""
    capital = c.word[:1].isupper() and not c.word.isupper() and bool(c.left)
    return "town" if capital and not c.after(*TAUGHT) else "read"


def sewer(c: Context) -> str:
    cloth = words("needle thread sewing seamstress quilts dresses stitches")
    return "person" if c.has(cloth) else "drain"


def mobile(c: Context) -> str:
    return "city" if c.word[0].isupper() and c.left and (
        c.right[:2] == (",", "alabama") or c.after("alabama", "bay")) else "moving"


def august(c: Context) -> str:
    grand = c.before("an", "most", "so", "these", "his", "their", "more") or c.after(
        "body", "assembly", "presence", "company", "personage", "institution", "senate")
    return "grand" if c.word.islower() and grand else "month"
