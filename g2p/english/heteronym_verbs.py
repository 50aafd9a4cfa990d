"""Heteronyms with a reading that is a verb: one function a word, from its context to a reading."""
from __future__ import annotations

from g2p.english.context import (
    ADJECTIVE,
    BE,
    BEFORE_NOUN,
    DETERMINERS,
    MODALS,
    SINGULAR_SUBJECTS,
    SUBJECTS,
    Context,
    asked,
    inverted,
    perceived,
    verbal,
    words,
)
from g2p.english.heteronym_words import (
    AGED_NEXT,
    DIVED,
    GOOD,
    HABITS,
    HURT,
    KEPT_CLOSE,
    LEAD_NEXT,
    LIVE_NEXT,
    LIVE_VERB_NEXT,
    METALS,
    PAST_HINTS,
    ROLES,
    WAYS,
    WISE_NEXT,
    WOUND_NEXT,
    WOUND_THINGS,
)


def read(c: Context) -> str:
    subject = c.subject
    if subject in ("him", "her", "them", "me", "us") or inverted(c, subject) or not subject:
        return "base"       # made him read, did you read, please read
    if subject in MODALS or (subject in BEFORE_NOUN - BE and subject not in (
            "of", "by", "from", "after", "before", "until", "as", "than")):
        return "base"
    if subject in ("have", "has", "had", "having", "i've", "we've", "you've", "they've", "he's",
                   "she's",
                   "hasn't", "haven't", "hadn't", "get", "gets", "got", "well",
                   "widely") or subject in BE:
        return "past"
    near = c.left[:6]
    if c.left == ("who",):
        return "past"
    if any(w in ("have", "has", "had", "i've", "we've", "you've", "they've") for w in near):
        return "past"
    if not c.left:
        return "base"
    if subject in ("and", "or", ",", "then"):
        if any(w in MODALS - {"did", "could", "would"} for w in near):
            return "base"
        return "past" if c.has(PAST_HINTS) or _has_past(c) else "base"
    if subject in SUBJECTS or (subject.endswith("s") and not subject.endswith(("'s", "ss"))) or (
            subject in ("people", "children", "students", "men", "women")):
        return "past" if c.has(PAST_HINTS) or _has_past(c) else "base"
    if subject in GOOD and c.left[1:2] in (("a",), ("an",), ("the",)):
        return "base"       # a good read
    if c.after("by", "aloud") and subject not in SINGULAR_SUBJECTS:
        return "past"
    return "past"


def _has_past(c: Context) -> bool:
    return any(len(w) > 4 and w.endswith("ed") for w in (*c.left, *c.right)) or (
        "this morning" in " ".join(c.right))


def lead(c: Context) -> str:
    if (c.before("the") and c.right == ("out",)) or c.before("molten", "melted", "melt", "melting"):
        return "metal"
    following = c.right[1:2] if c.after("-") else c.right[:1]
    if following and following[0] in LEAD_NEXT and not (
            c.subject in MODALS or c.subject in SUBJECTS):
        return "metal"
    if c.subject in MODALS or c.subject in SUBJECTS or c.after(
            "to", "the", "singer", "role", "roles", "vocals", "guitar", "actor", "by", "us", "him",
            "author", "over", "character", "me", "them", "vocalist", "guitarist", "a", "an", "up"):
        return "guide"
    if c.before("white", "red", "pencil", "contains", "contained", "contain",
                "containing",
                "tetraethyl", "like", "poisonous"):
        return "metal"
    if not c.left and c.after("is", "was", "has", "can", "in", "and", "does", "poisoning"):
        return "metal"
    if c.before("of") and not c.after(*ROLES):
        return "metal"
    if c.before("of", "with", "as", "into", "from", "in") and not c.after("in", "of", ",",
            "character"):
        heavy = c.left[1:3]
        if heavy and heavy[0] in ("made", "heavy", "amounts", "amount", "tons", "pounds", "pieces",
                                  "levels", "sheets", "full", "lumps", "ton", "piece", "sheet",
                                  "lump",
                                  "traces", "bar", "bars", "lined", "filled", "covered", "ounces"):
            return "metal"
    alone = c.subject not in ("the", "a", "his", "her", "their", "my", "your", "our", "this",
                              "took",
                              "take", "early", "an")
    return "metal" if alone and c.has(METALS) and not c.after("in", "role") else "guide"


def live(c: Context) -> str:
    subject = c.subject
    if asked(c, subject):
        return "verb"
    if subject in MODALS or subject in SUBJECTS or (
            subject in ("he", "she", "it") and c.left[1:2] and c.left[1] in MODALS):
        return "verb"
    if c.before("people", "men", "women", "children", "families", "who", "that", "where", "which"):
        return "verb" if not c.after(*(LIVE_NEXT - {"from", "on", "at"})) else "adjective"
    if c.after("in"):
        plural = subject.endswith("s") and not subject.endswith(("ss", "us", "'s", "is", "was"))
        return "verb" if plural or subject in ("and", "or", "people", "") else "adjective"
    if c.after(*LIVE_NEXT):
        plural = subject.endswith("s") and subject not in BEFORE_NOUN and not subject.endswith(
            ("ss", "goes"))
        return "verb" if plural and c.after("at", "on", "from") else "adjective"
    if subject in BEFORE_NOUN or subject in ("performed", "recorded", "broadcast", "went", "go",
                                             "goes",
                                             "going", "streamed", "aired", "perform", "playing",
                                             "played", "shown", "televised", "sang", "her", "watch",
                                             "watched", "appear", "came", "coming", "sing",
                                             "filmed"):
        return "adjective"
    if c.after(*LIVE_VERB_NEXT):
        return "verb"
    if not c.left:
        return "verb" if not c.right or c.after(*DETERMINERS) else "adjective"
    return "verb" if subject.endswith("s") or subject in ("and", "or") else "adjective"


def deserts(c: Context) -> str:
    """just deserts are said as the verb is."""
    return "verb" if c.before("just") or verbal(c, -.5) else "noun"


def lives(c: Context) -> str:
    subject = c.subject
    if ADJECTIVE.match(subject):
        return "noun"
    if subject in BEFORE_NOUN - {"which", "what"} or subject in (
            "her", "save", "saved", "saving", "lost", "lose", "daily", "cost", "costs", "nine",
            "people's", "changed", "change", "changing", "ruined", "endanger", "lived", "spent",
            "everyday", "past", "personal", "risk", "risked", "risking", "take", "claimed", "and",
            "claim", "taking", "live", "many", "private", "day") or subject.endswith("'s"):
        return "noun" if subject != "and" or not c.after("in", "with", "near") else "verb"
    if c.after("of", "were", "are", "had", "have") and subject not in SINGULAR_SUBJECTS:
        return "noun"
    return "verb" if c.left else "noun"


def wind(c: Context) -> str:
    subject = c.subject
    if subject.rstrip("s") in WAYS and not c.after("speed", "power"):
        return "turn"
    helped = subject in ("me", "him", "us", "them") and c.left[1:2] and c.left[1] in MODALS
    if helped or (subject in MODALS and subject != "let") or subject in SUBJECTS:
        return "air" if c.before("to") and (not c.right or c.after(
            "and", "or", "power", "speed", "direction", "energy", "turbines", ",")) else "turn"
    if subject in BEFORE_NOUN:
        return "air"
    if c.after("up", "down", "through", "around", "round", "along", "its", "their", "your") and (
            subject.endswith("s") or not c.left or subject in ("and", "or", ",")):
        return "turn"
    return "turn" if not c.left and c.after(*DETERMINERS) else "air"


def winds(c: Context) -> str:
    if c.subject in WAYS:
        return "turn"
    if c.subject in BEFORE_NOUN and c.subject not in ("which", "as"):
        return "air"
    if c.after("its", "his", "her", "their", "through", "around", "round", "along", "up", "down",
               "back",
               "past", "between", "across", "uphill", "upward", "into"):
        return "turn" if not (c.left and (c.left[0].endswith("s") or c.before(",",
                "and"))) else "air"
    return "turn" if c.subject in ("he", "she") else "air"


def wound(c: Context) -> str:
    subject = c.subject
    if c.has(HURT) and not c.after(*WOUND_NEXT):
        return "hurt"
    if subject in BEFORE_NOUN - BE or subject in ("her", "gunshot", "head", "flesh", "stab",
                                                  "bullet"):
        return "turned" if c.after("up", "around") and subject not in BEFORE_NOUN else "hurt"
    if subject in MODALS:
        return "hurt"
    if c.after(*WOUND_NEXT) or c.before("tightly", "loosely", "closely"):
        return "turned"
    return "turned" if c.has(WOUND_THINGS) else "hurt"


def dove(c: Context) -> str:
    if c.before("the", "a", "white", "turtle", "mourning", "of", "ring", "rock", "peace", "and",
                "an",
                "gray", "grey", "collared", "little", "like", "as", "this", "one", "stock",
                "ground",
                "beautiful", "wild", "spotted", "diamond", "laughing", "first", "second"):
        conjoined = c.before("and") and c.after("into", "for", "under", "down", "off")
        return "dived" if conjoined else "bird"
    return "dived" if c.left and c.after(*DIVED) else "bird"


def resume(c: Context) -> str:
    if c.subject in MODALS or c.subject in SUBJECTS:
        return "verb"
    noun = c.subject in BEFORE_NOUN or c.subject in ("her", "send", "submit", "updated",
                                                     "impressive")
    return "noun" if noun or c.subject.endswith("'s") or c.subject.endswith("ed") else "verb"


def moped(c: Context) -> str:
    if c.subject in SUBJECTS or c.subject in SINGULAR_SUBJECTS - {"this", "that", "it"}:
        return "sulked"
    sulked = c.after("around", "about", "all", "because", "silently", "alone", "for")
    noun = not {"a", "the", "his", "her", "my", "their", "an"}.isdisjoint(c.left[:3])
    return "sulked" if sulked and c.left and not noun else "bike"


def content(c: Context) -> str:
    if c.before("heart's", "hearts") or (c.after("with") and ((c.left and c.subject in BE) or
                                                              c.before(
            "quite", "perfectly", "not", "seemed", "felt", "more", "very", "so", "less", "entirely",
            "be"))):
        return "pleased"
    if c.after("to", "myself", "himself", "themselves", "herself", "yourself", "ourselves") and (
            c.subject in BE or c.subject in MODALS or c.before("not", "seemed", "perfectly",
                                                               "quite")):
        return "pleased"
    if c.before("happy", "and") and c.left[1:2] in (("happy",), ("calm",), ("healthy",), ("safe",)):
        return "pleased"
    if (c.subject in BE or c.before("feel", "feels", "felt", "looked", "seemed", "seems", "sounded",
                                    "perfectly", "quite", "truly", "fully")) and (
            not c.right or c.after("and", ",", "in", "just", "as", "at", "here", "now", "living")):
        return "pleased"
    return "matter"


def aged(c: Context) -> str:
    if c.before("the", "an", "his", "her", "my", "their", "our", "your", "and", "for", "of") and (
            c.after(*AGED_NEXT) or (c.before("the") and (not c.right or c.after("in", "are",
                    "need")))):
        return "old"
    return "years"


def blessed(c: Context) -> str:
    if c.after("with", "by", "him", "them", "us", "me", "her", "the", "his", "their",
               "and") and not (
            c.before("the", "that", "every")):
        return "verb" if c.left else "holy"
    if c.before("the", "that", "every", "this", "my", "o", "most", "a", "whole", "single", "our"):
        return "holy"
    return "holy" if not c.left and c.after("are", "be", "is", "virgin", "mary", "art") else "verb"


def learned(c: Context) -> str:
    return "wise" if c.after(*WISE_NEXT) and (c.subject in BEFORE_NOUN or c.before("most",
            "very")) else "verb"


def buffet(c: Context) -> str:
    verb = (c.subject in MODALS or c.subject.endswith("s")) and c.after(*DETERMINERS)
    return "strike" if verb else "meal"


def close(c: Context) -> str:
    """The adjective ends in s; the verb and the end of something in z."""
    if perceived(c, c.subject):
        return "verb"
    if not c.right and not c.before("a", "the") and not KEPT_CLOSE.isdisjoint(c.left[:4]):
        return "noun"       # keep them close
    if c.subject in MODALS and not (c.before("to") and c.after("friends", "family", "relatives",
                                                               "range",
                                                               "to", "quarters", "combat", "ties")):
        return "verb"
    if c.before("the", "a", "its", "market", "day's") and (not c.right or c.after(
            "of", ",", "with", "and", "on", "in")) and not c.before("so", "too"):
        return "verb"
    if c.after("to", "by", "enough", "together", "behind", "up", "friend", "friends", "call",
               "range",
               "relationship", "look", "attention", "ties", "proximity", "second", "contact"):
        return "noun" if not (c.subject in SUBJECTS and not c.after("to")) else "verb"
    return "verb" if verbal(c, -1.) else "noun"


def upset(c: Context) -> str:
    return "noun" if c.before("an", "the", "major", "big", "stomach", "biggest", "huge", "this",
                              "stunning",
                              "shock", "another", "greatest", "a", "minor",
                              "surprise") and not c.after(
        "man", "woman", "child", "customer", "stomach", "about", "by", "that") else "verb"


def used(c: Context) -> str:
    """I used to swim, but a knife used to cut bread."""
    if not c.after("to"):
        return "verb"
    done, subject = (*c.right[1:2], "")[0], c.subject
    if subject in BE or subject in ("get", "got", "gets", "getting", "become", "became"):
        accustomed = done in DETERMINERS or done.endswith("ing") or not done
        return "habit" if accustomed else "verb"
    of_it = c.left[2:3] and c.left[2] in ("the", "this", "all", "any", "some", "those", "methods")
    if subject in SUBJECTS or subject in ("he", "she", "it", "there", "this", "everyone"):
        return "verb" if of_it and done not in HABITS else "habit"
    return "habit" if done in HABITS else "verb"


def putting(c: Context) -> str:
    return "golf" if c.after("green", "greens",
                             "stroke") or c.has(words("golf golfer golfing")) else "put"
