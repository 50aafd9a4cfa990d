"""What people say to each other: questions, short answers, exclamations, names, run-ons.

Corpora of read books have little of it. Sentences are drawn from patterns, so their number has no
end; none is taken from the evaluation's texts.
"""
from __future__ import annotations

import random
import re
from collections.abc import Iterator

LISTS = {
    "name": "Alice,Ahmed,Amara,Ben,Bridget,Carlos,Chloe,Daniel,Deepak,Elena,Fatima,George,Grace,"
            "Hannah,Ibrahim,Isla,Jack,Jasmine,Joshua,Julia,Kenji,Laura,Leo,Maria,Maya,Mohammed,"
            "Nadia,Noah,Oliver,Olivia,Priya,Rachel,Rosa,Samuel,Sofia,Thomas,Victor,Wei,Yusuf,Zoe",
    "family": "Adams,Becker,Brown,Campbell,Chen,Clarke,Cohen,Davies,Fischer,Garcia,Hughes,Iyer,"
              "Jackson,Khan,Kowalski,Lopez,Martin,Murphy,Nguyen,O'Brien,Okafor,Patel,Rossi,"
              "Schmidt,Sharma,Silva,Tanaka,Taylor,Walker,Young",
    "place": "Amsterdam,Berlin,Boston,Brighton,Cairo,Chicago,Delhi,Dublin,Edinburgh,Geneva,"
             "Glasgow,Houston,Lagos,Leeds,Lisbon,London,Madrid,Melbourne,Montreal,Nairobi,Oslo,"
             "Oxford,Paris,Prague,Rome,Seattle,Seoul,Sydney,Tokyo,Toronto,Vienna,Warsaw",
    "thing": "bag,book,bottle,camera,chair,charger,coat,cup,door,file,hat,jacket,key,lamp,laptop,"
             "letter,list,map,meeting,message,number,order,parcel,password,phone,photo,picture,"
             "plan,recipe,report,shirt,soup,ticket,train,umbrella,window",
    "quality": "better,bigger,bright,broken,cheap,cold,dangerous,delicious,different,difficult,"
               "dirty,early,easy,empty,expensive,fresh,funny,heavy,huge,important,late,loud,lovely,"
               "lucky,new,noisy,old,perfect,quiet,ready,safe,sharp,slow,soft,strange,strong,sweet,"
               "tired,useful,warm,wonderful,wrong",
    "action": "ask again,bring the children,call the doctor,catch the bus,check the weather,"
              "clean the kitchen,close the window,come back,cook dinner,drive home,fix the roof,"
              "go for a walk,join us,leave now,listen to this,move the table,open the door,"
              "pay the bill,play chess,read the letter,send the file,sing a song,sit down,"
              "start over,stay here,stop at the bridge,take a picture,talk to her,try again,"
              "turn left,wait outside,wash the dishes,watch the match,write it down",
    "when": "at noon,at seven,before lunch,every day,in a minute,in the morning,last week,later,"
            "next month,on Friday,on the way home,right now,soon,this afternoon,today,tomorrow,"
            "tonight,yesterday",
    "count": "two,three,four,five,six,eight,ten,twelve,fifteen,twenty,thirty,a hundred",
    "yes": "Yes,No,Sure,Of course,Not really,Maybe,Never,Absolutely,I think so,I doubt it,Why not,"
           "Exactly,Fine,Thank you,Sorry,Please,Hello,Goodbye,Good morning,Well,Okay,Right,Oh",
}
PATTERNS = """
Where is the {thing}?
Where did you put my {thing}?
Who is {name} {family}?
Is it {quality} or {quality}?
Could you {action}, please?
Why don't we {action} {when}?
Did {name} really {action} {when}?
How many {thing}s do you need?
What's in the {thing}?
Have you ever been to {place}?
When does the train to {place} leave?
Shall I {action}?
Do you know how to {action}?
Which {thing} is yours, the {quality} one?
Are you {quality}?
{yes}.
{yes}!
{yes}, {yes}.
{yes}, {name}.
{yes}, I'll {action}.
{yes}, it's {quality}.
I can't.
I won't {action}.
We did.
It's {quality}.
That's {quality}!
{when}.
What a {quality} {thing}!
How {quality}!
Don't {action}!
Look, {name}, the {thing}!
Be careful, it's {quality}!
I'm so {quality}!
Happy birthday, {name}!
My name is {name} {family}.
This is {name} from {place}.
{name}, {name} and {name} {family}.
Doctor {family} lives in {place}.
Let's meet {when} in {place}.
She moved from {place} to {place}.
{name} said she'd {action}, but she didn't.
If it's {quality}, we can {action} {when}.
You said you wanted to {action} {when}, so I bought {count} {thing}s, and now you don't?
I thought the {thing} was {quality}, {name} thought it was {quality}, and in the end it was both.
First {action}, then {action}, and {when} we'll {action}.
I told {name} that the {thing} was {quality} and that we should {action} and that was it.
"{yes}," said {name}, "but why is it so {quality}?"
There are {count} {thing}s in the {quality} {thing}.
It takes {count} minutes to {action}.
He's {quality}, isn't he?
They've got {count} {thing}s, haven't they?
Please {action} {when}.
I'd rather {action} than {action}.
The {quality} {thing} from {place} is {quality}.
""".strip().splitlines()


def talk(rng: random.Random) -> Iterator[str]:
    """Sentences without end."""
    lists = {kind: words.split(",") for kind, words in LISTS.items()}
    while True:
        text = re.sub(r"\{(\w+)\}", lambda found: rng.choice(lists[found[1]]), rng.choice(PATTERNS))
        text = re.sub(r"\ba(?= [aeiou])", "an", text)
        yield text[0].upper() + text[1:]
