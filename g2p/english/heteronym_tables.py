"""Words that are written alike and said apart: their readings in espeak's phoneme mnemonics."""
from __future__ import annotations

# word, as a noun or adjective, as a verb, and which of the two without evidence ("n" or "v")
_PAIRS = """
abuse a#bj'u:s a#bj'u:z n
abstract 'abstrakt a#bstr'akt n
addict 'adIkt a#d'Ikt n
advocate 'adv@k@t 'adv@k,eIt n
affiliate a#f'IlI@t a#f'IlI2;,eIt n
aggregate 'agrI2g@t 'agrI2g,eIt n
ally 'alaI a#l'aI n
alternate 'O:lt3n@t 'O:lt3n,eIt n
animate 'anIm@t 'anI2m,eIt n
appropriate a#pr'oUprI;@t a#pr'oUprI2;,eIt n
approximate a#pr'0ksIm@t a#pr'0ksIm,eIt n
articulate A@t'IkjUl@t A@t'IkjUl,eIt n
associate a#s'oUsI@t a#s'oUsI2;,eIt n
attribute 'atrIbj,u:t a#tr'Ibju:t n
attributes 'atrIbj,u:ts a#tr'Ibju:ts n
close kl'oUs kl'oUz n
combine k'0mbaIn k@mb'aIn v
compact k'0mpakt k@mp'akt n
compound k'0mpaUnd k@mp'aUnd n
compress k'0mprEs k@mpr'Es v
conduct k'0ndVkt k@nd'Vkt n
confines k'0nfaInz k@nf'aInz n
conflict k'0nflIkt k@nfl'Ikt n
conscript k'0nskrIpt k@nskr'Ipt n
console k'0nsoUl k@ns'oUl n
construct k'0nstrVkt k@nstr'Vkt v
consummate k'0ns@m@t k'0ns@m,eIt n
contest k'0nt2Est k@nt'Est n
contract k'0ntrakt k@ntr'akt n
contrast k'0ntraast k@ntr'aast n
converse k'0nv3:s k@nv'3:s v
convert k'0nv3:t k@nv'3:t v
convict k'0nvIkt k@nv'Ikt n
coordinate koU'O@dI#n@t koU'O@dI2n,eIt v
decrease d'i:kri:s dI#kr'i:s v
defect d'i:fEkt dI#f'Ekt n
degenerate dI#dZ'En3r@t dI#dZ'En3r,eIt n
delegate d'ElI2g@t d'ElI2g,eIt n
deliberate dI#l'Ib3r@t dI#l'Ib3r,eIt n
desert d'Ez3t dI#z'3:t n
deserts d'Ez3ts dI#z'3:ts n
deviate d'i:vI@t d'i:vI2,eIt v
diffuse dI#fj'u:s dI#fj'u:z n
digest d'aIdZEst daIdZ'Est v
discard d'IskA@d dI2sk'A@d v
discharge d'IstSA@dZ dI2stS'A@dZ n
document d'0kju:m@nt d'0kju:m,Ent n
duplicate d'u:plI#k@t d'u:plI#k,eIt n
elaborate I#l'abr@t I#l'ab3r,eIt n
entrance 'Entr@ns Entr'aans n
escort 'EskO@t Esk'O@t n
estimate 'EstI#m@t 'EstI#m,eIt n
excuse Ekskj'u:s Ekskj'u:z n
exploit 'EksplOIt Ekspl'OIt v
export 'Ekspo@t Eksp'o@t n
extract 'Ekstrakt Ekstr'akt v
ferment f'3:mEnt f3:m'Ent v
fragment fr'agm@nt fragm'Ent n
frequent fr'i:kw@nt frI#kw'Ent n
graduate gr'adZu:@t gr'adZu:,eIt n
house h'aUs h'aUz n
implant 'Implant Impl'ant n
implement 'ImplIm@nt 'ImplIm,Ent v
import 'Impo@t Imp'o@t n
imprint 'ImprInt Impr'Int n
incense 'InsEns Ins'Ens n
incline 'INklaIn INkl'aIn n
increase 'INkri:s INkr'i:s n
increment 'INkrIm@nt 'INkrIm,Ent n
initiate In'ISI2@t In'ISI2;,eIt v
insert 'Ins3:t Ins'3:t v
insult 'InsVlt Ins'Vlt n
intern 'Int3:n Int'3:n n
intimate 'IntI#m@t 'IntI#m,eIt n
intrigue 'Intri:g Intr'i:g n
invert 'Inv3:t Inv'3:t v
invite 'InvaIt Inv'aIt v
isolate 'aIs@l@t 'aIs@l,eIt v
laminate l'amI#n@t l'amI#n,eIt n
misuse mI2sj'u:s mI2sj'u:z n
moderate m'0d3r@t m'0d3r,eIt n
mouth m'aUT m'aUD n
object '0bdZEkt @bdZ'Ekt n
overthrow 'oUv3Tr,oU ,oUv3Tr'oU v
perfect p'3:fEkt p3f'Ekt n
perfume p'3:fju:m p3fj'u:m n
permit p'3:mIt p3m'It v
pervert p'3:v3t p3v'3:t n
postulate p'O2stSUl@t p'O2stSUl,eIt v
precipitate prIs'IpI#t@t prIs'IpI#t,eIt v
predicate pr'EdI#k@t pr'EdI#k,eIt n
present pr'Ez@nt prIz'Ent n
proceeds pr'oUsi:dz pr@s'i:dz n
produce pr'oUdu:s pr@d'u:s v
progress pr'0grEs pr@gr'Es n
project pr'0dZEkt pr@dZ'Ekt n
protest pr'oUt2Est pr@t'Est n
rebel r'Eb@L rI#b'El n
recall r'i:kO:l rI#k'O:l v
record r'Ek3d rI#k'o@d n
recount r'i:kaUnt rI#k'aUnt v
refill r'i:fIl ri:f'Il v
refund r'i:fVnd rI#f'Vnd n
refuse r'Efju:s rI#fj'u:z v
reject r'i:dZEkt rI#dZ'Ekt v
remake r'i:meIk ri:m'eIk n
reprint r'i:prInt ri:pr'Int n
resume r'Ez@m,eI rI#z'u:m v
retake r'i:teIk ri:t'eIk v
rewrite r'i:raIt ri:r'aIt v
segment s'Egm@nt sEgm'Ent n
separate s'Ep@-r@t s'Ep3r,eIt n
subject s'VbdZEkt s@bdZ'Ekt n
subordinate sVb'o@dI#n@t sVb'o@dI#n,eIt n
supplement s'VplIm@nt s'VplIm,Ent n
survey s'3:veI s3v'eI n
suspect s'VspEkt s@sp'Ekt n
syndicate s'IndI#k@t s'IndI#k,eIt n
torment t'o@mEnt to@m'Ent n
transfer tr'ansf3: transf'3: n
transform tr'ansfO@m transf'O@m v
transplant tr'ansplaant transpl'aant n
transport tr'anspo@t transp'o@t n
update 'VpdeIt Vpd'eIt n
upgrade 'VpgreId Vpgr'eId n
upset 'VpsEt Vps'Et v
use j'u:s j'u:z n
"""
_SPECIAL: dict[str, dict[str, str]] = {
    "read": {"base": "r'i:d", "past": "r'Ed"},
    "lead": {"metal": "l'Ed", "guide": "l'i:d"},
    "live": {"adjective": "l'aIv", "verb": "l'Iv"},
    "lives": {"noun": "l'aIvz", "verb": "l'Ivz"},
    "wind": {"air": "w'Ind", "turn": "w'aInd"},
    "winds": {"air": "w'Indz", "turn": "w'aIndz"},
    "wound": {"hurt": "w'u:nd", "turned": "w'aUnd"},
    "bass": {"music": "b'eIs", "fish": "b'as"},
    "bow": {"knot": "b'oU", "bend": "b'aU"},
    "bows": {"knot": "b'oUz", "bend": "b'aUz"},
    "bowed": {"knot": "b'oUd", "bend": "b'aUd"},
    "bowing": {"knot": "b'oUIN", "bend": "b'aUIN"},
    "tear": {"eye": "t'i@3", "rip": "t'e@"},
    "tears": {"eye": "t'i@3z", "rip": "t'e@z"},
    "minute": {"time": "m'InIt", "tiny": "maIn'u:t"},
    "row": {"line": "r'oU", "quarrel": "r'aU"},
    "rows": {"line": "r'oUz", "quarrel": "r'aUz"},
    "sow": {"plant": "s'oU", "pig": "s'aU"},
    "sows": {"plant": "s'oUz", "pig": "s'aUz"},
    "dove": {"bird": "d'Vv", "dived": "d'oUv"},
    "does": {"do": "", "deer": "d'oUz"},
    "number": {"count": "", "numb": "n'Vm3"},
    "polish": {"shine": "p'0lIS", "Poland": "p'oUlIS"},
    "invalid": {"void": "Inv'alId", "person": "'Inv@lId"},
    "moped": {"bike": "m'oUpEd", "sulked": "m'oUpt"},
    "content": {"matter": "k'0ntEnt", "pleased": "k@nt'Ent"},
    "contents": {"matter": "k'0ntEnts", "pleased": "k@nt'Ents"},
    "aged": {"years": "'eIdZd", "old": "'eIdZI#d"},
    "blessed": {"verb": "bl'Est", "holy": "bl'EsI#d"},
    "learned": {"verb": "l'3:nd", "wise": "l'3:nI#d"},
    "axes": {"tools": "'aksI#z", "lines": "'aksi:z"},
    "bases": {"grounds": "b'eIsI#z", "plural of basis": "b'eIsi:z"},
    "buffet": {"meal": "b@f'eI", "strike": "b'VfI2t"},
    "sake": {"purpose": "s'eIk", "drink": "s'A:ki"},
    "august": {"month": "'O:g@st", "grand": "O:g'Vst"},
    "job": {"work": "dZ'0b", "Bible": "dZ'oUb"},
    "reading": {"read": "r'i:dIN", "town": "r'EdIN"},
    "nice": {"kind": "n'aIs", "city": "n'i:s"},
    "used": {"verb": "j'u:zd", "habit": "j'u:st"},
    "sewer": {"drain": "s'u:3", "person": "s'oU3"},
    "shower": {"rain": "", "person": "S'oU3"},
    "tower": {"building": "", "puller": "t'oU3"},
    "lather": {"foam": "", "worker": "l'aaT3"},
    "putting": {"put": "p'UtIN", "golf": "p'VtIN"},
    "mobile": {"moving": "", "city": "moUb'i:l"},
    "rose": {"flower": "", "name": ""},
}


def _sibilant(phones: str) -> bool:
    return phones.endswith(("s", "z", "S", "Z"))


def _s(phones: str) -> str:
    """The plural or third person of a reading: s, z or a syllable more."""
    if _sibilant(phones):
        return phones + "I#z"
    return phones + ("s" if phones[-1] in "ptkfT" else "z")


PAIRS: dict[str, dict[str, str]] = {}
VERBS: set[str] = set()     # verbs unless something says otherwise
for _line in _PAIRS.strip().splitlines():
    _word, _noun, _verb, _default = _line.split()
    PAIRS[_word] = {"noun": _noun, "verb": _verb}
    if _default == "v":
        VERBS.add(_word)
    if not _word.endswith("s") or _word in ("compress", "progress"):
        PAIRS.setdefault(_word + ("es" if _word.endswith("s") else "s"),
                         {"noun": _s(_noun), "verb": _s(_verb)})
PAIRS["abuses"], PAIRS["uses"] = (
    {"noun": "a#bj'u:sI#z", "verb": "a#bj'u:zI#z"}, {"noun": "j'u:sI#z", "verb": "j'u:zI#z"})
PAIRS["closes"] = {"noun": "kl'oUzI#z", "verb": "kl'oUzI#z"}
PAIRS["houses"] = {"noun": "h'aUzI#z", "verb": "h'aUzI#z"}
PAIRS["mouths"] = {"noun": "m'aUDz", "verb": "m'aUDz"}
VERBS.add("uses")
PAIRS.pop("appropriates"), PAIRS.pop("frequents")
# Adjectives first of all: verbs only where much speaks for it.
ADJECTIVES = frozenset(["appropriate", "separate", "animate", "diffuse", "subordinate", "alternate",
                        "moderate", "deliberate", "elaborate", "articulate", "approximate",
                        "intimate", "frequent", "present", "perfect", "consummate", "degenerate",
                        "compact", "abstract", "duplicate", "coordinate", "precipitate",
                        "aggregate", "subject"])
SPECIAL = {word: readings for word, readings in _SPECIAL.items() if any(readings.values())}
READINGS: dict[str, dict[str, str]] = PAIRS | SPECIAL
