"""Capitals that are known: acronyms said as words, letter by letter, and short loud words."""
from __future__ import annotations

_ACRONYM_WORDS = """
nato nasa aids opec unesco unicef laser radar sonar scuba covid sars navy ram rom pin sim
gif jpeg json yaml cuda rest soap moma ikea lego fifa uefa nafta asean bafta mensa zip
wasp lan wan wifi spam dos unix linux gnu vim ascii basic cobol bios simd yolo fema osha mers gatt
unicode ansi nasdaq fiat saab qantas interpol nascar cad gui captcha nimby fomo lol swat
lidar pesa opac hipaa foia darpa noaa epcot tesol toefl gmat jpg ebay nokia sony toyota nvidia
intel apec seal sim taser maser raid wap isis hamas seato yuppie dinky gestapo zoom
fortran pascal lisp perl java bert ernie clip sift surf waf pat scada vesa eniac univac
tokamak caltech hud fica fannie nimh ciso mig cern medevac comecon benelux
haccp adidas volvo yahoo liv
"""
# What people write in capitals to be loud, of up to three letters or otherwise doubtful.
_COMMON_WORDS = """
the and but for nor not all any are was were had has have his her him its our out own she they them
you your who whom why how what when where which with will would shall should can could may might
must do does did done be been being am is it if in into on onto of off or to too up upon we me
my mine no yes so as at by an a i oh ah ha hey hi okay now new news one two three four five six
seven eight nine ten more most less much many very only even ever never none stop go going gone
come get got give gave take took make made say said see saw seen know knew think want need help
love hate like just good bad best big old young free sale open close shut exit enter push pull
please sorry thank thanks hello bye wait look here there this that these those than then once again
over under after about above below from left right back front down high low top hot cold red blue
green black white day night today time year week home house door fire water food life death war
peace king queen man men woman child boy girl name word words work world great small first last
next real true false warn alert error always every each both some such same other still
act add age ago aid aim air ale ant ape arc ark arm art ash ask ate awe axe bag ban bar bat bay bed
bee beg bet bid bin bit bow box bud bug bun bus buy cab cap car cat cop cot cow cry cub cup cut dad
dam den dew die dig dim dip dog dot dry due dug dye ear eat egg ego elf end era eve eye fan far fat
fax fed fee few fig fin fit fix fly foe fog fox fry fun fur gap gas gel gem gin god gum gun gut guy
gym hat hay hen hid hip hit hop hug hut ice icy ill ink inn ion jam jar jaw jet job jog joy jug
key kid kit lab lad lap law lay led leg let lid lie lip lit log lot mad map mat mix mob mom mud mug
nap net nod nun nut oak oar odd oil ore owl pad pan paw pay pea pen pet pie pig pit pop pot pub
put rag ran rat raw ray rib rid rig rim rip rob rod rot row rub rug run rye sad sag sea sew sex
shy sin sip sir sit six ski sky sly son sow spa spy sum sun tag tan tap tar tax tea tie tin tip
toe ton toy try tub tug use van vet via vow wag wax way web wed wet wig win wit won yet zoo
ever upon army yeah wow nope yep ugh huh boo hmm aha amen whoa ooh gee eh duh mum mrs mr oops
owned okay sure easy idea area away able also away ease else eyes oath obey once ours unto
ugly user using user item iron into onto inch idle icon aunt auto aura atom ally alas acid ache
euro epic envy edge east earn each
bob tom ben dan jim joe ann amy roy ron lee ivy eva ian gus ken lou meg ned pam rob sue ted tim zoe
abe """
ACRONYM_WORDS = frozenset(_ACRONYM_WORDS.split())      # said as words
COMMON_WORDS = frozenset(_COMMON_WORDS.split())
# espeak spells these by itself, with the right stress.
_SPELLED = """
FBI CIA USA US UK EU UN AI API CEO CFO CTO COO IBM GPU CPU USB URL UCLA UFO IMO TBA ATM IRS AOL ABC
HIV DIY MIT ID LA ADHD EST NBA UAW AAA TTS USD EUR OK ASAP USAF
"""
SPELLED = frozenset(_SPELLED.split())
# Of four letters and more, and look like words, yet are spelled.
_LETTERS = """
ACLU AARP ICAO IEEE USMC USDA UNHCR NAACP AFAIK IIRC EULA OEM IOU AKA ETA IPO IRA IVF UAE UPS USS
AMA APA ABA IPA ISP ISO IEC ITU ILO IAEA IUCN AAPL EPA EEG EKG ECG ICU IUD OCD OCR OECD OAS
OAU MOU ROI POW RIP TIA UTI UHF USSR HBO HMO NGO CGI PGA LGA LAPD ELO EMI ENT IDE IRC IMF
ISBN IMEI ITV ATP ADP ALS ALU DOJ DOE DOD DOA CEO COO CAO CIO CMO CPA CRO CSI GOP GPA
GIS HOA ADAC OPCW OSCE AFL AFC UFC UDP TCP SUV RSVP RPG RAF PTA PSA PHP
NYU NSA NRA NPR NIH NHS MBA MRI MSG LED LCD KGB IQ ICC GED GDP FAQ FAA ESP ERP EQ EMT
DUI DNA CNN CBS BBC ATV APR AMC AC USPS DUI RUC
CAGR SEO RNA DOB DOI SOS TOS MIA KIA VIP VIN VAT BMI BAE BOA TSA TVA TUC UAV OTC OTP
EOS ECHR AIG UBS USC UNC UVA UBC UAT NASD
"""
LETTER_BY_LETTER = frozenset(_LETTERS.split())
