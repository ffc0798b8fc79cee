"""The words Sketch knows, as data. The first word of each line is its own name for what follows."""

# ruff: noqa: E501  (coordinates and word lists read better in long rows)

PLACES = """
sea: ocean waves wave coast shore seaside harbor harbour bay surf tide maritime atlantic pacific horizon cliffs cliff fjord marine
beach: island tropical lagoon sandcastle caribbean hawaii paradise
lake: pond reservoir swamp marsh wetland lakeside
river: stream creek brook canal waterfall rapids riverside
mountains: mountain alps alpine peak peaks summit himalaya ridge valley canyon hills hill highlands volcano
forest: woods woodland jungle grove thicket rainforest trees wilderness glade
city: skyline town skyscraper skyscrapers downtown metropolis urban street streets manhattan tokyo london paris berlin cyberpunk neon
village: roofs roof rooftops rooftop houses cottages hamlet suburb tin
desert: dunes dune sahara sand oasis mesa arid wasteland
meadow: field fields grass grassland prairie farm countryside pasture garden park savanna steppe lawn vineyard
space: galaxy universe cosmos nebula milky outer planets orbit astronomy cosmic constellation
snowfield: arctic antarctic tundra glacier iceberg ice polar frozen
portrait: face woman man girl boy person lady queen king child grandmother grandfather wizard witch human self sailor viking pirate astronomer
stilllife: still table kitchen breakfast desk bouquet tea indoor interior room
underwater: undersea reef coral aquarium seabed diving
abstract: geometric pattern jazz happiness sadness shapes minimalist composition music emotion love joy chaos dream idea kandinsky mondrian bauhaus
"""

THINGS = """
lighthouse: beacon
boat: canoe kayak gondola sailboat ship sailing yacht boats sail ferry vessel galleon dinghy schooner caravel
house: cottage cabin hut home farmhouse barn chalet shed bakery shop cafe store restaurant pub mansion inn villa school hotel
bridge: viaduct aqueduct
castle: fortress palace tower towers citadel
church: chapel cathedral temple monastery
windmill: mill turbine
tower: skyscraper building clocktower
balloon: balloons airship zeppelin airplane plane helicopter
moon: moonlight moonlit crescent lunar
sun: sunny sunshine sunlight
stars: star starry starlight constellations
clouds: cloud cloudy overcast
rainbow: rainbows
lightning: thunderbolt bolt
aurora: borealis northern
volcano: lava eruption
planet: saturn jupiter mars rings
rocket: spaceship spacecraft shuttle
ufo: alien saucer
tree: oak elm maple willow bonsai
pine: fir spruce conifer pines firs
palm: palms coconut
cactus: cacti saguaro
flower: flowers carnation orchid lily iris peony hydrangea blossom blossoms rose roses tulip tulips daisy poppies poppy sunflower sunflowers lavender wildflowers blooming
mushroom: mushrooms toadstool
road: path way trail highway lane
fence: gate
bicycle: bike cyclist
car: automobile taxi truck van bus tractor lorry
train: locomotive railway tram
tent: camping camp
umbrella: parasol
robot: android machine cyborg
astronaut: cosmonaut spaceman
person: walker sailor viking pirate samurai knight ballerina soldier musician guitarist surfer barista hiker man woman traveller traveler child girl boy people couple fisherman dancer
heron: crane egret stork flamingo ibis
bird: birds seagull seagulls gull gulls swallow sparrow robin crow raven pigeon flock dove
eagle: hawk falcon kite
owl: owls
duck: swan ducks goose geese swans mallard
penguin: penguins
cat: kitten cats kitty tabby feline
dog: puppy dogs hound terrier labrador corgi poodle dachshund bulldog
wolf: wolves coyote husky
fox: foxes vixen
horse: horses pony stallion unicorn mare zebra donkey mule
deer: stag elk moose doe reindeer antelope fawn
bear: bears panda grizzly monkey gorilla
rabbit: bunny hare rabbits squirrel mouse hamster hedgehog guinea
sheep: lamb lambs goat
cow: bull cattle ox buffalo
elephant: elephants mammoth
giraffe: giraffes
camel: camels dromedary
lion: tiger leopard lioness cheetah panther jaguar lynx
turtle: tortoise frog crocodile lizard
fish: goldfish shark koi salmon trout
whale: whales orca dolphin dolphins
octopus: squid jellyfish crab lobster
butterfly: butterflies moth dragonfly
dragon: dinosaur wyvern
snail: slug
cup: mug coffee teacup cappuccino
vase: jug pitcher pottery
bowl: fruit fruits
apple: apples peach orange tomato
pear: pears
bottle: wine bottles
candle: candles candlelight
lemon: lemons citrus
book: books
guitar: violin cello ukulele banjo
teapot: kettle
bread: loaf cake
"""

TIMES = """
dawn: sunrise daybreak morning early
noon: midday day daytime daylight bright
golden: afternoon honeyed
sunset: evening sundown
dusk: twilight gloaming blue-hour
night: midnight nighttime nocturnal moonlight moonlit starry starlight aurora evening-star
"""

WEATHER = """
storm: stormy thunderstorm tempest hurricane thunder gale lightning
rain: rainy raining drizzle downpour wet monsoon
fog: foggy mist misty haze hazy smoke
snow: snowy snowing blizzard snowfall flurry snowstorm
cloudy: overcast gloomy grey-sky
clear: cloudless sunny
"""

SEASONS = """
spring: blossom blossoms blooming april
summer: july august
autumn: fall october november
winter: december january icy frosty wintry christmas snow snowy frozen
"""

STYLES = """
realistic: photo photograph photorealistic realism photographic cinematic lifelike
cartoon: comic anime animated toon manga pixar disney ghibli flat vector clipart
watercolor: watercolour aquarelle gouache watercolors painted
risograph: riso screenprint silkscreen halftone print poster linocut
"""

MOODS = """
darker: dark darken moody sombre
brighter: lighter brighten luminous
warmer: warm
colder: cold cool cooler chilly
vivid: colourful colorful vibrant saturated
muted: pastel pale faded soft desaturated
"""

COLOURS = {
    "red": "#d8342f", "crimson": "#b81d37", "scarlet": "#e0301e", "ruby": "#b3173f", "vermilion": "#e34a27",
    "orange": "#f08a24", "amber": "#f2a81d", "rust": "#a8492a", "coral": "#f5785f", "peach": "#f7b58d",
    "yellow": "#f6cf2f", "gold": "#e0ac2b", "golden": "#e8b535", "lemon-yellow": "#f5e05a", "ochre": "#c8892d",
    "green": "#3f9a4d", "emerald": "#1f9967", "olive": "#7d8433", "lime": "#9ccb3b", "mint": "#9adbb9",
    "jade": "#3fa783", "moss": "#6d7f3a", "teal": "#1f8a8c", "turquoise": "#37b8b8", "cyan": "#35c0d8",
    "blue": "#2f6fc9", "navy": "#1d2f66", "azure": "#3b95e0", "cobalt": "#2149b0", "indigo": "#3b3690",
    "ultramarine": "#2a3bb3", "purple": "#7a3fa3", "violet": "#8350c4", "lilac": "#b99ad9", "lavender-blue": "#a9a1e0",
    "magenta": "#cf2f91", "pink": "#ee86ad", "rose-pink": "#e76a8e", "fuchsia": "#d6338b", "brown": "#7f5234",
    "chocolate": "#5c3622", "tan": "#c79f6f", "beige": "#dcc9a6", "cream": "#f2e6c9", "ivory": "#f5efdc",
    "white": "#f6f5f0", "silver": "#bfc6cc", "grey": "#8b9096", "gray": "#8b9096", "charcoal-grey": "#3b4046",
    "black": "#23242a", "copper": "#b8683d", "bronze": "#9a6a35", "maroon": "#74202f", "burgundy": "#6d1b34",
    "ginger": "#d9812f", "sepia": "#8a6440", "tabby": "#a98258", "blonde": "#e3b95a", "blond": "#e3b95a", "brunette": "#4a2f22", "turquoise-blue": "#2fa9c4", "neon": "#ff3fb4",
}  # fmt: skip

# Where a thing is at home when the prompt names no place.
HOMES = {
    "sea": "lighthouse boat whale",
    "lake": "heron duck",
    "underwater": "fish octopus turtle",
    "forest": "deer bear owl mushroom wolf snail",
    "mountains": "castle dragon eagle volcano tent",
    "meadow": "horse sheep cow tree flower house windmill balloon rabbit butterfly bicycle road fence person "
    "rainbow elephant giraffe lion church train",
    "desert": "camel cactus",
    "beach": "palm",
    "city": "car tower umbrella robot",
    "space": "planet rocket ufo astronaut",
    "snowfield": "penguin",
    "stilllife": "cup vase bowl apple pear bottle candle lemon book guitar teapot bread",
    "river": "bridge",
    "village": "",
}

NUMBERS = {
    "two": 2, "pair": 2, "couple": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "several": 4,
    "many": 6, "flock": 6, "herd": 5, "some": 3, "few": 3, "group": 4, "dozen": 7, "hundreds": 7,
}  # fmt: skip

# Words too common to say anything about the picture; they are not looked up by similarity.
PLAIN = frozenset(
    [
        "a",
        "an",
        "the",
        "and",
        "or",
        "of",
        "in",
        "on",
        "at",
        "by",
        "to",
        "with",
        "without",
        "under",
        "over",
        "above",
        "below",
        "behind",
        "between",
        "through",
        "into",
        "from",
        "near",
        "across",
        "against",
        "around",
        "along",
        "inside",
        "outside",
        "up",
        "down",
        "out",
        "off",
        "for",
        "as",
        "is",
        "are",
        "be",
        "it",
        "its",
        "this",
        "that",
        "these",
        "those",
        "my",
        "your",
        "his",
        "her",
        "their",
        "our",
        "very",
        "really",
        "quite",
        "more",
        "less",
        "much",
        "style",
        "picture",
        "image",
        "painting",
        "art",
        "artwork",
        "illustration",
        "render",
        "make",
        "made",
        "please",
        "show",
        "draw",
        "paint",
        "create",
        "generate",
        "want",
        "like",
        "looking",
        "look",
        "view",
        "scene",
        "beautiful",
        "nice",
        "pretty",
        "big",
        "small",
        "large",
        "tiny",
        "huge",
        "little",
        "old",
        "new",
        "young",
        "wide",
        "tall",
        "long",
        "short",
        "high",
        "low",
        "eye",
        "eyes",
        "blue-eyed",
        "curly",
        "straight",
        "top",
        "bottom",
        "left",
        "right",
        "middle",
        "center",
        "centre",
        "close",
        "closeup",
        "portraiture",
        "foot",
        "hand",
        "hands",
        "day",
        "time",
        "hour",
        "side",
        "lot",
        "kind",
        "type",
        "thing",
        "things",
        "everything",
        "something",
        "one",
        "not",
        "no",
        "but",
        "so",
        "then",
        "all",
        "every",
        "each",
        "some",
        "there",
        "here",
        "where",
        "who",
        "which",
        "what",
        "lit",
        "standing",
        "sitting",
        "flying",
        "running",
        "swimming",
        "walking",
        "sleeping",
        "jumping",
        "wearing",
        "holding",
        "riding",
        "detailed",
        "highly",
        "quality",
        "masterpiece",
        "hd",
        "4k",
        "8k",
        "ultra",
        "best",
        "stunning",
        "amazing",
        "background",
        "foreground",
        "light",
        "shadow",
        "shadows",
        "color",
        "colors",
        "colour",
        "colours",
        "colored",
        "coloured",
        "toward",
        "towards",
        "hot",
        "air",
        "lights",
        "lamp",
        "lamps",
        "glowing",
        "bright-lit",
        "northern-lights",
        "tiny",
        "lonely",
        "happy",
        "sad",
        "cute",
        "funny",
        "friendly",
        "has",
        "have",
        "having",
        "do",
        "does",
        "we",
        "i",
        "you",
        "me",
        "us",
        "they",
        "he",
        "she",
        "them",
        "if",
        "when",
        "while",
        "just",
        "only",
        "also",
        "too",
    ]
)
# Singular words that end like plurals.
NOT_PLURAL = frozenset(
    {
        "cactus",
        "octopus",
        "lotus",
        "iris",
        "bus",
        "grass",
        "canvas",
        "walrus",
        "ibis",
        "borealis",
        "paris",
        "mars",
    }
)
PLURALS = frozenset({"cacti", "geese", "people", "cattle", "buffalo", "oxen", "children", "mice"})
FRUIT_OR_COLOUR = frozenset({"orange", "peach"})
FLYING = frozenset({"flying", "over", "above", "soaring", "gliding", "flight", "flies"})


def table(text: str) -> dict[str, str]:
    """Word → name, from lines of "name: synonym synonym"."""
    found: dict[str, str] = {}
    for row in text.strip().splitlines():
        name, _, synonyms = row.partition(":")
        for word in (name, *synonyms.split()):
            found.setdefault(word, name)
    return found
