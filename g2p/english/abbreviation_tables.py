"""What abbreviations stand for, by what may follow them."""
from __future__ import annotations

# Followed by a name: said with or without a point, which never ends a sentence.
TITLES = {
    "Mr": "Mister", "Mrs": "Mrs", "Ms": "Miz", "Mx": "Mix", "Messrs": "Messers", "Dr": "Doctor",
    "Drs": "Doctors", "Prof": "Professor", "Profs": "Professors", "Rev": "Reverend",
    "Revd": "Reverend", "Hon": "Honorable", "Gen": "General", "Col": "Colonel", "Maj": "Major",
    "Capt": "Captain", "Cpt": "Captain", "Lt": "Lieutenant", "Lieut": "Lieutenant",
    "Sgt": "Sergeant", "Cpl": "Corporal", "Pvt": "Private", "Pfc": "Private First Class",
    "Cmdr": "Commander", "Cdr": "Commander", "Adm": "Admiral", "Brig": "Brigadier",
    "Gov": "Governor", "Sen": "Senator", "Sens": "Senators", "Rep": "Representative",
    "Reps": "Representatives", "Pres": "President", "Supt": "Superintendent",
    "Insp": "Inspector", "Det": "Detective", "Ofc": "Officer", "Amb": "Ambassador",
    "Msgr": "Monsignor", "Fr": "Father", "Atty": "Attorney", "Mme": "Madame",
    "Mlle": "Mademoiselle",
    "Mt": "Mount", "Mts": "Mounts", "Ft": "Fort", "Pte": "Private", "Treas": "Treasurer",
    "Sec": "Secretary", "Comm": "Commissioner", "Cllr": "Councillor", "Archbp": "Archbishop",
    "Bp": "Bishop", "Abp": "Archbishop", "Esqr": "Esquire", "Hr": "Herr", "Snr": "Senor",
    "Ald": "Alderman", "Sr": "Sister", "Br": "Brother", "Wg": "Wing", "Sqn": "Squadron",
    "Ldr": "Leader", "Flt": "Flight", "Gp": "Group", "Pt": "Point", "Ven": "Venerable",
    "Ens": "Ensign",
    # given names as they were shortened once
    "Wm": "William", "Chas": "Charles", "Geo": "George", "Thos": "Thomas", "Jas": "James",
    "Jos": "Joseph", "Robt": "Robert", "Benj": "Benjamin", "Saml": "Samuel", "Edw": "Edward",
    "Danl": "Daniel",
}
# Words of their own, or too short to be sure of, without the point.
POINT_NEEDED = {"Hon", "Det", "Sec", "Rep", "Sen", "Comm", "Hr", "Ald", "Fr", "Amb", "Reps", "Sens",
                "Br", "Sr", "Pt", "Gp", "Ven", "Jas", "Jos"}
# Read out before a lower-case word, a number or a mark; their point never ends a sentence.
INNER = {
    "e.g": "for example", "i.e": "that is", "eg": "for example", "ie": "that is", "viz": "namely",
    "cf": "compare", "vs": "versus", "approx": "approximately", "ca": "circa", "Bd": "Board",
    "tel": "telephone", "Tel": "telephone", "ph": "phone", "attn": "attention",
    "Attn": "attention", "Univ": "University", "univ": "university", "Inst": "Institute",
    "Coll": "College", "Acad": "Academy", "Assoc": "Associate", "assoc": "associated",
    "Fed": "Federal", "Mgmt": "Management", "mgmt": "management", "Exec": "Executive",
    "Dist": "District", "Mfg": "Manufacturing", "Dir": "Director",
    "Asst": "Assistant", "asst": "assistant", "Natl": "National", "Intl": "International",
    "Int'l": "International", "Nat'l": "National", "mfg": "manufacturing",
    "misc": "miscellaneous", "Misc": "Miscellaneous", "avg": "average",
    "Avg": "Average", "incl": "including", "excl": "excluding", "esp": "especially",
    "orig": "originally", "prev": "previously", "resp": "respectively", "abbr": "abbreviated",
    "cont": "continued", "illus": "illustrated", "anon": "anonymous", "Anon": "Anonymous",
    "qty": "quantity", "Qty": "quantity", "pkg": "package", "est": "estimated",
    "Est": "established",
    "Dept": "Department", "dept": "department", "Depts": "Departments", "depts": "departments",
    "Govt": "Government", "govt": "government", "Gov't": "Government", "gov't": "government",
    "Bldg": "Building", "bldg": "building", "Mgr": "Manager", "mgr": "manager", "Admin":
    "Administration", "transl": "translated", "publ": "published",
    "fwd": "forward", "Jct": "Junction", "Ref": "Reference", "ref": "reference",
    "temp": "temperature", "Temp": "temperature", "pop": "population", "Pop": "population",
    "alt": "altitude", "Alt": "altitude", "elev": "elevation", "Elev": "elevation",
    "lat": "latitude", "long": "longitude", "acct": "account", "Acct": "account",
    "amt": "amount", "Amt": "amount", "bal": "balance", "inv": "invoice", "Inv": "invoice",
    "lg": "large", "med": "medium", "sm": "small", "lrg": "large", "Eq": "Equation",
    "eds": "editors", "trans": "translated", "Ph": "phone", "mob": "mobile", "Mob": "mobile",
    "exp": "expires", "Exp": "expires", "jr": "junior", "sr": "senior", "Lib": "Library",
    "Vol": "Volume", "vol": "volume", "Vols": "Volumes", "Chap": "Chapter", "chap": "chapter",
    "ibid": "ibid", "Ibid": "Ibid", "et al": "et al", "q.v": "which see",
    "w.r.t": "with respect to",
    "op. cit": "opus citatum", "max": "maximum", "min": "minimum", "Max": "Maximum",
    "Min": "Minimum", "dist": "distance",
    "sched": "schedule", "Sr": "Senior", "bros": "brothers",
    "wt": "weight", "ht": "height", "diam": "diameter", "dia": "diameter", "ea": "each",
    "Wt": "weight",
    "add'l": "additional", "req": "required", "req'd": "required", "recd": "received",
    "rec'd": "received",
}
# Words of their own: abbreviations before a number only.
BEFORE_NUMBER_ONLY = {"long", "pop", "temp", "alt", "lat", "mob", "exp", "inv", "bal", "trans",
                      "Pop",
                      "Temp", "Alt", "Mob", "Exp", "Inv"}
# Words of their own at the end of a sentence.
NEVER_LAST = {"ref", "Ref", "Fed", "Dir", "med", "sm", "jr", "sr", "eds", "Lib", "Dist", "Mfg"}
# Books, before a number only.
BOOKS = {"Gen": "Genesis", "Exod": "Exodus", "Deut": "Deuteronomy", "Ps": "Psalm", "Isa": "Isaiah",
         "Matt": "Matthew", "Rom": "Romans", "Cor": "Corinthians", "Gal": "Galatians",
         "Eph": "Ephesians", "Phil": "Philippians", "Heb": "Hebrews", "Rev": "Revelation",
         "Jn": "John", "Mk": "Mark", "Lk": "Luke", "Mt": "Matthew", "Ex": "Exodus",
         "Lev": "Leviticus", "Num": "Numbers", "Josh": "Joshua", "Judg": "Judges", "Sam": "Samuel",
         "Kgs": "Kings", "Chr": "Chronicles", "Neh": "Nehemiah", "Prov": "Proverbs",
         "Pr": "Proverbs", "Eccl": "Ecclesiastes", "Jer": "Jeremiah", "Ezek": "Ezekiel",
         "Dan": "Daniel", "Hos": "Hosea", "Mic": "Micah", "Hab": "Habakkuk", "Zech": "Zechariah",
         "Mal": "Malachi", "Thess": "Thessalonians", "Tim": "Timothy", "Tit": "Titus",
         "Jas": "James", "Pet": "Peter", "Col": "Colossians"}
# Before a number or a single letter only.
PLACES = {"Apt": "apartment", "apt": "apartment", "Ste": "suite", "Fl": "floor", "fl": "floor",
          "Rm": "room", "Hwy": "Highway", "Rte": "Route", "Rt": "Route", "Flt": "flight",
          "Bldg": "building", "Ext": "extension", "Lot": "lot", "Blk": "block", "Unit": "unit",
          "Dist": "District", "Pl": "plate", "Sta": "Station", "App": "Appendix"}
# May also end a sentence: the point stays where a new sentence follows.
ENDINGS = {
    "etc": "et cetera", "Jr": "Junior", "Sr": "Senior", "Inc": "Incorporated", "Ltd": "Limited",
    "Corp": "Corporation", "Co": "Company",  "Bros": "Brothers",
    "Ave": "Avenue", "Blvd": "Boulevard", "Rd": "Road", "Ln": "Lane", "Pkwy": "Parkway",
    "Hwy": "Highway", "Cir": "Circle", "Ct": "Court", "Pl": "Place",
    "Terr": "Terrace", "Sq": "Square", "Expy": "Expressway", "Tpke": "Turnpike", "Mtn": "Mountain",
    "Mtns": "Mountains", "Hts": "Heights", "Ctr": "Center",
    "dept": "department", "Dept": "Department", "govt": "government", "Govt": "Government",
    "al": "al", "Ph.D": "PhD", "Esq": "Esquire", "Assn": "Association", "Assoc": "Association",
    "B.C": "BC", "A.D": "AD", "LL.D": "LLD", "LL.B": "LLB", "LL.M": "LLM", "B.Sc": "BSc",
    "M.Sc": "MSc", "D.Phil": "DPhil", "M.Phil": "MPhil", "B.Ed": "BEd", "M.Ed": "MEd",
    "Ed.D": "EdD", "Psy.D": "PsyD", "Pharm.D": "PharmD", "B.Eng": "BEng", "M.Eng": "MEng",
    "D.Sc": "DSc", "Sc.D": "ScD", "Ed.M": "EdM", "B.Tech": "BTech", "M.Tech": "MTech",
    "incl": "included", "max": "maximum", "hrs": "hours", "mins": "minutes", "secs": "seconds",
    "yrs": "years", "hr": "hour", "Univ": "University",
    "Cnty": "County", "Twp": "Township", "Pvt": "Private", "Hosp": "Hospital",
    "Regt": "Regiment", "Amend": "Amendment", "Amdt": "Amendment",
    "D.D.S": "DDS", "M.B.A": "MBA", "C.P.A": "CPA", "D.V.M": "DVM",
}
# Behind a name they need no point.
BEHIND_NAME = {key: ENDINGS[key] for key in (
    "Jr", "Sr", "Inc", "Ltd", "Corp", "Bros", "Ave", "Blvd", "Rd", "Pkwy", "Hwy", "Esq", "Ln")}
STATES = {
    "Ala": "Alabama", "Ariz": "Arizona", "Ark": "Arkansas", "Calif": "California",
    "Colo": "Colorado", "Conn": "Connecticut", "Del": "Delaware", "Fla": "Florida",
    "Ga": "Georgia", "Ill": "Illinois", "Ind": "Indiana", "Kan": "Kansas", "Ky": "Kentucky",
    "La": "Louisiana", "Md": "Maryland", "Mass": "Massachusetts", "Mich": "Michigan",
    "Minn": "Minnesota", "Miss": "Mississippi", "Mo": "Missouri", "Mont": "Montana",
    "Neb": "Nebraska", "Nev": "Nevada", "Okla": "Oklahoma", "Ore": "Oregon", "Pa": "Pennsylvania",
    "Penn": "Pennsylvania", "Tenn": "Tennessee", "Tex": "Texas", "Va": "Virginia",
    "Vt": "Vermont", "Wash": "Washington", "Wis": "Wisconsin", "Wyo": "Wyoming",
    "Ont": "Ontario", "Que": "Quebec"}
# Those that are no word, said without a comma before them: Calif. law.
CLEAR_STATES = {key: STATES[key] for key in (
    "Ariz", "Calif", "Colo", "Conn", "Fla", "Mich", "Minn", "Neb", "Nev", "Okla", "Tenn", "Tex",
    "Wis", "Wyo", "Ont", "Que")}
# What a person is, behind Sr. and Jr.: Sr. Vice President.
ROLES = ("Vice|Manager|Engineer|Director|Editor|Analyst|Developer|Officer|Partner|Associate|"
         "Advisor|Adviser|Consultant|Producer|Writer|Researcher|Scientist|Lecturer|Fellow|Designer|"
         "Software|Project|Product|Program|Account|Assistant|Executive|Counsel|Year|High|Staff|"
         "Research|Software|Data|Sales|Marketing|Technical|Systems|Business")
COMPASS = {"N": "North", "S": "South", "E": "East", "W": "West", "NE": "Northeast",
           "NW": "Northwest", "SE": "Southeast", "SW": "Southwest"}
STATE_CODES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California",
    "CO": "Colorado", "CT": "Connecticut", "DE": "Delaware", "DC": "DC", "FL": "Florida",
    "GA": "Georgia", "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana",
    "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana", "ME": "Maine",
    "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota",
    "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada",
    "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York",
    "NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon",
    "PA": "Pennsylvania", "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota",
    "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont", "VA": "Virginia",
    "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming"}
# A capital word that begins a sentence, and no name behind an abbreviation.
STARTERS = (
    "The|An?|My|Your|His|Her|Hers|Its|Our|Their|He|She|It|They|We|I|You|This|That|These|Those|"
    "There|Here|Then|Than|But|And|So|Or|Nor|Yet|For|When|Where|While|Who|Whose|What|Which|Why|How|"
    "If|In|On|At|As|After|Before|Because|Although|Though|Since|Until|Unless|During|By|With|Without|"
    "Under|Over|Once|Now|Not|No|Yes|One|Two|Three|Some|All|Both|Many|Most|Few|Each|Every|Everyone|"
    "Everything|Nobody|Nothing|Someone|Something|Perhaps|Maybe|However|Later|Soon|Today|Tomorrow|"
    "Yesterday|Meanwhile|Also|Still|Even|Only|Just|Please|Let|Do|Does|Did|Is|Are|Was|Were|Has|Have|"
    "Had|Can|Could|Will|Would|Should|May I|Go|Come|Look|See|Ask|Call|Take|Get|Dr|Mr|Mrs|Ms|"
    "I'm|I've|I'd|I'll|He's|She's|It's|We're|They're|You're|That's|There's|Don't|Let's|From|To|Of|"
    "Nearly|Almost|About|Another|Others|Our|Such|Being|Having|Later|Eventually|Finally|Suddenly|"
    "Buy|Read|Try|Visit|Send|Write|Check|Stop|Wait|Turn|Keep|Bring|Leave|Meet|Make|Give|Put|Tell|"
    "Add|Use|Remember|Imagine|Think|Listen|Thanks|Thank|Sorry|Good|Great|People|Everybody|Somebody|"
    "Anyone|Nowhere|Everywhere|Outside|Inside|Behind|Between|Beyond|Despite|Near|Through|Within|"
    "Whether|Whatever|Whenever|Wherever|Indeed|Moreover|Furthermore|Otherwise|Hence|Either|Neither|"
    "Besides|Anyway|Luckily|Clearly|Half|Four|Five|Six|Seven|Eight|Nine|Ten|Several|Hundreds|"
    "Thousands|Millions|Like|Except|Unlike|[A-Z][a-z]{2,12}(?:ally|ently|antly|ously|ately|edly)|"
    "Instead|Therefore|Thus|First|Second|Next|Last|Again|Sometimes|Often|Never|Always|Well|Oh")
