"""The normaliser's data: what abbreviations, units, currencies and symbols are read as."""
from __future__ import annotations

# Unicode punctuation that NFKC leaves alone, as the plain marks the phones keep.
PUNCTUATION = {
    "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'", "ʼ": "'", "`": "'", "´": "'",
    "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "″": '"', "‹": '"', "›": '"',
    "—": ", ", "―": ", ", "⸺": ", ", "‐": "-", "‑": "-", "‒": "-", "−": "-", "…": ". ",
    "。": ". ", "｡": ". ", "、": ", ", "・": " ", "·": " ", "•": ", ", "¿": " ", "¡": " ",
    "؟": "? ", "،": ", ", "؛": "; ", "۔": ". ", "।": ". ", "॥": ". ", "‽": "? ", "⁇": "? ",
    "：": ": ", "（": " ", "）": " ", "《": " ", "》": " ", "「": " ", "」": " ", "⁄": "/",
    "∕": "/", "₤": "£", "™": " ", "®": " ", "©": " ", "∞": " infinity ", "\u00ad": "",
}
FRACTIONS = {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5",
             "⅗": "3/5", "⅘": "4/5", "⅙": "1/6", "⅚": "5/6", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8",
             "⅞": "7/8", "⅒": "1/10"}

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
          "October", "November", "December")
MONTH_SHORT = {**{m[:3]: m for m in MONTHS if m != "May"}, "Sept": "September"}
DAYS = {"Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday",
        "Thu": "Thursday", "Thur": "Thursday", "Thurs": "Thursday", "Fri": "Friday",
        "Sat": "Saturday", "Sun": "Sunday"}

# Followed by a name or a number: their point never ends a sentence.
TITLES = {
    "Mr": "Mister", "Mrs": "Mrs", "Ms": "Miz", "Messrs": "Messers", "Dr": "Doctor",
    "Prof": "Professor", "Rev": "Reverend", "Hon": "Honorable", "Gen": "General",
    "Col": "Colonel", "Maj": "Major", "Capt": "Captain", "Lt": "Lieutenant", "Sgt": "Sergeant",
    "Cpl": "Corporal", "Cmdr": "Commander", "Adm": "Admiral", "Gov": "Governor",
    "Sen": "Senator", "Rep": "Representative", "Pres": "President", "Supt": "Superintendent",
    "Mt": "Mount", "Ft": "Fort", "e.g": "for example", "i.e": "that is", "viz": "namely",
    "cf": "compare", "vs": "versus", "approx": "approximately", "ca": "circa", "Mme": "Madame",
}
# May also end a sentence: the point stays where a new sentence follows.
ENDINGS = {
    "etc": "et cetera", "Jr": "Junior", "Sr": "Senior", "Inc": "Incorporated", "Ltd": "Limited",
    "Corp": "Corporation", "Co": "Company", "Bros": "Brothers", "Ave": "Avenue",
    "Blvd": "Boulevard", "Rd": "Road", "dept": "department", "Dept": "Department",
    "govt": "government", "Govt": "Government", "est": "estimated", "al": "al",
    "Ph.D": "PhD", "Esq": "Esquire", "Sq": "Square", "Assn": "Association",
    "B.C": "BC", "A.D": "AD", "LL.D": "LLD", "incl": "including", "max": "maximum",
    "hrs": "hours", "mins": "minutes", "secs": "seconds", "yrs": "years",
}
BEFORE_NUMBER = {
    "No": "number", "no": "number", "Nos": "numbers", "nos": "numbers", "vol": "volume",
    "Vol": "Volume", "p": "page", "pp": "pages", "ch": "chapter", "Ch": "Chapter",
    "fig": "figure", "Fig": "Figure", "sec": "section", "Sec": "Section", "art": "article",
    "Art": "Article", "ext": "extension", "Ext": "Extension", "eq": "equation", "Eq": "Equation",
}
SPECIAL = {"C++": "C plus plus", "C#": "C sharp", "F#": "F sharp", "R&D": "R and D",
           "Q&A": "Q and eigh", "w/o": "without", "w/": "with ", "and/or": "and or",
           "24/7": "twenty-four seven", "9/11": "nine eleven", "a/c": "air conditioning",
           ".NET": "dot net", "rock 'n' roll": "rock and roll"}

# singular, plural; read only after a number
UNITS = {
    "km/h": ("kilometer per hour", "kilometers per hour"),
    "kmh": ("kilometer per hour", "kilometers per hour"),
    "kph": ("kilometer per hour", "kilometers per hour"),
    "mph": ("mile per hour", "miles per hour"), "m/s": ("meter per second", "meters per second"),
    "kb/s": ("kilobit per second", "kilobits per second"),
    "km²": ("square kilometer", "square kilometers"), "m²": ("square meter", "square meters"),
    "cm²": ("square centimeter", "square centimeters"),
    "m³": ("cubic meter", "cubic meters"), "cm³": ("cubic centimeter", "cubic centimeters"),
    "km": ("kilometer", "kilometers"), "cm": ("centimeter", "centimeters"),
    "mm": ("millimeter", "millimeters"), "µm": ("micrometer", "micrometers"),
    "nm": ("nanometer", "nanometers"), "m": ("meter", "meters"), "kg": ("kilogram", "kilograms"),
    "mg": ("milligram", "milligrams"), "g": ("gram", "grams"), "lb": ("pound", "pounds"),
    "lbs": ("pound", "pounds"), "oz": ("ounce", "ounces"), "ft": ("foot", "feet"),
    "yd": ("yard", "yards"), "mi": ("mile", "miles"), "ha": ("hectare", "hectares"),
    "ml": ("milliliter", "milliliters"), "mL": ("milliliter", "milliliters"),
    "cl": ("centiliter", "centiliters"), "l": ("liter", "liters"), "L": ("liter", "liters"),
    "h": ("hour", "hours"), "hr": ("hour", "hours"), "hrs": ("hour", "hours"),
    "min": ("minute", "minutes"), "mins": ("minute", "minutes"), "s": ("second", "seconds"),
    "sec": ("second", "seconds"), "ms": ("millisecond", "milliseconds"),
    "Hz": ("hertz", "hertz"), "kHz": ("kilohertz", "kilohertz"), "MHz": ("megahertz", "megahertz"),
    "GHz": ("gigahertz", "gigahertz"), "dB": ("decibel", "decibels"), "W": ("watt", "watts"),
    "kW": ("kilowatt", "kilowatts"), "MW": ("megawatt", "megawatts"),
    "kWh": ("kilowatt hour", "kilowatt hours"), "V": ("volt", "volts"),
    "kB": ("kilobyte", "kilobytes"), "KB": ("kilobyte", "kilobytes"),
    "MB": ("megabyte", "megabytes"), "GB": ("gigabyte", "gigabytes"),
    "TB": ("terabyte", "terabytes"), "MiB": ("mebibyte", "mebibytes"),
    "GiB": ("gibibyte", "gibibytes"), "rpm": ("rotation per minute", "rotations per minute"),
    "°C": ("degree Celsius", "degrees Celsius"), "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "° C": ("degree Celsius", "degrees Celsius"), "°": ("degree", "degrees"),
    "° F": ("degree Fahrenheit", "degrees Fahrenheit"), "%": ("percent", "percent"),
    "‰": ("per mille", "per mille"), "¢": ("cent", "cents"),
}
# one, several, hundredth, hundredths
CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"), "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"), "¥": ("yen", "yen", "sen", "sen"),
    "₹": ("rupee", "rupees", "paisa", "paise"), "₩": ("won", "won", "jeon", "jeon"),
    "₽": ("ruble", "rubles", "kopek", "kopeks"), "USD": ("dollar", "dollars", "cent", "cents"),
    "EUR": ("euro", "euros", "cent", "cents"), "GBP": ("pound", "pounds", "penny", "pence"),
    "CHF": ("Swiss franc", "Swiss francs", "centime", "centimes"),
}
SCALES = {"k": "thousand", "K": "thousand", "m": "million", "M": "million", "mn": "million",
          "b": "billion", "B": "billion", "bn": "billion", "tn": "trillion",
          "thousand": "thousand", "million": "million", "billion": "billion",
          "trillion": "trillion"}

SYMBOLS = {"&": "and", "@": "at", "+": "plus", "=": "equals", "×": "times", "÷": "divided by",
           "%": "percent", "°": "degrees", "≈": "about", "≤": "at most", "≥": "at least",
           "±": "plus or minus", "§": "section", "#": "hash", "$": "dollars", "€": "euros",
           "£": "pounds", "/": "slash"}
BEFORE_DIGIT = {"<": " less than ", ">": " more than ", "~": " about "}
ADDRESS = {".": "dot", "/": "slash", "-": "dash", "_": "underscore", ":": "colon", "@": "at",
           "?": "question mark", "=": "equals", "&": "and", "#": "hash", "%": "percent",
           "~": "tilde", "+": "plus"}
DOMAINS = {"io": "I O", "uk": "UK", "us": "US", "eu": "EU", "ai": "AI", "tv": "TV", "de": "D E",
           "fr": "F R", "www": "W W W", "html": "HTML", "pdf": "PDF"}
TOP_LEVEL = "com|org|net|edu|gov|info|io|ai|dev|app|uk|eu|de|fr|es|cn"

MONARCHS = ("Henry|Louis|George|Edward|Richard|William|Charles|James|Elizabeth|Mary|John|Paul|Pius|"
            "Benedict|Leo|Gregory|Clement|Innocent|Francis|Frederick|Philip|Ferdinand|Napoleon|"
            "Alexander|Nicholas|Peter|Catherine|Ivan|Otto|Rudolf|Ramses|Ptolemy|Cleopatra|"
            "Christian|Gustav|Carl|Albert|Leopold|Wilhelm|Robert|David|Malcolm|Alfonso|Pope|"
            "Darius|Xerxes|Artaxerxes|Thutmose|Sargon|Urban|Sixtus|Julius|Boniface|Celestine")
RULERS = "King|Queen|Pope|Emperor|Empress|Tsar|Czar|Kaiser|Prince|Duke"
NUMBERED = ("chapter|part|volume|act|scene|book|section|phase|type|war|bowl|article|figure|table|"
            "appendix|class|level|stage|grade|psalm|title|canto|unit|category|rocky|mark|group|"
            "apollo|saturn|division|episode|season|round")
LETTERED = ("vitamin|plan|grade|class|type|group|hepatitis|section|level|point|appendix|figure|"
            "exhibit|option|model|series|side|team|influenza")

_ACRONYM_WORDS = """
nato nasa aids opec unesco unicef laser radar sonar scuba covid sars navy army asap ram rom pin sim
gif jpeg png json yaml cuda rest soap moma oecd ikea lego fifa uefa nafta asean bafta mensa zip
wasp lan wan wifi spam dos unix linux gnu vim ascii basic cobol bios simd yolo fema osha
"""
# What people write in capitals to be loud.
_COMMON_WORDS = """
the and but for nor not all any are was were had has have his her him its our out own she they them
you your who whom why how what when where which with will would shall should can could may might
must do does did done be been being am is it if in into on onto of off or to too up upon us we me
my mine no yes so as at by an a i oh ah ha hey hi ok okay now new news one two three four five six
seven eight nine ten more most less much many very only even ever never none stop go going gone
come get got give gave take took make made say said see saw seen know knew think want need help
love hate like just good bad best big old young free sale open close shut exit enter push pull yes
please sorry thank thanks hello bye wait look here there this that these those than then once again
over under after about above below from left right back front down high low top hot cold red blue
green black white day night today time year week home house door fire water food life death war
peace king queen man men woman child boy girl name word words work world great small first last
next real true false warn alert error great always every each both some such same other still
"""
ACRONYM_WORDS = frozenset(_ACRONYM_WORDS.split())      # said as words
COMMON_WORDS = frozenset(_COMMON_WORDS.split())
# Vowels in them, yet espeak spells these by itself, with the right stress.
_SPELLED = """
FBI CIA USA US UK EU UN AI API CEO CFO CTO COO IBM GPU CPU USB URL UCLA UFO IMO TBA ATM IRS AOL ABC
HIV DIY MIT ID LA ADHD EST NBA UAW AAA TTS USD EUR
"""
SPELLED = frozenset(_SPELLED.split())

# For German, French and Spanish: what is said for a symbol, and between hours and minutes.
FOREIGN_SYMBOLS = {
    "de": {"&": "und", "%": "Prozent", "+": "plus", "=": "gleich", "@": "ät", "€": "Euro",
           "$": "Dollar", "£": "Pfund", "°C": "Grad Celsius", "°": "Grad", "/": "Schrägstrich",
           "#": "Raute"},
    "fr": {"&": "et", "%": "pour cent", "+": "plus", "=": "égale", "@": "arobase", "€": "euros",
           "$": "dollars", "£": "livres", "°C": "degrés Celsius", "°": "degrés",
           "/": "barre oblique", "#": "dièse"},
    "es": {"&": "y", "%": "por ciento", "+": "más", "=": "igual a", "@": "arroba", "€": "euros",
           "$": "dólares", "£": "libras", "°C": "grados Celsius", "°": "grados", "/": "barra",
           "#": "almohadilla"},
}
FOREIGN_POINT = {"de": "Komma", "fr": "virgule", "es": "coma", "it": "virgola", "pt": "vírgula",
                 "nl": "komma", "sv": "komma", "da": "komma", "no": "komma"}
FOREIGN_TIME = {"de": " Uhr ", "fr": " heures ", "es": " y "}
GERMAN_MONTHS = ("Januar|Jänner|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|"
                 "November|Dezember")
