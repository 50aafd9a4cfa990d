"""Words that, near a heteronym, tell which of its readings is meant."""
from __future__ import annotations

from g2p.english.context import words

PAST_HINTS = words("""yesterday ago last was were had did earlier once already then when later said
told asked went came saw thought felt knew took gave made got found left
wrote began heard sat stood loved liked enjoyed laughed smiled cried stopped looked turned opened
closed finished wanted didn't wasn't couldn't wouldn't could aloud previously recently
ninety eighty seventy childhood nineteen""")
GOOD = words("""good great quick easy interesting long fun light short summer beach nice bad
fascinating compelling slow gripping must worthwhile close""")
# Verbs that something is close behind: keep them close.
KEPT_CLOSE = words("""keep kept stay stayed draw drew hold held get getting came come stand stood
pull pulled hug hugged lean leaned sit sat bring too""")
METALS = words("""zinc copper tin mercury arsenic cadmium silver iron steel nickel antimony chromium
metal metals toxic mining ore ores gold aluminum aluminium poisoning asbestos smelting molten
melted alloy brass bronze uranium heavy lead-free mines smelter plumbing solder""")
LEAD_NEXT = words("""pipe pipes paint paints poisoning acid bullet bullets weight weights ore ores
mine mines glass crystal shot smelter smelters smelting oxide apron aprons foil solder contamination
exposure levels ions isotopes compound compounds sinker sinkers sheet sheets lined ball balls
pellets sulfide carbonate acetate nitrate chromate dust mining roof roofs coffin content balloon
glaze cable plate plates soldiers toys vest blocks brick bricks deposits salts iodide azide
concentration concentrations plumbing free miners based pencil pencils""")
ROLES = words("""singer singers guitarist vocalist actor actress author designer engineer character
characters role roles attorney architect investigator scientist writer producer coach developer
guitar vocals counsel time detective man woman dancer teacher single singles agency runner sponsor
partner""")
LIVE_NEXT = words("""music album albums show shows concert concerts performance performances
broadcast broadcasts stream streams streaming video videos version versions tv television audience
audiences ammunition wire wires band bands event events recording recordings coverage action
animals bait birth births births chat commentary entertainment feed fire football game games
grenade load oak online performance performer recordings rounds radio report set sets shows sport
sports stock stage studio tracks track tour tours updates virus wires dvd cd session sessions
footage cattle fish food bacteria cells plants bees theatre theater act acts lounge debut rail
from on at via""")
LIVE_VERB_NEXT = words("""here there near alone together by among happily up through longer forever
life under without next off long with out again outside abroad apart at around about well and
where across past inside underwater like just within close far downstairs upstairs until""")
WOUND_NEXT = words("up down around round through its their his her my our your along back about "
                   "into "
                   "across past between among toward towards upwards upward downwards over tightly "
                   "slowly tight on")
WOUND_THINGS = words("""clock watch spring rope thread wool yarn string bandage scarf wire cable
tape film turban hose coil coils chain window handle toy bobbin reel ball line cloth road river path
trail stream staircase procession ribbon vine tightly loosely""")
HURT = words("knife bullet blood bleeding healed heal gunshot stab nurse doctor hospital soldiers "
             "injury infected fatal mortal pain")
FISH = words("""fish fishing fished fisherman fishermen caught catch catches catching striped
largemouth smallmouth lake lakes river pond grilled fillet fillets trout angler anglers bait lure
lures perch pike cooked fried species boat recipe rod cod salmon sea rock reel hook hooked fishery
tournament stocked walleye crappie sunfish bluegill catfish carp tuna reservoir baked roasted
spawn freshwater chilean pounds ate eat shrimp stream swim swam net""")
ARCHERY = words("""arrow arrows archer archers archery string tie tied ties hair ribbon ribbons
violin fiddle cello knot quiver gift hunting hunter wrapped drew bowstring crossbow compound recurve
strings shoot dress lace longbow hunters viola tying shoelaces silk pink shot waist rosin
weapon neck bunt rainbow compound spear spears sword""")
SHIP = words("""ship ships boat boats vessel stern port starboard deck hull anchor waves sailor
sailors sailed thruster thrusters yacht canoe captain iceberg torpedo submarine destroyer cruiser
ferry aft raft navy mast keel rowed sank sinking crew rower oars bridge guns prow sea gondola sail
sails sailing bulbous cargo waterline flooded knots beam torpedoes boatswain barge dock docked
wooden raking shells tugboat""")
TEARFUL = words("""eye eyes cheek cheeks cried crying weep wept wiped wipe shed shedding sad face
rolled fell brushed burst sobbing welled streaming joy grief rolling single salty laughter dry dried
brought bring trickled tissue lashes smile funeral goodbye tears baby wet""")
RIPPED = words("""jacket sail shirt coat dress fabric cloth paper muscle ligament meniscus rotator
cuff acl knee pants trousers curtain curtains tent skirt sleeve jeans hole seam page canvas tendon
hamstring calf net bag wear aortic retinal cartilage stitch stitches sewed sewn mend mended
repair repaired patch patched achilles groin shoulder injury""")
RIP_NEXT = words("down up apart off into out through open away along it them his her my your our "
                 "their the at this that these those a us me him to from across itself himself "
                 "themselves loose free around")
TINY_NEXT = words("""particles particle amount amounts detail details quantity quantities traces
trace differences difference changes change fraction fractions holes hole insects insect crystals
crystal organisms organism hairs hair size scale doses dose examination inspection attention
spots spot pieces piece teeth variation variations flowers flower fragments fragment fish
creatures creature scales seeds seed grains grain drops droplets black white red yellow green
brown specks print portion percentage print shells shell plants animals structures structure
islands bubbles speck flaw flaws cracks crack spines dark sea snail snails fossil glands dots dot
freshwater marine moth mollusk granules pores secretory indistinct spheres operculate fungi animal
animals beetles spiders openings tubes cells sensors electrical shifts movements adjustments errors
doses sums""")
QUARREL = words("blazing heated furious bitter flaming terrible angry big public huge massive "
                "almighty diplomatic political domestic family almighty drunken stand-up nasty")
PIG = words("""piglet piglets pig pigs boar boars litter farrow farrowed pen sty suckling breeding
farmer hog hogs fat pregnant nursing mud snout trough grunted weaned swine farrowing bacon barn
gilts gilt teats udder snorted""")
SEEDS = words("seed seeds corn wheat crops crop seeds discord confusion doubt oats grain reap "
              "reaped "
              "soil spring garden field fields dissension beans grass lawn vegetables carrots")
DIVED = words("into in under down for off beneath through back deep from headfirst straight "
              "overboard "
              "behind to toward towards across after right again and below on deeper left head")
AGED_NEXT = words("man woman men women people person parents parent mother father care couple dog "
                  "cat "
                  "king relative relatives patient patients widow gentleman lady farmer monk poet "
                  "and population professor aunt uncle grandmother grandfather priest emperor")
WISE_NEXT = words("man men woman scholar scholars friend society societies journal journals "
                  "professor "
                  "professors judge judges doctor people debate discussion lady gentleman counsel "
                  "rabbi monk lawyer author treatise essay article paper profession professions")
TAUGHT = words("comprehension test tests score scores program teacher lesson hour rainbow "
               "list room week group club and writing skills aloud the this "
               "it is "
               "was for with level glasses")
# What one used to do: states and customs rather than purposes.
HABITS = words("""be have live know love like hate think go come belong play work sit stand sing say
feel want own visit see watch dream enjoy wonder walk swim spend stay eat drink sleep believe call
seem look hang wear smoke drive believe ride run read write teach talk meet need cry laugh""")
WAYS = words("road path river trail stream street staircase stair track lane route creek snake "
             "procession "
             "highway")
SHED = words("shed shedding sheds wiped wipe wiping brushed wept salty")
EYES = words("eye eyes cheek cheeks face")
