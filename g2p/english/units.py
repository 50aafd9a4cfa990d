"""Units behind numbers, their powers and rates, feet and inches."""
from __future__ import annotations

import re

from g2p.english.money import describes
from g2p.english.numbers import NUMBER
from g2p.english.rules import Rule, after, alternatives, before, rule

_PREFIXES = {"p": "pico", "n": "nano", "μ": "micro", "u": "micro", "m": "milli", "c": "centi",
             "d": "deci", "h": "hecto", "k": "kilo", "K": "kilo", "M": "mega", "G": "giga",
             "T": "tera", "P": "peta"}
# Symbol, name, prefixes it is used with; the bare symbol only where marked with "-".
_METRIC = (
    ("m", "meter", "-pnμumcdk"), ("g", "gram", "-nμumkM"), ("l", "liter", "-μumcdh"),
    ("L", "liter", "-μumcdh"), ("s", "second", "-pnμum"), ("Hz", "hertz", "-kMGT"),
    ("W", "watt", "-μumkMGT"), ("Wh", "watt hour", "-mkMGT"), ("V", "volt", "-μumkM"),
    ("A", "amp", "μumk"), ("Ah", "amp hour", "-mk"), ("J", "joule", "-mkMG"),
    ("N", "newton", "-mkM"), ("Pa", "pascal", "-hkMG"), ("F", "farad", "pnμum"),
    ("H", "henry", "nμum"), ("Ω", "ohm", "-mG"), ("eV", "electronvolt", "-kMGT"),
    ("mol", "mole", "-nμum"), ("M", "molar", "nμum"), ("cal", "calorie", "-k"),
    ("B", "byte", "kKMGTP"), ("bit", "bit", "-kMG"), ("bps", "bit per second", "-kKMGT"),
    ("Bps", "byte per second", "kMG"), ("bar", "bar", "m"), ("lm", "lumen", "-"),
    ("lx", "lux", "-"), ("rad", "radian", "-m"), ("cd", "candela", "-"), ("Bq", "becquerel", "-kM"),
    ("Sv", "sievert", "-mμu"), ("Gy", "gray", "-m"), ("px", "pixel", "-M"), ("pc", "parsec", "kM"),
    ("dB", "decibel", "-"), ("ha", "hectare", "-"), ("t", "ton", "-"), ("cc", "cubic centimeter",
                                                                        "-"))
_SAME = {"hertz", "lux", "hundredweight", "stone"}
_PLAIN = {
    "kph": "kilometer per hour", "kmh": "kilometer per hour", "mph": "mile per hour",
    "lb": "pound", "lbs": "pound", "oz": "ounce", "ozs": "ounce", "kΩ": "kilohm", "KΩ": "kilohm",
    "MΩ": "megohm",
    "fl oz": "fluid ounce", "fl. oz": "fluid ounce",
    "yd": "yard", "yds": "yard", "mi": "mile", "nmi": "nautical mile", "gal": "gallon",
    "qt": "quart", "qts": "quart", "pt": "pint", "pts": "point", "tsp": "teaspoon",
    "tsps": "teaspoon", "tbsp": "tablespoon", "tbsps": "tablespoon", "Tbsp": "tablespoon",
    "Tsp": "teaspoon", "c.": "cup",
    "pkg": "package", "pkgs": "package", "pc": "piece", "pcs": "piece", "VDC": "volt DC",
    "VAC": "volt AC", "dBm": "decibel milliwatt", "cwt": "hundredweight", "h": "hour", "hr": "hour",
    "hrs": "hour", "min": "minute", "mins": "minute", "sec": "second", "secs": "second",
    "wk": "week", "wks": "week", "mo": "month", "mos": "month", "yr": "year", "yrs": "year",
    "rpm": "revolution per minute", "bpm": "beat per minute", "fps": "frame per second",
    "mpg": "mile per gallon", "dpi": "dot per inch", "ppi": "pixel per inch",
    "ppm": "part per million", "ppb": "part per billion", "psi": "pound per square inch",
    "mmHg": "millimeter of mercury", "mm Hg": "millimeter of mercury", "inHg": "inch of mercury",
    "kbps": "kilobit per second", "mbps": "megabit per second", "gbps": "gigabit per second",
    "MiB": "mebibyte", "GiB": "gibibyte", "KiB": "kibibyte", "TiB": "tebibyte",
    "Mbit": "megabit", "Gbit": "gigabit", "kbit": "kilobit", "dBA": "decibel A",
    "kn": "knot", "kt": "knot", "kts": "knot", "mcg": "microgram", "IU": "international unit",
    "°C": "degree Celsius", "°F": "degree Fahrenheit", "° C": "degree Celsius",
    "° F": "degree Fahrenheit", "°": "degree", "¢": "cent", "doz": "dozen", "bbl": "barrel",
    "atm": "atmosphere", "sqft": "square foot", "sqm": "square meter",
    "mgd": "million gallon a day",
    "ft-lb": "foot pound", "lb-ft": "pound foot", "Nm": "newton meter", "N m": "newton meter",
    "ly": "light year", "AU": "astronomical unit", "BTU": "BTU", "Å": "angstrom",
}
_INVARIABLE = {"%": "percent", "‰": "per mille", "hp": "horsepower", "ft": "feet", "dozen": "dozen"}
_IRREGULAR = {"foot": "feet", "inch": "inches", "millihenry": "millihenries",
              "microhenry": "microhenries", "nanohenry": "nanohenries"}
_TWO_WORDS = {"sq": "square", "cu": "cubic"}
_SQUARED = {"ft": "foot", "in": "inch", "mi": "mile", "yd": "yard", "m": "meter", "km": "kilometer",
            "cm": "centimeter", "mm": "millimeter"}


def _plural(name: str) -> str:
    """meters per second, feet, megabits per second, hertz."""
    head, space, tail = name.partition(" per ") if " per " in name else name.partition(" of ") \
        if " of " in name else (name, "", "")
    first, _, last = head.rpartition(" ")
    if last.isupper() and first:        # volts DC, decibels A
        several = f"{first}s {last}"
    elif head.startswith("degree"):
        several = head.replace("degree", "degrees")
    elif last in _SAME or any(last.endswith(same) for same in _SAME):
        several = head
    else:
        several = f"{first} {_IRREGULAR.get(last, last + 's')}".strip()
    return several + space + tail


def _table() -> dict[str, str]:
    """Symbol -> name of one."""
    names = dict(_PLAIN)
    for symbol, unit, prefixes in _METRIC:
        for prefix in prefixes:
            names[("" if prefix == "-" else prefix) + symbol] = _PREFIXES.get(prefix, "") + unit
    for unit in ("mph", "kph", "km", "kg", "cm", "mm", "lb", "lbs", "oz", "ft", "rpm", "psi",
                 "bpm", "ml"):
        names[unit.upper()] = names.get(unit, "foot")
    names |= {"ft": "foot", "hp": "horsepower", "%": "percent", "‰": "per mille"}
    names |= {"in.": "inch"}
    for short, name in _TWO_WORDS.items():
        for unit, whole in _SQUARED.items():
            names |= {f"{short} {unit}": f"{name} {whole}", f"{short}. {unit}": f"{name} {whole}"}
    return names


UNITS = _table()
_UNCHANGED = {"percent", "per mille", "horsepower"}
_POWERS = {"2": "square", "3": "cubic"}
_POWERED = alternatives(_SQUARED | {"dm": "", "nm": "", "μm": "", "s": "", "ha": ""})
# What a rate may be counted by: $5/mo, 3 kg/person.
_PER = UNITS | {
    "d": "day", "ea": "each", "pp": "person", "person": "person", "unit": "unit", "user": "user",
    "seat": "seat", "second": "second", "minute": "minute", "hour": "hour", "day": "day",
    "night": "night", "week": "week", "month": "month", "year": "year", "item": "item",
    "head": "head", "child": "child", "adult": "adult", "page": "page", "word": "word",
    "in": "inch", "w": "week", "y": "year", "mile": "mile", "gallon": "gallon", "pound": "pound",
    "kilo": "kilo", "liter": "liter", "litre": "litre", "m": "meter", "team": "team",
    "game": "game", "visit": "visit", "ticket": "ticket", "class": "class", "lesson": "lesson"}
for _wrong in ("°", "% ", "°C", "°F", "A"):
    _PER.pop(_wrong, None)
_PER["°C"] = "degree Celsius"
UNIT = alternatives(UNITS)
_NAMED_UNIT = rf"(?:{_POWERED})(?:\^?[23])(?!\d)|(?:{UNIT})"
_END = r"(?![\w^])"


def _name(symbol: str) -> str:
    """cm^3 -> cubic centimeter, kg -> kilogram."""
    if symbol in UNITS:
        return UNITS[symbol]
    base, power = re.sub(r"[\^23]+$", "", symbol), symbol[-1]
    return f"{_POWERS[power]} {UNITS.get(base) or _SQUARED.get(base, base)}"


def several(name: str, one: bool) -> str:
    return name if one or name in _UNCHANGED else _plural(name)


def _rate(symbols: str) -> str:
    """/h -> per hour, /m^3 -> per cubic meter, /s^2 -> per second squared."""
    spoken = ""
    for symbol in re.split(r"\s?/\s?", symbols)[1:]:
        name = _PER.get(symbol) or _name(symbol)
        if symbol.rstrip("^2") == "s" and symbol != "s":
            name = "second squared"
        spoken += f" {name}" if name == "each" else f" per {name}"
    return spoken


_INITIALS = {"N", "L", "W", "V", "J", "A"}


def _unit(match: re.Match[str]) -> str:
    """The unit in words, behind the number as it stands."""
    number, symbol, rate = match[1], match[2], match[3]
    if symbol in _INITIALS and re.match(r"\.?\s[A-Z]", after(match, 3)):
        return match[0]
    if symbol == "pt" and float(number.replace(",", "")) > 4:
        symbol = "pts"
    head = before(match, 8)
    top = re.search(r"(?<!\d\s)(?<!\d)(\d+)/$", head)
    part = top is not None and int(top[1]) < float(number.replace(",", ""))
    one = (number == "1" and not head.endswith(("/", "."))) or part or describes(match)
    if match[0][len(number)] == "-" and re.match(r"\s[a-z]", after(match, 2)):
        one = True
    return f"{number} {several(_name(symbol), one)}{_rate(rate) if rate else ''} "


def _measure(match: re.Match[str]) -> str:
    """a 12' x 10' room -> twelve foot by ten foot."""
    whole = re.findall(rf"({NUMBER}(?:\s\d/\d)?|\d+/\d+)\s?(['\"])", match[0])
    one = describes(match)
    names = {"'": ("feet", "foot"), '"': ("inches", "inch")}
    return " by ".join(f"{number} {names[mark][one]}" for number, mark in whole)


def _feet_inches(match: re.Match[str]) -> str:
    """6'2 -> six feet two."""
    return f"{match[1]} {'foot' if match[1] == '1' else 'feet'} {match[2]} "


def _feet(match: re.Match[str]) -> str:
    """5' tall -> five feet tall; the mark stays where it closes a quotation."""
    if re.search(r"(?<!\w)'(?=\w)[^']{0,60}$", before(match, 60)):
        return match[0]
    return f"{match[1]} {'foot' if match[1] == '1' or describes(match) else 'feet'}"


def _inches(match: re.Match[str]) -> str:
    """27" -> 27 inches, unless the mark closes a quotation."""
    quoted = False
    for mark in re.finditer(r'(\d?)"', before(match, 300)):
        quoted = not quoted and not mark[1]
    if quoted:
        return match[0]
    number = match[1].strip()
    one = number == "1" or ("/" in number and " " not in number) or describes(match)
    return f"{number} {'inch' if one else 'inches'}"


INCHES = rule(rf"(?<![\w.,/])((?:\d{{1,3}}\s)?\d{{1,3}}/\d{{1,3}}|{NUMBER})\s?\"", _inches)
_PER_POWER = "m|cm|mm|km|s|min|h|L|l|ml|mL|kg|g|mol|K|W|day|yr|J|Hz"
_EACH = rf"(?:{NUMBER}|\d+/\d+)\s?['\"]"
LENGTH_RULES: tuple[Rule, ...] = (
    rule(r"°\s?(\d{1,2})'(?:\s?(\d{1,2}(?:\.\d+)?)\")?", lambda m: f"° {m[1]} minutes" + (
        f" {m[2]} seconds" if m[2] else "")),
    rule(rf"(?<![\w.,/]){_EACH}(?:\s?[x×]\s?{_EACH}){{1,2}}", _measure),
    rule(r"(?<![\w.,/])(\d{1,3})'[\s-]?(\d{1,2}(?:\.\d+)?(?:\s?\d/\d)?)(?:\"|'')?(?![\w'])",
         _feet_inches),
    rule(rf"(?<![\w.,/])({NUMBER})'\s?-\s?({NUMBER})'(?!\w)", lambda m: f"{m[1]} to {m[2]} feet"),
    rule(rf"(?<![\w.,/])({NUMBER})\"\s?-\s?({NUMBER})\"(?!\w)",
         lambda m: f"{m[1]} to {m[2]} inches"),
    rule(r"(?<![\w.,])(\d{1,2})\s?h\s?([0-5]?\d)\s?m(?!\w)", lambda m: f"{m[1]} h {m[2]} min"),
    rule(r"(?<![\w.,])(\d{1,2})\s?m\s?([0-5]?\d)\s?s(?!\w)", lambda m: f"{m[1]} min {m[2]} s"),
    rule(r"(?<![\w.,])((?:[2-9]|1\d|2[02-9]) )st\b(?!\.)", lambda m: m[1] + "stone"),
    # 10 m s^-1, 5 mol L^-1: a rate
    rule(rf"(?<=[A-Za-zΩ°])\s({_PER_POWER})\^-([123])(?!\d)",
         lambda m: f"/{m[1]}" + (f"^{m[2]}" if m[2] > "1" else "")),
    rule(rf"(?<![\w.,])({NUMBER})\s(kg|g|N|J|W|Pa|A|kN|kW)\s(m|s)\^([23])(?![\w^])",
         lambda m: f"{m[1]} {UNITS[m[2]]} {several(_name(m[3] + m[4]), False)}"),
    rule(rf"(?<![\w.,/])({NUMBER})'(?=[\s.,;:!?)-]|$)", _feet),
)
_LONG = alternatives(unit for unit in UNITS if unit.isalpha() and len(unit) > 1)
# Units without a number.
BARE_RULES: tuple[Rule, ...] = (
    rule(r"(?<![\w/.,-])(?<!\d\s)(?<!per\s)(km|cm|mm|ft|mi|yd)\^?([23])(?!\w)",
         lambda m: several(_name(m[1] + m[2]), False)),
    rule(r"(?<![\w/.,])(?<!\d\s)(?<!per\s)(m|km|ft|kg|g|mg)((?:/(?:s|h|L|ml|cm|m|"
         r"kg)(?:\^[23])?){1,2})(?!\w)",
         lambda m: several(UNITS[m[1]], False) + _rate(m[2])),
)
_DETERMINED = "the|a|an|his|her|their|its|my|our|this|that|favou?r|total|all|every|each"
_STOP = r"(?:\.(?=\s+[a-z\d(]|\s?[,;:)]))?"
RULES: tuple[Rule, ...] = (
    rule(rf"(?<![\w.,])({NUMBER})\s?A(?=\s(?:fuse|circuit|breaker|current|charger|supply|socket|"
         rf"max)\b)",
         lambda m: f"{m[1]} amp"),
    rule(rf"(?<![\w.,])({NUMBER})\s?T(?=\s(?:magnets?|fields?|MRI|M R I|scanners?)\b)",
         lambda m: f"{m[1]} tesla"),
    rule(rf"(?<![\w.,])({NUMBER})\sK(?=[.,;)]|$|\s(?:and|to|at|in|or)\b)",
         lambda m: f"{m[1]} kelvin"),
    *BARE_RULES,
    rule(rf"\b((?:hundred|thousand|million|billion|trillion)\s)({_LONG}|m|g|t|L|W)(\^?[23])?(?![\w^/'])",
         lambda m: m[1] + several(_name(m[2] + (m[3] or "")), False)),
    rule(rf"\bper\s({_LONG})\b(?!\^)", lambda m: f"per {UNITS[m[1]]}"),
    rule(r"(?<=\d\s)(ft\.?|feet|foot)\s(\d{1,2})\sin\b\.?", lambda m: f"{m[1]} {m[2]} inches"),
    rule(r"(?<=\d\s)in\.(?=\s(?:wide|long|tall|high|deep|thick|in|of|by|x|and|or|from|per)\b)|"
         r"(?<=\d\s)in(?=\.?\s?[x×]\s?\d)|(?<=\d\s)in(?=\s?[,;)]|\.?$)", "inches"),
    rule(r"(?<=\d)in(?!\w)", " inches"),
    rule(rf"\b([Aa]n?\s(?:\d+\s)?\d+[/.]\d+\s)in\s(?!(?:{_DETERMINED})\b)(?=[a-z])",
         lambda m: m[1] + "inch "),
    rule(rf"(?<![\w.,])({NUMBER})[ -]?({_NAMED_UNIT})((?:\s?/\s?(?:{_POWERED})(?:\^?[23])"
         rf"(?!\w)|\s?/\s?(?:{alternatives(_PER)})(?![\w^])){{1,2}})?(?![\w^/])(?!\^)"
         rf"{_STOP}", _unit),
    rule(rf"(?<=[.,/])({NUMBER})[ -]?({_NAMED_UNIT}){_END}(/\w+(?!\w))?(?!/){_STOP}", _unit),
    rule(rf"\b(per)\s({_POWERED})\^?([23])(?!\w)",
         lambda m: f"{m[1]} {_name(m[2] + m[3])}"),
    rule(rf"(?<=\w)(\s?/\s?(?:{alternatives(_PER)}))(?![\w^]){_STOP}", lambda m: (
        _rate(m[1]) if _quantity(m) else m[0])),
)
_MEASURED = re.compile(r"(?:\d|\b(?:dollars?|euros?|pounds?|pence|cents?|rupees?|francs?|yen|"
                       r"million|billion|thousand|meters?|kilometers?|kilograms?|grams?|"
                       r"liters?|hours?|people|times|calories|points|words|pages))$")


def _quantity(match: re.Match[str]) -> bool:
    """Whether what stands before a slash is counted: five dollars/month, not he/she."""
    return bool(_MEASURED.search(before(match, 12)))
