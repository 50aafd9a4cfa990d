"""What stands around a word of a sentence, and whether that makes it a verb."""
from __future__ import annotations

import re
from dataclasses import dataclass

_PART = re.compile(r"[\w']+|[.,?!;:()\"]|-")
_REACH = 160     # characters to either side


@dataclass(frozen=True)
class Context:
    """A word in its sentence, all in lower case but `word`.

    Attributes:
        word: as it is written.
        left: what stands before it in its sentence, the nearest first; marks are words too.
        right: what stands behind it.
    """

    word: str
    left: tuple[str, ...]
    right: tuple[str, ...]

    @classmethod
    def of(cls, text: str, start: int, end: int) -> Context:
        """The context of text[start:end]."""
        left = _PART.findall(text[max(0, start - _REACH):start].lower())
        right = _PART.findall(text[end:end + _REACH].lower())
        for i in range(len(left) - 1, -1, -1):
            if left[i] in ".?!;:":
                left = left[i + 1:]
                break
        for i, part in enumerate(right):
            if part in ".?!;:":
                right = right[:i]
                break
        return cls(text[start:end], tuple(w for w in reversed(left) if w != '"'),
                   tuple(w for w in right if w != '"'))

    def before(self, *words: str) -> bool:
        """Whether the word just before is one of these."""
        return bool(self.left) and self.left[0] in words

    def after(self, *words: str) -> bool:
        """Whether the word just behind is one of these."""
        return bool(self.right) and self.right[0] in words

    def has(self, words: frozenset[str]) -> bool:
        """Whether any of these stands in the sentence."""
        return not words.isdisjoint(self.left) or not words.isdisjoint(self.right)

    @property
    def subject(self) -> str:
        """The word before it, adverbs left out; "" at the start."""
        for word in self.left:
            if word not in ADVERBS and not (word.endswith("ly") and word not in NOT_ADVERBS):
                return word
        return ""


def words(text: str) -> frozenset[str]:
    """A set of words out of a line of them."""
    return frozenset(text.split())


ADVERBS = words("""also never always often not then still even now just only soon already again
quickly sometimes seldom rarely usually ever really actually simply first once later perhaps maybe
all both each either thus therefore further furthermore instead please better best long
currently""")
NOT_ADVERBS = words("family fly ally only july reply supply italy early daily weekly monthly "
                    "yearly "
                   "friendly lovely lonely likely ugly holy silly elderly assembly jelly bully "
                   "emily sally kelly molly polly billy likely anomaly monopoly belly")
MODALS = words("""to will would can could shall should may might must do does did don't doesn't
didn't can't cannot couldn't won't wouldn't shouldn't mustn't needn't i'll you'll he'll she'll we'll
they'll it'll i'd you'd he'd she'd we'd they'd let's lets help helps helped let dare gonna wanna
needn't mightn't shan't who'll that'll""")
SUBJECTS = words("i you we they who")
SINGULAR_SUBJECTS = words("he she it who which that this everyone nobody everybody somebody "
                          "someone "
                         "anyone anybody")
BEFORE_NOUN = words("""the a an my your his its our their no any some every these those this of in
on at by for with from into onto through without against between among during under over about after
before within across near upon per via as whose another other such several many much more most less
few fewer own same new old good bad great big small high low first second third last next single
double former latter current main major minor public private early late long short two three four
five six seven eight nine ten hundred thousand million dozen one total what which whatever young
free full human strong best worst better worse real true false open due mere like than until
towards toward off behind beyond despite except including world national international local
special annual ex dead little tiny white black red green blue dark empty poor rich dear
special annual recent famous common popular foreign big-time track school police army state
is was are were be been being am""")
DETERMINERS = words("the a an my your his its our their these those this that it them him me us "
                   "some any every all both themselves himself herself itself myself yourself "
                   "ourselves each another no her everything everyone something nothing anything")
BE = words("is was are were be been being am isn't wasn't aren't weren't 's 're it's that's he's "
          "she's they're we're you're i'm")
AFTER_NOUN = words("""of is was are were has had have will would could can may might should shall
must does did isn't wasn't aren't weren't hasn't hadn't won't can't ,""")
_QUESTION = words("do does did may can could will would shall should must might didn't don't "
                  "doesn't")
_SEVERAL = words("two three four five six seven eight nine ten many several few")
_PERCEIVE = words("hear heard see saw seen watch watched watching feel felt hearing seeing let "
                  "make "
                  "made help helped notice noticed")
_DEFINITE = words("the my your his her its our their this that these those me him us them it you")
_PREPOSITIONS = words("on in at with by for from to against over about and or but , when if")
_SOME = words("some many most few all both others these those police staff")
ADJECTIVE = re.compile(r"[a-z]{2,}(?:al|ic|ive|ous|able|ible|ful|less|ary|ish|ical|ant)$")
_NOT_ADJECTIVE = words("want animal hospital capital festival table arrive give live receive "
                       "animals "
                      "music public journal official enable believe professional serve fish finish "
                      "establish publish wish republic drive achieve plant grant")
_NOT_PLURAL = re.compile(r"(?:ss|us|is|'s)$")


def verbal(context: Context, inclined: float) -> bool:
    """Whether a word that may be a noun or a verb is a verb here.

    inclined is how far it is a verb by itself: above 0 a verb, below 0 none, where nothing around
    it decides.
    """
    score, verb_first = inclined, inclined > 0
    subject, following = context.subject, context.right[0] if context.right else ""
    second = context.right[1] if len(context.right) > 1 else ""
    plural = context.word.lower().endswith("s") and not context.word.lower().endswith("ss")
    if subject in _SOME and following in DETERMINERS and following not in ("that", "this", "those"):
        return True
    if subject in _SEVERAL and inclined > -1. and not plural and not _compound(context):
        return True         # the two contrast sharply
    left = _from_left(context, subject, plural)
    if inclined < -1. and left < 3. and following not in DETERMINERS:
        return False        # subject to, all those present
    score += left / 4 if verb_first and -1. < left < 0. else left
    if following in DETERMINERS and not (following in ("that", "all", "both") and score < 0):
        score += 2.
    elif following in ("of",):
        score -= 3.
    elif following in AFTER_NOUN:
        score -= 1.5
    elif following in ("to", "by", "from", "with", "in", "on", "at", "for", "and", "or", "as"):
        score -= .3
        score += 1. if following in ("to", "from", "with") and second in DETERMINERS and not (
            context.left) else 0.
    elif following == "against" and not context.left:
        score += 1.
    elif not following:
        score -= .3
    elif following.endswith("ly") and following not in NOT_ADVERBS:
        score += 1.
    return score > 0


def _from_left(context: Context, subject: str, plural: bool) -> float:
    """How far what stands before the word speaks for a verb (above 0) or a noun (below)."""
    if not subject:
        return .3 if not plural else -.5
    if subject == "to" and context.left[1:2] and context.left[1] in (
            "low", "mild", "minor", "weak", "light", "small", "slow", "due", "according", "thanks"):
        return -4.
    if subject in ("them", "both", "others", "half") and not plural:
        return 2.5 if context.right else 0.
    if inverted(context, subject) or perceived(context, subject):
        return 4.
    if asked(context, subject):
        return 2.
    if subject in MODALS:
        return -2. if plural and subject == "to" else 5.
    if subject in SUBJECTS and (not plural or subject == "who"):
        return 4.
    if subject in SINGULAR_SUBJECTS and subject not in ("this", "it", "that", "which"):
        return 4. if plural else -.5
    if subject == "that" or subject == "which":
        antecedent = context.left[1] if len(context.left) > 1 else ""
        return 3. if plural or _is_plural(antecedent) else -3.
    if subject in ("it", "this"):
        return 3. if plural and subject == "it" else -3. if subject == "this" else -.5
    if subject == "her" or subject.endswith("'s") or subject.endswith("s'"):
        return -3.
    if subject in BEFORE_NOUN or subject.isdigit():
        return -4.
    if subject in ("and", "or", "but", ","):
        return _after_joint(context)
    if ADJECTIVE.match(subject) and subject not in _NOT_ADJECTIVE:
        return -2.5
    if subject.endswith(("ed", "ing")):
        return -1.5
    if _is_plural(subject):
        return 2. if not plural else -.5
    return -.8 if not plural else .4


def _is_plural(word: str) -> bool:
    return (word.endswith("s") and len(word) > 3 and not _NOT_PLURAL.search(word)) or word in (
        "people", "men", "women", "children", "police", "they", "we", "those")


def inverted(context: Context, subject: str) -> bool:
    """did she record, long may she live."""
    return subject in SINGULAR_SUBJECTS | SUBJECTS and context.left[1:2] != () and (
        context.left[1] in _QUESTION)


def asked(context: Context, subject: str) -> bool:
    """Do fish live here, did the noise torment you: a question's verb behind its noun."""
    left = context.left
    return 1 < len(left) < 5 and left[-1] in _QUESTION and subject not in BEFORE_NOUN and (
        subject not in _QUESTION)


def perceived(context: Context, subject: str) -> bool:
    """She heard the door close: a verb behind what is heard, seen, made or helped."""
    left = context.left
    return subject not in BEFORE_NOUN and any(
        word in _PERCEIVE and left[i] in _DEFINITE for i, word in enumerate(left[1:4]) if i or (
            left[0] in ("me", "him", "her", "us", "them", "it", "you")))


def _compound(context: Context) -> bool:
    """Whether a noun may follow: two record labels."""
    following = context.right[0] if context.right else ""
    return bool(following) and not following.endswith("ly") and following not in (
        DETERMINERS | _PREPOSITIONS)


def _after_joint(context: Context) -> float:
    """to buy and record, and: the verb before the joint tells, if one is near."""
    near = context.left[1:6]
    if any(word in MODALS for word in near):
        return 2. if context.after(*DETERMINERS) or near[1:2] == ("to",) else .8
    return 0.
