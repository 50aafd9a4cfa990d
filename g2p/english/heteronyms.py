"""Which reading of a heteronym a sentence asks for: rules by word, else noun or verb by context."""
from __future__ import annotations

import re
from collections.abc import Callable

from g2p.english.context import (
    ADVERBS,
    BE,
    BEFORE_NOUN,
    DETERMINERS,
    MODALS,
    SINGULAR_SUBJECTS,
    SUBJECTS,
    Context,
    verbal,
)
from g2p.english.heteronym_tables import PAIRS, READINGS, SPECIAL, VERBS
from g2p.english.rules import alternatives

_WORD = re.compile(rf"(?<![\w'-])(?:{alternatives(READINGS)})(?![\w])", re.IGNORECASE)


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PAST_HINTS = _set("""yesterday ago last was were had did earlier once already then when after before
until later said told asked went came saw thought felt knew took gave made got found left wrote
began heard sat stood loved liked enjoyed laughed smiled cried stopped looked turned opened closed
finished wanted didn't wasn't couldn't wouldn't could morning evening aloud previously recently
ninety eighty seventy childhood nineteen""")
_METALS = _set("""zinc copper tin mercury arsenic cadmium silver iron steel nickel antimony chromium
metal metals toxic mining ore ores gold aluminum aluminium poisoning asbestos smelting molten
melted alloy brass bronze uranium heavy lead-free mines smelter plumbing solder""")
_LEAD_NEXT = _set("""pipe pipes paint paints poisoning acid bullet bullets weight weights ore ores mine
mines glass crystal shot smelter smelters smelting oxide apron aprons foil solder contamination
exposure levels ions isotopes compound compounds sinker sinkers sheet sheets lined ball balls
pellets sulfide carbonate acetate nitrate chromate dust mining roof roofs coffin content balloon
glaze cable plate plates soldiers toys vest blocks brick bricks deposits salts iodide azide
concentration concentrations plumbing free miners based pencil pencils""")
_LIVE_NEXT = _set("""music album albums show shows concert concerts performance performances
broadcast broadcasts stream streams streaming video videos version versions tv television audience
audiences ammunition wire wires band bands event events recording recordings coverage action
animals bait birth births births chat commentary entertainment feed fire football game games
grenade load oak online performance performer recordings rounds radio report set sets shows sport
sports stock stage studio tracks track tour tours updates virus wires dvd cd session sessions
footage cattle fish food bacteria cells plants bees theatre theater act acts lounge debut rail
from on at via""")
_LIVE_VERB_NEXT = _set("""here there near alone together by among happily up through longer forever
life under without next off long with out again outside abroad apart at around about well and
where across past inside underwater like just within close far downstairs upstairs until""")
_WOUND_NEXT = _set("up down around round through its their his her my our your along back about into "
                   "across past between among toward towards upwards upward downwards over tightly "
                   "slowly tight on")
_WOUND_THINGS = _set("""clock watch spring rope thread wool yarn string bandage scarf wire cable tape
film turban hose coil coils chain window handle toy bobbin reel ball line cloth road river path
trail stream staircase procession ribbon vine tightly loosely""")
_HURT = _set("knife bullet blood bleeding healed heal gunshot stab nurse doctor hospital soldiers "
             "injury infected fatal mortal pain")
_FISH = _set("""fish fishing fished fisherman fishermen caught catch catches catching striped
largemouth smallmouth lake lakes river pond grilled fillet fillets trout angler anglers bait lure
lures perch pike cooked fried species boat recipe rod cod salmon sea rock reel hook hooked fishery
tournament stocked walleye crappie sunfish bluegill catfish carp tuna reservoir baked roasted
spawn freshwater chilean pounds ate eat shrimp stream swim swam net""")
_ARCHERY = _set("""arrow arrows archer archers archery string tie tied ties hair ribbon ribbons violin
fiddle cello knot quiver gift hunting hunter wrapped drew bowstring crossbow compound recurve
strings shoot dress lace longbow hunters viola tying shoelaces silk pink shot waist rosin
weapon neck bunt rainbow compound spear spears sword""")
_SHIP = _set("""ship ships boat boats vessel stern port starboard deck hull anchor waves sailor sailors
sailed thruster thrusters yacht canoe captain iceberg torpedo submarine destroyer cruiser ferry
aft raft navy mast keel rowed sank sinking crew rower oars bridge guns prow""")
_TEARFUL = _set("""eye eyes cheek cheeks cried crying weep wept wiped wipe shed shedding sad face rolled
fell brushed burst sobbing welled streaming joy grief rolling single salty laughter dry dried
brought bring trickled tissue lashes smile funeral goodbye tears baby wet""")
_RIPPED = _set("""jacket sail shirt coat dress fabric cloth paper muscle ligament meniscus rotator cuff
acl knee pants trousers curtain curtains tent skirt sleeve jeans hole seam page canvas tendon
hamstring calf net bag wear aortic retinal cartilage stitch stitches sewed sewn mend mended
repair repaired patch patched achilles groin shoulder injury""")
_RIP_NEXT = _set("down up apart off into out through open away along it them his her my your our "
                 "their the at this that these those a us me him to from across itself himself "
                 "themselves loose free around")
_TINY_NEXT = _set("""particles particle amount amounts detail details quantity quantities traces
trace differences difference changes change fraction fractions holes hole insects insect crystals
crystal organisms organism hairs hair size scale doses dose examination inspection attention
spots spot pieces piece teeth variation variations flowers flower fragments fragment fish
creatures creature scales seeds seed grains grain drops droplets black white red yellow green
brown specks print portion percentage print shells shell plants animals structures structure
islands bubbles cracks crack spines dark""")
_QUARREL = _set("blazing heated furious bitter flaming terrible angry big public huge massive "
                "almighty diplomatic political domestic family almighty drunken stand-up nasty")
_PIG = _set("""piglet piglets pig pigs boar boars litter farrow farrowed pen sty suckling breeding
farmer hog hogs fat pregnant nursing mud snout trough grunted weaned swine farrowing bacon barn
gilts gilt teats udder snorted""")
_SEEDS = _set("seed seeds corn wheat crops crop seeds discord confusion doubt oats grain reap reaped "
              "soil spring garden field fields dissension beans grass lawn vegetables carrots")
_DIVED = _set("into in under down for off beneath through back deep from headfirst straight overboard "
              "behind to toward towards across after right again and below on deeper left head")
_AGED_NEXT = _set("man woman men women people person parents parent mother father care couple dog cat "
                  "king relative relatives patient patients widow gentleman lady farmer monk poet "
                  "and population professor aunt uncle grandmother grandfather priest emperor")
_WISE_NEXT = _set("man men woman scholar scholars friend society societies journal journals professor "
                  "professors judge judges doctor people debate discussion lady gentleman counsel "
                  "rabbi monk lawyer author treatise essay article paper profession professions")
_HABIT = frozenset(BE)

Rule = Callable[[Context], str]


def _read(c: Context) -> str:
    subject = c.subject
    if subject in MODALS or subject in BEFORE_NOUN - BE and subject not in (
            "of", "by", "from", "after", "before", "until", "as", "than"):
        return "base"
    if subject in ("have", "has", "had", "having", "i've", "we've", "you've", "they've", "he's", "she's",
                   "hasn't", "haven't", "hadn't", "get", "gets", "got", "well", "widely") or subject in BE:
        return "past"
    near = c.left[:6]
    if any(w in ("have", "has", "had", "i've", "we've", "you've", "they've") for w in near):
        return "past"
    if not c.left:
        return "base"
    if subject in ("and", "or", ",", "then"):
        if any(w in MODALS - {"did", "could", "would"} for w in near):
            return "base"
        return "past" if c.has(_PAST_HINTS) or _has_past(c) else "base"
    if subject in SUBJECTS or subject.endswith("s") and not subject.endswith(("'s", "ss")) or (
            subject in ("people", "children", "students", "men", "women")):
        return "past" if c.has(_PAST_HINTS) or _has_past(c) else "base"
    if c.after("by", "aloud") and subject not in SINGULAR_SUBJECTS:
        return "past"
    return "past"


def _has_past(c: Context) -> bool:
    return any(len(w) > 4 and w.endswith("ed") for w in (*c.left, *c.right))


def _lead(c: Context) -> str:
    if c.after("-"):
        following = c.right[1:2]
    else:
        following = c.right[:1]
    if following and following[0] in _LEAD_NEXT and not (
            c.subject in MODALS or c.subject in SUBJECTS):
        return "metal"
    if c.subject in MODALS or c.subject in SUBJECTS or c.after(
            "to", "the", "singer", "role", "roles", "vocals", "guitar", "actor", "by", "us", "him",
            "author", "over", "character", "me", "them", "vocalist", "guitarist", "a", "an", "up"):
        return "guide"
    if c.before("molten", "white", "red", "melted", "contains", "contained", "contain", "containing",
                "tetraethyl", "like", "poisonous"):
        return "metal"
    if c.before("of", "with", "as", "into", "from", "in") and not c.after("in", "of", ",", "character"):
        heavy = c.left[1:3]
        if heavy and heavy[0] in ("made", "heavy", "amounts", "amount", "tons", "pounds", "pieces",
                                  "levels", "sheets", "full", "lumps", "ton", "piece", "sheet", "lump",
                                  "traces", "bar", "bars", "lined", "filled", "covered", "ounces"):
            return "metal"
    alone = c.subject not in ("the", "a", "his", "her", "their", "my", "your", "our", "this", "took",
                              "take", "early", "an")
    return "metal" if alone and c.has(_METALS) and not c.after("in", "role") else "guide"


def _live(c: Context) -> str:
    subject = c.subject
    if subject in MODALS or subject in SUBJECTS:
        return "verb"
    if c.before("people", "men", "women", "children", "families", "who", "that", "where", "which"):
        return "verb" if not c.after(*(_LIVE_NEXT - {"from", "on", "at"})) else "adjective"
    if c.after("in"):
        plural = subject.endswith("s") and not subject.endswith(("ss", "us", "'s", "is", "was"))
        return "verb" if plural or subject in ("and", "or", "people", "") else "adjective"
    if c.after(*_LIVE_NEXT):
        plural = subject.endswith("s") and subject not in BEFORE_NOUN and not subject.endswith("ss")
        return "verb" if plural and c.after("at", "on", "from") else "adjective"
    if subject in BEFORE_NOUN or subject in ("performed", "recorded", "broadcast", "went", "go", "goes",
                                             "going", "streamed", "aired", "perform", "playing",
                                             "played", "shown", "televised", "sang", "her", "watch",
                                             "watched", "appear", "came", "coming", "sing", "filmed"):
        return "adjective"
    if c.after(*_LIVE_VERB_NEXT):
        return "verb"
    if not c.left:
        return "verb" if not c.right or c.after(*DETERMINERS) else "adjective"
    return "verb" if subject.endswith("s") or subject in ("and", "or") else "adjective"


def _lives(c: Context) -> str:
    subject = c.subject
    if subject in BEFORE_NOUN - {"which", "what"} or subject in (
            "her", "save", "saved", "saving", "lost", "lose", "daily", "cost", "costs", "nine",
            "people's", "changed", "change", "changing", "ruined", "endanger", "lived", "spent",
            "everyday", "past", "personal", "risk", "risked", "risking", "take", "claimed", "and",
            "claim", "taking", "live", "many", "private", "day") or subject.endswith("'s"):
        return "noun" if subject != "and" or not c.after("in", "with", "near") else "verb"
    if c.after("of", "were", "are", "had", "have") and subject not in SINGULAR_SUBJECTS:
        return "noun"
    return "verb" if c.left else "noun"


def _wind(c: Context) -> str:
    subject = c.subject
    if (subject in MODALS and subject != "let") or subject in SUBJECTS:
        return "air" if c.before("to") and (not c.right or c.after(
            "and", "or", "power", "speed", "direction", "energy", "turbines", ",")) else "turn"
    if subject in BEFORE_NOUN:
        return "air"
    if c.after("up", "down", "through", "around", "round", "along", "its", "their", "your") and (
            subject.endswith("s") or not c.left or subject in ("and", "or", ",")):
        return "turn"
    return "turn" if not c.left and c.after(*DETERMINERS) else "air"


def _winds(c: Context) -> str:
    if c.subject in BEFORE_NOUN and c.subject not in ("which", "as"):
        return "air"
    if c.after("its", "his", "her", "their", "through", "around", "round", "along", "up", "down", "back",
               "past", "between", "across", "uphill", "upward", "into"):
        return "turn" if not (c.left and (c.left[0].endswith("s") or c.before(",", "and"))) else "air"
    return "turn" if c.subject in ("he", "she") else "air"


def _wound(c: Context) -> str:
    subject = c.subject
    if c.has(_HURT) and not c.after(*_WOUND_NEXT):
        return "hurt"
    if subject in BEFORE_NOUN - BE or subject in ("her", "gunshot", "head", "flesh", "stab", "bullet"):
        return "turned" if c.after("up", "around") and subject not in BEFORE_NOUN else "hurt"
    if subject in MODALS:
        return "hurt"
    if c.after(*_WOUND_NEXT) or c.before("tightly", "loosely", "closely"):
        return "turned"
    return "turned" if c.has(_WOUND_THINGS) else "hurt"


def _bass(c: Context) -> str:
    if c.after("guitar", "drum", "drums", "player", "line", "lines", "clef", "and", "voice", "solo",
               "clarinet", "guitarist", "notes", "note", "part", "singer") and not c.has(
                   _FISH - _set("sea rock stream catch net reel")):
        return "music"
    return "fish" if c.has(_FISH - _set("rock stream net reel hook boat tournament species pounds")) or (
        c.before("sea", "rock", "black", "white", "striped", "spotted") and not c.after("guitar")) else "music"


def _bow(c: Context) -> str:
    if c.after("tie", "ties", "window", "legged", "string", "strings", "hunting", "street", "saw") or (
            c.after("-") and c.right[1:2] in (("tie",), ("ties",), ("legged",))):
        return "knot"
    if c.has(_ARCHERY) and not c.after("to", "down", "before", "out"):
        return "knot"
    if c.after("down", "before", "out", "wave", "thruster", "thrusters", "section", "gun", "ramp", "door",
               "doors", "wow", "anchor", "politely", "deeply", "low", "slightly") or c.has(_SHIP):
        return "bend"
    if c.subject in MODALS or c.subject in SUBJECTS or (c.after("to") and c.before("must")):
        return "bend"
    if any(w in _set("take took takes taking taken make made makes gave give gives give curtain final deep "
                     "low slight polite graceful formal courtly stiff little takes stage last applause "
                     "respectful mock gallant solemn gracious humble") for w in c.left[:4]):
        return "bend"
    if not c.left and (c.after("to", "your", "and", "his", "her") or not c.right):
        return "bend"
    return "bend" if c.after("to", "and") and (c.subject.endswith("s") or c.before("and")) else "knot"


def _bowed(c: Context) -> str:
    return "knot" if c.has(_set("string instrument instruments violin cello legs psaltery lyre "
                                "strings wood shelf")) else "bend"


def _tear(c: Context) -> str:
    if c.after("gas", "duct", "ducts", "drop", "drops", "stained", "jerker", "film", "glands", "gland",
               "shaped", "streaked", "rolled", "fell", "trickled", "ran", "slid") or (
                   c.after("-") and c.right[1:2] not in (("off",), ("down",), ("resistant",), ("away",))):
        return "eye"
    if c.subject in MODALS or c.subject in SUBJECTS:
        return "rip" if c.right and not c.after("up", "gas") or not c.has(_TEARFUL) else "rip"
    if c.has(_RIPPED) or c.before("and") and c.left[1:2] == ("wear",):
        return "rip"
    if c.has(_TEARFUL):
        return "eye"
    if c.after(*(_RIP_NEXT - _set("to from")), "in"):
        return "rip"
    return "eye" if c.subject in BEFORE_NOUN or c.subject == "her" else "rip"


def _tears(c: Context) -> str:
    singular = c.subject in SINGULAR_SUBJECTS - {"that", "which"} or c.subject in ("which", "that")
    if singular or c.after("apart", "up", "off", "down", "through", "open", "his", "her", "it", "at",
                           "the", "himself", "itself") and not c.has(_TEARFUL - {"tears"}):
        return "rip" if c.right and c.after(*_RIP_NEXT) or singular else "eye"
    return "rip" if c.has(_RIPPED - _set("hole page knee paper shoulder dress injury")) and c.subject in (
        "muscle", "ligament", "two", "several", "small", "for", "some", "the") else "eye"


def _minute(c: Context) -> str:
    if c.before("very", "so", "extremely", "too", "how", "incredibly", "equally", "rather", "most",
                "is", "are", "were", "more", "exceedingly", "relatively", "really", "quite", "almost"):
        if not c.right or c.after("and", ",", "that", "to", "but", "in", "compared", *_TINY_NEXT):
            return "tiny"
    return "tiny" if c.after(*_TINY_NEXT) and not c.before("a", "per", "every", "last") or (
        c.before("a", "the", "in", "every") and c.after(*(_TINY_NEXT - _set(
            "change fish black white red hole size drops plants piece examination structure "
            "inspection")))) else "time"


def _row(c: Context) -> str:
    if c.after("over", "about", "between", "erupted", "broke", "with", "ensued") and (
            c.before("a", "the", "had", "an", *_QUARREL)) and not c.after("of"):
        return "quarrel"
    if c.before(*(_QUARREL - _set("big public huge massive family"))):
        return "quarrel"
    if "row" in c.word.lower() and c.before("a") and c.left[1:2] in (
            ("had",), ("having",), ("have",), ("such",), ("heard",)) and not c.after("of", "to"):
        return "quarrel"
    return "line"


def _sow(c: Context) -> str:
    if c.subject in MODALS or c.subject in SUBJECTS:
        return "plant"
    if c.has(_PIG) and not c.after("the", "seeds", "their", "his"):
        return "pig"
    if c.has(_SEEDS) and not c.before("the", "a", "old", "wild"):
        return "plant"
    return "pig" if c.subject in BEFORE_NOUN or c.before("her") else "plant"


def _dove(c: Context) -> str:
    if c.before("the", "a", "white", "turtle", "mourning", "of", "ring", "rock", "peace", "and", "an",
                "gray", "grey", "collared", "little", "like", "as", "this", "one", "stock", "ground",
                "beautiful", "wild", "spotted", "diamond", "laughing", "first", "second"):
        conjoined = c.before("and") and c.after("into", "for", "under", "down", "off")
        return "dived" if conjoined else "bird"
    return "dived" if c.left and c.after(*_DIVED) else "bird"


def _does(c: Context) -> str:
    herd = _set("bucks fawns stags deer buck fawn antlers stag hunters herd hunted")
    if c.before("two", "three", "four", "several", "many", "young", "pregnant", "five", "six", "some") or (
            c.before("and", "the", "of") and c.has(herd) and not c.after("not", "n't", "he", "she", "it")):
        return "deer"
    return "deer" if c.after("and") and c.right[1:2] in (("fawns",), ("bucks",), ("stags",)) else "do"


def _number(c: Context) -> str:
    turned = c.before("grew", "growing", "getting", "got", "became", "becoming", "felt", "feel", "feels",
                      "even", "went", "turned", "grow", "become", "feeling", "and") and (
        not c.right or c.after("and", "by", "with", "than", "from", "in", "as"))
    body = c.has(_set("fingers toes hands feet cold legs lips arm leg face hand foot pain jaw "
                      "anesthetic gums numb"))
    return "numb" if turned and body and not c.after("of") else "count"


def _polish(c: Context) -> str:
    if c.word.islower():
        return "shine"
    if not c.left and c.after(*DETERMINERS):
        return "shine"
    return "Poland" if c.word[0].isupper() else "shine"


def _invalid(c: Context) -> str:
    person = c.before("an", "the", "a", "his", "her", "elderly", "old", "chronic", "permanent", "wealthy",
                      "bedridden", "poor", "for", "helpless", "semi", "virtual", "confirmed", "total",
                      "lifelong", "young", "my", "their", "partial")
    if person and (not c.right or c.after(
            "and", "who", "in", "for", "since", ",", "from", "was", "is", "by", "after", "with", "at",
            "needed", "needs", "lay", "sat", "had", "wife", "mother", "father", "sister", "husband",
            "brother", "daughter", "son", "child", "aunt", "chair", "diet", "carriage", "as",
            "soldiers", "lady", "until", "could", "would", "because", "whose", "parent", "parents")):
        return "void" if c.before("for", "the") and c.after("and", ",") and c.has(_set(
            "law void null contract vote votes ballot")) else "person"
    return "void"


def _resume(c: Context) -> str:
    if c.subject in MODALS or c.subject in SUBJECTS:
        return "verb"
    noun = c.subject in BEFORE_NOUN or c.subject in ("her", "send", "submit", "updated", "impressive")
    return "noun" if noun or c.subject.endswith("'s") or c.subject.endswith("ed") else "verb"


def _moped(c: Context) -> str:
    person = c.subject in SUBJECTS or c.subject in SINGULAR_SUBJECTS
    if c.subject in BEFORE_NOUN - {"just"}:
        return "bike"
    sulked = c.after("around", "about", "all", "because", "over", "for", "in", "at", "and") or not c.right
    return "sulked" if person or (sulked and c.subject and c.subject not in ("ride", "rode", "drove")) else "bike"


def _content(c: Context) -> str:
    if c.before("heart's", "hearts") or c.after("with") and (c.left and c.subject in BE or c.before(
            "quite", "perfectly", "not", "seemed", "felt", "more", "very", "so", "less", "entirely", "be")):
        return "pleased"
    if c.after("to", "myself", "himself", "themselves", "herself", "yourself", "ourselves") and (
            c.subject in BE or c.subject in MODALS or c.before("not", "seemed", "perfectly", "quite")):
        return "pleased"
    if c.before("happy", "and") and c.left[1:2] in (("happy",), ("calm",), ("healthy",), ("safe",)):
        return "pleased"
    if (c.subject in BE or c.before("feel", "feels", "felt", "looked", "seemed", "seems", "sounded",
                                    "perfectly", "quite", "truly", "fully")) and (
            not c.right or c.after("and", ",", "in", "just", "as", "at", "here", "now", "living")):
        return "pleased"
    return "matter"


def _aged(c: Context) -> str:
    if c.before("the", "an", "his", "her", "my", "their", "our", "your", "and", "for", "of") and (
            c.after(*_AGED_NEXT) or (c.before("the") and (not c.right or c.after("in", "are", "need")))):
        return "old"
    return "years"


def _blessed(c: Context) -> str:
    if c.after("with", "by", "him", "them", "us", "me", "her", "the", "his", "their", "and") and not (
            c.before("the", "that", "every")):
        return "verb" if c.left else "holy"
    if c.before("the", "that", "every", "this", "my", "o", "most", "a", "whole", "single", "our"):
        return "holy"
    return "holy" if not c.left and c.after("are", "be", "is", "virgin", "mary", "art") else "verb"


def _learned(c: Context) -> str:
    return "wise" if c.after(*_WISE_NEXT) and (c.subject in BEFORE_NOUN or c.before("most", "very")) else "verb"


def _axes(c: Context) -> str:
    lines = _set("symmetry rotation coordinate coordinates x y z plot graph horizontal vertical major "
                 "minor principal optical parallel perpendicular ellipse crystal orthogonal rotate "
                 "plane chart labels scale origin two three planets political steering drilling "
                 "cartesian rotational axis crystallographic spatial")
    tools = _set("swords knives spears stone hand battle tools bronze polished chop wood picks "
                 "hammers saws flint shields throwing felling adzes hatchets iron weapons")
    return "lines" if c.has(lines) and not c.has(tools) else "tools"


def _bases(c: Context) -> str:
    basis = c.after("of", "for") and not c.has(_set("military army naval air troops soldiers baseball "
                                                    "loaded acids stolen columns pillars mountains"))
    return "plural of basis" if basis and not c.has(_set("dna first home run runs"))else "grounds"


def _buffet(c: Context) -> str:
    verb = (c.subject in MODALS or c.subject.endswith("s")) and c.after(*DETERMINERS)
    return "strike" if verb else "meal"


def _sake(c: Context) -> str:
    if c.before("sake", "drank", "drink", "hot", "warm", "rice", "some", "serve", "served", "sip", "sipped",
                "cold", "drinking", "brew", "brewing", "japanese", "and", "premium") or c.after(
                    "brewery", "bar", "brewing", "cup", "cups", "bottle", "breweries", "bottles", "rice"):
        return "drink"
    return "drink" if c.before("of") and c.left[1:2] in (
        ("cup",), ("cups",), ("bottle",), ("glass",), ("bottles",), ("barrels",)) else "purpose"


def _capital(reading: str, other: str, hints: frozenset[str]) -> Rule:
    """A name with a capital inside a sentence, beside words that hint at it."""
    def decide(c: Context) -> str:
        named = c.word[:1].isupper() and not c.word.isupper() and bool(c.left)
        return reading if named and (c.before(*hints) or c.after(*hints)) else other
    return decide


def _used(c: Context) -> str:
    if not c.after("to"):
        return "verb"
    done = c.right[1:2]
    tool = c.subject in BE and done and c.before("is", "are", "was", "were", "be", "been", "being") and (
        done[0] not in DETERMINERS and not done[0].endswith("ing"))
    return "verb" if tool or c.before("commonly", "often", "widely", "mainly", "also", "only", "then",
                                      "which", "method", "methods", "term") else "habit"


def _sewer(c: Context) -> str:
    return "person" if c.has(_set("needle thread sewing seamstress quilts dresses stitches")) else "drain"


def _putting(c: Context) -> str:
    return "golf" if c.after("green", "greens", "stroke") or c.has(_set("golf golfer golfing")) else "put"


def _mobile(c: Context) -> str:
    return "city" if c.word[0].isupper() and c.left and (
        c.right[:2] == (",", "alabama") or c.after("alabama", "bay")) else "moving"


def _august(c: Context) -> str:
    return "grand" if c.word.islower() else "month"


_PLACE = _set("in from to near at , england berkshire pennsylvania station festival university fc gaol")
_RULES: dict[str, Rule] = {
    "read": _read, "lead": _lead, "live": _live, "lives": _lives, "wind": _wind, "winds": _winds,
    "wound": _wound, "bass": _bass, "bow": _bow, "bows": _bow, "bowed": _bowed, "bowing": _bowed,
    "tear": _tear, "tears": _tears, "minute": _minute, "row": _row, "rows": _row, "sow": _sow,
    "sows": _sow, "dove": _dove, "does": _does, "number": _number, "polish": _polish,
    "invalid": _invalid, "moped": _moped, "content": _content, "contents": lambda c: "matter",
    "aged": _aged, "blessed": _blessed, "learned": _learned, "axes": _axes, "bases": _bases,
    "buffet": _buffet, "sake": _sake, "august": _august, "used": _used, "sewer": _sewer,
    "putting": _putting, "mobile": _mobile, "resume": _resume,
    "job": _capital("Bible", "work", _set("of book like patience and")),
    "reading": _capital("town", "read", _PLACE),
    "nice": _capital("city", "kind", _set("in from to near of , france and"))}


def reading(text: str, start: int, end: int) -> str:
    """The name of the reading of the heteronym text[start:end], e.g. "past" or "verb"."""
    context, word = Context.of(text, start, end), text[start:end].lower()
    if word in _RULES:
        return _RULES[word](context)
    return "verb" if verbal(context, word in VERBS or word.rstrip("s") in VERBS) else "noun"


def heteronyms(text: str) -> list[tuple[int, int, str]]:
    """(start, end, mnemonics) of each heteronym whose phones espeak must be told."""
    found = []
    for match in _WORD.finditer(text):
        phones = READINGS[match[0].lower()].get(reading(text, match.start(), match.end()), "")
        if phones:
            found.append((match.start(), match.end(), phones))
    return found


assert not set(_RULES) - set(READINGS), "a rule without readings"
__all__ = ["ADVERBS", "PAIRS", "SPECIAL", "heteronyms", "reading"]
