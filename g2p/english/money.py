"""Sums of money."""
from __future__ import annotations

import re

from g2p.english.numbers import NUMBER, spell, words
from g2p.english.rules import Rule, after, alternatives, before, rule

_DOLLAR, _PESO = ("dollar", "dollars", "cent", "cents"), ("peso", "pesos", "centavo", "centavos")
_KRONA = ("krona", "kronor", "öre", "öre")
_KRONE = ("krone", "kroner", "øre", "øre")
_YUAN = ("yuan", "yuan", "fen", "fen")
_FRANC, _CENT = ("Swiss franc", "Swiss francs", "centime", "centimes"), ("cent", "cents", "", "")
_RINGGIT = ("ringgit", "ringgit", "sen", "sen")


def _dollars(of: str) -> tuple[str, str, str, str]:
    return f"{of} dollar", f"{of} dollars", "cent", "cents"


# one, several, hundredth, hundredths
CURRENCIES = {
    "$": _DOLLAR, "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"), "¥": ("yen", "yen", "sen", "sen"),
    "₹": ("rupee", "rupees", "paisa", "paise"), "₩": ("won", "won", "jeon", "jeon"),
    "₽": ("ruble", "rubles", "kopek", "kopeks"), "₺": ("lira", "lira", "kurush", "kurush"),
    "₪": ("shekel", "shekels", "agora", "agorot"), "₫": ("dong", "dong", "xu", "xu"),
    "₴": ("hryvnia", "hryvnias", "kopek", "kopeks"), "฿": ("baht", "baht", "satang", "satang"),
    "₱": _PESO, "₦": ("naira", "naira", "kobo", "kobo"), "₿": ("bitcoin", "bitcoins", "", ""),
    "US$": _dollars("US"), "A$": _dollars("Australian"), "AU$": _dollars("Australian"),
    "C$": _dollars("Canadian"), "CA$": _dollars("Canadian"), "NZ$": _dollars("New Zealand"),
    "HK$": _dollars("Hong Kong"), "S$": _dollars("Singapore"), "NT$": _dollars("Taiwan"),
    "R$": ("real", "reais", "centavo", "centavos"), "MX$": _PESO, "kr": _KRONA,
    "Rs": ("rupee", "rupees", "paisa", "paise"), "Rs.": ("rupee", "rupees", "paisa", "paise"),
    "zł": ("zloty", "zlotys", "grosz", "groszy"),
    "USD": _DOLLAR, "EUR": ("euro", "euros", "cent", "cents"),
    "GBP": ("pound", "pounds", "penny", "pence"), "JPY": ("yen", "yen", "sen", "sen"),
    "CHF": _FRANC,
    "CAD": _dollars("Canadian"), "AUD": _dollars("Australian"), "NZD": _dollars("New Zealand"),
    "HKD": _dollars("Hong Kong"), "SGD": _dollars("Singapore"),
    "INR": ("rupee", "rupees", "paisa", "paise"), "CNY": _YUAN, "RMB": _YUAN,
    "KRW": ("won", "won", "jeon", "jeon"), "RUB": ("ruble", "rubles", "kopek", "kopeks"),
    "BRL": ("real", "reais", "centavo", "centavos"), "MXN": _PESO, "SEK": _KRONA,
    "NOK": _KRONE, "DKK": _KRONE, "PLN": ("zloty", "zlotys", "grosz", "groszy"),
    "CZK": ("koruna", "korunas", "heller", "hellers"), "HUF": ("forint", "forints", "", ""),
    "ZAR": ("rand", "rand", "cent", "cents"),
    "THB": ("baht", "baht", "satang", "satang"), "ILS": ("shekel", "shekels", "agora", "agorot"),
    "BTC": ("bitcoin", "bitcoins", "", ""), "ETH": ("ether", "ether", "", ""),
    "CN¥": _YUAN, "SFr": _FRANC, "SFr.": _FRANC, "Fr": _FRANC, "Fr.": _FRANC, "¢": _CENT,
    "AED": ("dirham", "dirhams", "fils", "fils"), "MAD": ("dirham", "dirhams", "centime",
                                                          "centimes"),
    "SAR": ("riyal", "riyals", "halala", "halalas"), "QAR": ("riyal", "riyals", "dirham",
                                                             "dirhams"),
    "TRY": ("lira", "lira", "kurush", "kurush"), "MYR": _RINGGIT, "RM": _RINGGIT, "PHP": _PESO,
    "ARS": _PESO, "CLP": _PESO, "COP": _PESO, "IDR": ("rupiah", "rupiah", "sen", "sen"),
    "NGN": ("naira", "naira", "kobo", "kobo"), "GHS": ("cedi", "cedis", "pesewa", "pesewas"),
    "KES": ("shilling", "shillings", "cent", "cents"), "TWD": _dollars("Taiwan"),
    "PKR": ("rupee", "rupees", "paisa", "paise"), "LKR": ("rupee", "rupees", "cent", "cents"),
    "NPR": ("rupee", "rupees", "paisa", "paise"), "BDT": ("taka", "taka", "poisha", "poisha"),
    "EGP": ("Egyptian pound", "Egyptian pounds", "piastre", "piastres"),
    "UAH": ("hryvnia", "hryvnias", "kopek", "kopeks"), "VND": ("dong", "dong", "xu", "xu"),
    "KWD": ("dinar", "dinars", "fils", "fils"), "RSD": ("dinar", "dinars", "para", "para"),
    "RON": ("leu", "lei", "ban", "bani"), "BGN": ("lev", "leva", "stotinka", "stotinki"),
    "ISK": _KRONA, "Kč": ("koruna", "korunas", "heller", "hellers"),
    "Ft": ("forint", "forints", "", ""),
}
SCALES = {"k": "thousand", "K": "thousand", "m": "million", "M": "million", "mn": "million",
          "MM": "million", "mm": "million", "mil": "million", "mill": "million", "b": "billion",
          "B": "billion", "bn": "billion", "Bn": "billion", "mln": "million", "mio": "million",
          "Mio": "million",
          "bln": "billion", "mrd": "billion", "Mrd": "billion", "lakh": "lakh", "lakhs": "lakh",
          "crore": "crore", "crores": "crore", "tn": "trillion", "T": "trillion",
          "hundred": "hundred", "thousand": "thousand", "million": "million",
          "billion": "billion", "trillion": "trillion"}
SIGN = alternatives(CURRENCIES)
SYMBOL = alternatives(sign for sign in CURRENCIES if not sign.isalpha())
SCALE = alternatives(SCALES)
# Behind a sum these begin no noun that it describes: five dollars of, but five dollar bill.
_NO_NOUN = re.compile(
    r"\s(?:of|to|that|which|who|in|on|for|from|and|or|but|he|she|they|i|we|you|it|was|is|were|are|"
    r"has|had|have|will|would|can|could|at|by|with|as|per|each|more|less|off|into|if|when|while|"
    r"than|a|an|the|this|every|back|up|down|out|over|worth|right|now|today|yesterday|tomorrow|"
    r"last|so|because|owed|spent|paid|given|needed)\b", re.IGNORECASE)
# What is so often measured that its size stands before it without an article.
_HOLDER = re.compile(r"\.?\s(?:bag|box|can|bottle|jar|pack|sack|bill|coin|note|fee|fine|radius|"
                     r"limit|"
                     r"bulb|screen|monitor|lens|wall|fence|pole|ladder|race|walk|hike|drive|tank|"
                     r"motor|"
                     r"engine|cable|pipe|nail|bolt|battery|plank|board|rope|hose|baby|truck|plug|"
                     r"font)s?\b")
_ARTICLE = re.compile(r"\b(?:an?|another|every)\s(?:[a-z]+\s)?$")
_THE = re.compile(r"\b(?:the|this|that|his|her|their|our|my|your|its|two|three|four|five|"
                  r"ten|few|several|some|new|crisp)\s(?:[a-z]+\s)?$")


def describes(match: re.Match[str]) -> bool:
    """Whether a quantity stands before its noun: a $5 bill, a 10 km run."""
    behind, head = after(match, 20), before(match, 30)
    if _HOLDER.match(behind):
        return True
    if not re.match(r"\s[a-zA-Z]|-[a-z]{2}", behind) or _NO_NOUN.match(behind) or re.match(
            r"-(?:plus|odd|worth|ish|per)\b", behind):
        return False
    if behind[1].isupper():     # a 65" Samsung
        return bool(_ARTICLE.search(head))
    return bool(behind[0] == "-" or _ARTICLE.search(head) or _THE.search(head))


def _money(match: re.Match[str]) -> str:
    """-$3.50, $5 billion, 5 €, 20 USD, EUR 5."""
    minus, before_, minus_2, number_1, scale_1, number_2, scale_2, after_ = match.groups()
    one, several, cent, cents = CURRENCIES[before_ or after_]
    number, scale = number_1 or number_2, scale_1 or scale_2
    sign, unit = "minus " if minus or minus_2 else "", one if describes(match) else several
    if scale:
        return f"{sign}{spell(number)} {SCALES[scale]} {unit}"
    whole, _, part = number.replace(",", "").partition(".")
    if len(part) != 2 or not cent:
        return f"{sign}{spell(number)} {one if number == '1' else unit}"
    pieces = []
    if int(whole or 0) or not int(part):
        pieces.append(f"{spell(whole or '0')} {one if whole == '1' else several}")
    if int(part):
        pieces.append(f"{words(int(part))} {cent if int(part) == 1 else cents}")
    return sign + " and ".join(pieces)


def _range(match: re.Match[str]) -> str:
    """$5-10 million -> five to ten million dollars."""
    sign, low, scale_low, high, scale = match.groups()
    name = CURRENCIES[sign][0 if describes(match) else 1]
    low = spell(low) + (f" {SCALES[scale_low]}" if scale_low else "")
    return f"{low} to {spell(high)} {SCALES[scale] + ' ' if scale else ''}{name}"


def _pence(match: re.Match[str]) -> str:
    return f"{spell(match[1])} {'penny' if match[1] == '1' else 'pence'}"


_END = r"(?![\w²³])"
# 3,50 € and 1.234,50 €: the comma is a decimal point beside a sign of money.
_COMMA_BEFORE = rule(rf"(?<!\w)((?:{SYMBOL}|[A-Z]{{3}}\s)\s?\d+),(\d\d?)(?![\d,.])",
                     lambda m: f"{m[1]}.{m[2]}")
_COMMA_AFTER = rule(rf"(?<![\d.,])(\d+),(\d\d?)(?=\s?(?:{SIGN}){_END})",
                    lambda m: f"{m[1]}.{m[2]}")
_POINTS = rule(r"(?<![\d.,])(\d{1,3}(?:\.\d{3}){1,4})(?:,(\d\d))?(?=\s?€)|"
               r"(?<=€)(\d{1,3}(?:\.\d{3}){1,4})(?:,(\d\d))?(?![\d.,])",
               lambda m: (m[1] or m[3]).replace(".", "") + (
                   f".{m[2] or m[4]}" if m[2] or m[4] else ""))
FIRST_RULES: tuple[Rule, ...] = (
    # What is written around a sum: CHF 20.-, US $5, R50, $30 pp, $300-million, $5 USD.
    rule(rf"((?:{SIGN})\s?{NUMBER})[.,]-{{1,2}}(?![\w-])|({NUMBER})[.,]-{{1,2}}(?=\s?(?:{SIGN}){_END})",
         lambda m: m[1] or m[2]),
    rule(r"(?<!the )\b(US|AU|NZ|HK)\s(?=\$\d)", lambda m: m[1]),
    rule(r"(?<![\w-])(?<!\bthe\s)(?<!\b[A-Z][a-z]{2}\s)(?<![A-Z]{2}\s)(?<![A-Z][a-z]{4}\s)"
         r"R\s?(?=\d{2,3}(?:,\d{3}|\.\d\d)?(?![\w-])|\d(?:,\d{3}|\.\d\d)|\d{1,4}\s?(?:m|bn|k|million|billion)\b)",
         "ZAR "),
    rule(rf"((?:{SIGN})\s?{NUMBER})\s?(pp|ea\b\.?)(?!\w)", lambda m: f"{m[1]}/{m[2][:2]}"),
    rule(rf"((?:{SIGN})\s?{NUMBER})-(?=(?:thousand|million|billion|trillion)\b)",
         lambda m: m[1] + " "),
    rule(rf"[$€£]\s?({NUMBER}(?:\s?(?:{SCALE})\b)?)\s?(?=(?:USD|CAD|AUD|NZD|HKD|SGD|EUR|GBP)\b)",
         lambda m: m[1] + " "),
    rule(rf"(?<![\w.,:/-])({NUMBER})\s?-\s?(?={NUMBER}\s?(?:{SCALE})?\s?(?:[A-Z]{{3}}\b|[€£$¥]))"
         rf"(?={NUMBER}\s?(?:{SCALE})?\s?(?:{SIGN}){_END})", lambda m: m[1] + " to "),
    _POINTS, _COMMA_BEFORE, _COMMA_AFTER,
    rule(rf"(?<!\w)({SIGN})\s?({NUMBER})(?:\s?({SCALE})\b)?\s?-\s?({NUMBER})"
         rf"(?:\s?({SCALE}){_END})?(?![\w-])", _range),
)
RULES: tuple[Rule, ...] = (
    rule(rf"(?<!\w)(-)?(?:({SIGN})\s?(-)?({NUMBER})(?:\s?({SCALE}){_END})?(?:p\b)?"
         rf"|({NUMBER})\s?({SCALE})?\s?({SIGN}){_END})", _money),
    rule(r"(?<![\w.,])(\d{1,2})p\b(?!-\w)", _pence),
    rule(r"(?<![\w.,])([1-9]\d)c\b(?!-\w)", lambda m: f"{spell(m[1])} cents"),
)
