"""Numbers read digit by digit: telephones, codes, cards, ISBN, network addresses; and numbers whose
thousands are set apart by spaces, apostrophes or underscores."""
from __future__ import annotations

import re

from g2p.english.abbreviation_tables import ENDINGS, STATE_CODES
from g2p.english.numbers import digits, groups, spell
from g2p.english.rules import LETTER_A, Rule, after, alternatives, rule

BEFORE_NUMBER = {
    "No": "number", "no": "number", "Nos": "numbers", "nos": "numbers", "vol": "volume",
    "Vol": "Volume", "p": "page", "pp": "pages", "ch": "chapter", "Ch": "Chapter",
    "fig": "figure", "Fig": "Figure", "figs": "figures", "Figs": "Figures", "sec": "section",
    "Sec": "Section", "art": "article", "Art": "Article", "ext": "extension", "Ext": "Extension",
    "eq": "equation", "Eq": "Equation", "par": "paragraph", "para": "paragraph",
    "v": "versus", "ver": "version", "Ver": "Version", "pg": "page", "Pg": "Page",
    "App": "Appendix",
    "inv": "invoice", "Inv": "Invoice",
    "Nr": "number", "nr": "number", "vols": "volumes", "Vols": "Volumes", "Bk": "Book",
    "bk": "book", "l": "line", "ll": "lines", "chap": "chapter", "Chap": "Chapter",
    "chaps": "chapters", "Rm": "Room", "rm": "room", "Pt": "Part", "pt": "part", "Ep": "Episode",
    "ep": "episode", "Op": "Opus", "op": "opus", "Ser": "Series", "Tab": "Table", "Ln": "Line"}
_SAFE = [k for k in BEFORE_NUMBER if k not in ("v", "l", "ll", "no", "par", "art", "pt", "op",
                                               "ch", "p", "ep", "Ln", "App", "Pt", "Tab", "Op",
                                               "Art", "No", "Ep", "pg")]
_IS = r"(?:[:#]|\s(?:is|was|are|number|no\.?|code|ending in|ends in|ends with|#)\b:?){0,3}\s?#?"
_DIGITS = r"\d(?:[ -]?\d){%d,24}(?![\d,]|\.\d)"
_CALL = (r"(?:call|calls|called|dial|dials|dialled|dialed|dialing|dialling|ring|phone|phoned|text|"
         r"texted|tel|telephone|fax|mobile|cell|cellphone|hotline|helpline|WhatsApp)")
_CAPITALS = ["PIN", "OTP", "ZIP", "IMEI", "SSN", "SKU", "EAN", "UPC", "ISSN", "VIN", "IBAN", "ID"]
_SPACED = [" ".join(word).replace("A", LETTER_A) for word in _CAPITALS]
_CODE = (rf"(?:{'|'.join((*_CAPITALS, *_SPACED))}|"
         r"(?i:code|codes|passcode|password|pin|zip|zipcode|postcode|"
         r"account|acct|membership|member|customer|student|employee|registration|patient|card|serial|routing|confirmation|verification|tracking|reference|barcode|"
         r"badge|licen[cs]e|policy|passport|token|id|combination|sort code|"
         r"extension|ext|case|invoice|ticket|order|booking|reservation))")
_NUMBERED = r"\s?(?::|#|number|no\.?|ending in|ends in|code)\s?(?:is|was)?:?\s?#?"


def _said(match: re.Match[str]) -> str:
    return match[1].replace("#", "number ") + groups(match[2])


def _phone(match: re.Match[str]) -> str:
    return ("plus " if match[0].startswith("+") else "") + groups(match[0])


def _isbn(match: re.Match[str]) -> str:
    """ISBN 0-306-40615-X: its digits, its groups apart."""
    spoken = ", ".join(" ".join("X" if ch in "xX" else digits(ch) for ch in group)
                       for group in re.findall(r"[\dxX]+", match[2]))
    return match[1] + spoken


def _network(match: re.Match[str]) -> str:
    """10.0.0.1:8080 -> ten dot zero dot zero dot one colon eight zero eight zero."""
    spoken = " dot ".join(spell(part) for part in match[1].split("."))
    if match[2]:
        spoken += f" colon {digits(match[2])}"
    return spoken + (f" slash {spell(match[3])}" if match[3] else "")


def _joined(match: re.Match[str]) -> str:
    """1 000 000 -> 1,000,000: with commas, so that no year is seen in it; 1 234,50 -> 1234.50."""
    whole, comma, part = match[0].partition(",")
    return re.sub(r"[ '_]", "" if comma else ",", whole) + (f".{part}" if comma else "")


def _zip(match: re.Match[str]) -> str:
    """Boston, MA 02139 -> Massachusetts zero two one three nine."""
    return STATE_CODES[match[1]] + (f" {groups(match[2])}" if match[2] else "")


_STREET = {key: ENDINGS[key] for key in ("Ave", "Blvd", "Rd", "Ln", "Pkwy", "Cir", "Ct", "Pl",
                                         "Terr",
                                         "Sq", "Expy", "Hwy")} | {
    "Ter": "Terrace", "St": "Street", "Dr": "Drive", "Trl": "Trail", "Cres": "Crescent",
    "Crt": "Court"}


def _street(match: re.Match[str]) -> str:
    """12 Elm St -> 12 Elm Street, with a point where a new sentence begins."""
    ended = match[0].endswith(".") and re.match(r"\s+[A-Z\d]", after(match, 4))
    return match[1] + _STREET[match[2]] + ("." if ended else "")


def _postcode(match: re.Match[str]) -> str:
    """SW1A 1AA -> S W 1 A, 1 A A."""
    first, second = (" ".join(ch.replace("A", LETTER_A) for ch in match[i]) for i in (1, 2))
    return f"{first}, {second}"


def _hexadecimal(match: re.Match[str]) -> str:
    """00:1A:2B:3C:4D:5E -> zero zero, one A, two B, three C, four D, five E."""
    spoken = (" ".join(digits(ch) or ch.upper() for ch in pair) for pair in match[0].split(":"))
    return ", ".join(spoken).replace("A", LETTER_A)


_MONEY = "USD|EUR|GBP|CHF|JPY|CAD|AUD|INR|CNY|RMB|RM|RS|PLN|SEK|NOK|DKK"
ZIP_RULES: tuple[Rule, ...] = (
    rule(rf"(?<![\w.,])(\d{{1,5}}\s(?:[NSEW]\.?\s)?(?:[A-Z][\w']{{1,20}}\s){{1,3}})({alternatives(_STREET)})\b"
         r"(?:\.(?!\s*$)|(?!\.))(?!\s[A-Z][a-z]+\s(?:St|Ave|Rd)\b)", _street),
    rule(r"(?<![\w.:])(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}(?![\w:])", _hexadecimal),
    rule(r"\b([A-Z]{1,2}\d[A-Z\d]?) (\d[A-Z]{2})\b", _postcode),
    rule(rf"(?<=[a-z],\s)({alternatives(STATE_CODES)})(?:\s(\d{{5}}(?:-\d{{4}})?)(?![\d-])|"
         r"(?=[.,;)]|$))", _zip),
)
RULES: tuple[Rule, ...] = (
    rule(rf"\b({alternatives(BEFORE_NUMBER)})\.\s?(?=\d|[A-Z]{{1,3}}-?\d)",
         lambda m: BEFORE_NUMBER[m[1]] + " "),
    rule(rf"\b({alternatives(_SAFE)})\s(?=\d)", lambda m: BEFORE_NUMBER[m[1]] + " "),
    rule(r"\b([Nn]os?|pp?)\s?(?=\d)", lambda m: BEFORE_NUMBER[m[1]] + " "),
    rule(r"(?<![\d.,])\d{1,2}(?:,\d\d){1,4},\d{3}(?![\d,])", lambda m: m[0].replace(",", "")),
    rule(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?::(\d{1,5}))?(?:/(\d{1,2}))?(?![\w.]*\d)",
         _network),
    rule(r"\b(localhost):(\d{2,5})\b", lambda m: f"{m[1]} colon {digits(m[2])}"),
    rule(r"\b((?:ISBN|I S B N)(?:[ -]?1[03](?=[\s:]))?[:\s]{1,2})"
         r"(\d(?:[ -]?\d){8,12}(?:[ -]?[xX]\b)?)(?!\d)", _isbn),
    rule(rf"\b({_CALL}\.?:?(?:\s(?:me|us|him|her|them|now|at|on|is|the number|number|no\.?|\w+ at))"
         rf"{{0,3}}:?\s)((?:\+\s?|\(\d{{2,4}}\)\s?)?{_DIGITS % 4}|[1-9]11(?!\d|,\d)|999(?!\d|,\d)|"
         rf"988(?!\d|,\d)|112(?!\d|,\d))(?![\w-]|\s(?:people|times|men|women|of)\b)",
         lambda m: m[1] + ("plus " if m[2].startswith("+") else "") + groups(m[2]), re.IGNORECASE),
    rule(r"\b((?:dial|dialled|dialed)\s)(\d{3,4}(?: \d{2,4}){0,4})(?!\d)", _said,
         re.IGNORECASE),
    rule(rf"\b({_CODE}{_IS}(?:\s|(?<=#)))({_DIGITS % 3})(?!\w)", _said),
    rule(rf"\b((?:{_CODE}|error|status|flight){_NUMBERED}\s)(\d{{3,6}})(?![\w,]|\.\d)", _said),
    rule(r"\b((?:code|PIN|passcode|password|O T P|error|extension|ext\.|area code|port)\s(?:is\s|"
         r"was\s)?)"
         r"(\d{3,6})(?![\w,]|\.\d)", _said),
    rule(rf"(?<![\w.-])(?!R\d)(?!(?:{_MONEY})\d)([A-Z]{{1,3}}-?)(\d{{5,15}})(?![\w,]|\.\d)",
         lambda m: m[1] + " " * m[1].isalpha() + digits(m[2])),
    rule(r"\b([Tt]ext \w{1,12} to )(\d{4,6})\b", _said),
    rule(r"\b((?:[Ee]nter|[Tt]ype|[Kk]ey in) )(\d{4,8})(?=\s(?:to|into|in|and|now|when|on)\b|[.,;]|"
         r"$)",
         _said),
    rule(r"(?<=ZIP\s)()(\d{5})\b", _said),
    rule(r"(?<![\w.,-])()(\d{4}(?:[ -]\d{4}){3}|\d{4} \d{6} \d{5}|\d{3}-\d{2}-\d{4})(?![\w-])",
         _said),
    rule(r"(?<![\w.])(?:\+?\d{1,3}[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?!\d)", _phone),
    rule(r"(?<![\w.-])1-(8\d\d)-(?=[A-Z])", lambda m: f"one, {spell(m[1])}, "),
    rule(r"(?<![\w.-])\d{3}-\d{4}(?![\d-])", _phone),
    rule(r"\+\d(?:[ -]?\(?\d\)?){6,14}(?!\d)|"
         r"(?<![\w.])(?<!\d[ '_])\(?0\d{2,4}\)?[ -]\d{3,4}[ -]\d{3,4}(?!\d)|"
         r"(?<![\w.])0\d{4} \d{6}(?!\d)|"
         r"(?<![\w.])(?:1[38]00|0[38]00|0845) \d{3} \d{3,4}(?!\d)", _phone),
    rule(r"(?<![\w.,:/-])([1-9]\d{0,2}(?: \d{3}){1,3})\s?-\s?([1-9]\d{0,2}(?: \d{3}){1,3})"
         r"(?![\d:/]|[ -]\d|[.]\d{3})",
         lambda m: f"{m[1].replace(' ', ',')} to {m[2].replace(' ', ',')}"),
    rule(r"(?<![\w.,])\d{1,3}\.\d{3}(?: \d{3}){1,4}(?![\d.,:/]|[ -]\d)",
         lambda m: m[0].replace(" ", "")),
    rule(r"(?<![\w.,:/])(?<![\w)]-)[1-9]\d{0,2}([ '_])\d{3}(?:\1\d{3}){0,5}(?:,\d\d?(?!\d))?"
         r"(?![\d:/]|[ '_-]\d|'s|[.]\d{3})", _joined),
)
