"""Everything that can be asked for: who draws it, where it belongs and how large it is."""

# ruff: noqa: E501  (coordinates and word lists read better in long rows)

from collections.abc import Callable
from dataclasses import dataclass

from safelight.providers.sketch.things import (
    birds,
    buildings,
    figures,
    pets,
    plants,
    quadruped,
    swimmers,
    tableware,
    vessels,
)  # fmt: skip
from safelight.providers.sketch.things.brush import Brush

Drawing = Callable[[Brush], str]


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of thing."""

    draw: Drawing
    realm: str  # land, water (on it), sky, deep (under water), far (at the horizon), table
    size: float  # units high as the subject, where the short side is 1000
    wide: float = 0.8  # width as a share of the height, to keep things apart


PARTS: dict[str, Part] = {
    "lighthouse": Part(buildings.lighthouse, "coast", 480, 0.4), "boat": Part(vessels.boat, "water", 320, 1.0),
    "house": Part(buildings.house, "land", 270, 1.2), "bridge": Part(buildings.bridge, "span", 240, 3.6),
    "castle": Part(buildings.castle, "height", 330, 1.0), "church": Part(buildings.church, "land", 340, 0.8),
    "windmill": Part(buildings.windmill, "land", 400, 0.8), "tower": Part(buildings.tower, "land", 460, 0.3),
    "volcano": Part(buildings.volcano, "far", 330, 2.0), "fence": Part(buildings.fence, "near", 130, 6.0),
    "tent": Part(buildings.tent, "land", 210, 1.5), "balloon": Part(vessels.balloon, "sky", 250, 0.8),
    "rocket": Part(vessels.rocket, "sky", 330, 0.5), "ufo": Part(vessels.ufo, "sky", 170, 1.5),
    "bicycle": Part(vessels.bicycle, "land", 300, 1.6), "car": Part(vessels.car, "land", 170, 2.0),
    "train": Part(vessels.train, "land", 170, 4.5), "umbrella": Part(vessels.umbrella, "land", 240, 1.1),
    "tree": Part(plants.tree, "land", 420, 0.8), "pine": Part(plants.pine, "land", 400, 0.6),
    "palm": Part(plants.palm, "land", 560, 0.7), "cactus": Part(plants.cactus, "land", 330, 0.6),
    "flower": Part(plants.flower, "bed", 360, 0.35), "mushroom": Part(plants.mushroom, "near", 190, 0.9),
    "person": Part(figures.person, "land", 270, 0.4), "robot": Part(figures.robot, "land", 330, 0.8),
    "astronaut": Part(figures.astronaut, "land", 330, 0.6),
    "heron": Part(birds.heron, "shallows", 380, 0.8), "bird": Part(birds.bird, "perch", 300, 1.2),
    "eagle": Part(birds.eagle, "sky", 230, 2.0), "owl": Part(pets.owl, "perch", 360, 0.9),
    "duck": Part(birds.duck, "water", 190, 1.2), "penguin": Part(pets.penguin, "land", 300, 0.6),
    "cat": Part(pets.cat, "land", 330, 0.7), "dog": Part(pets.dog, "land", 340, 0.9),
    "wolf": Part(quadruped.wolf, "land", 340, 1.1), "fox": Part(pets.fox, "land", 320, 0.8),
    "horse": Part(quadruped.horse, "land", 400, 1.0), "deer": Part(quadruped.deer, "land", 400, 0.8),
    "bear": Part(quadruped.bear, "land", 360, 1.1), "rabbit": Part(pets.rabbit, "land", 250, 0.6),
    "sheep": Part(quadruped.sheep, "land", 200, 1.4), "cow": Part(quadruped.cow, "land", 330, 1.3),
    "elephant": Part(quadruped.elephant, "land", 430, 1.0), "giraffe": Part(quadruped.giraffe, "land", 560, 0.7),
    "camel": Part(quadruped.camel, "land", 400, 1.0), "lion": Part(quadruped.lion, "land", 340, 1.2),
    "turtle": Part(swimmers.turtle, "deep", 240, 1.6), "fish": Part(swimmers.fish, "deep", 300, 1.4),
    "whale": Part(swimmers.whale, "breach", 290, 1.9), "octopus": Part(swimmers.octopus, "deep", 320, 0.9),
    "butterfly": Part(birds.butterfly, "air", 230, 1.1), "dragon": Part(birds.dragon, "height", 380, 1.6),
    "snail": Part(birds.snail, "near", 180, 1.3), "cup": Part(tableware.cup, "table", 230, 1.2),
    "teapot": Part(tableware.teapot, "table", 260, 1.4), "vase": Part(tableware.vase, "table", 520, 0.9),
    "bowl": Part(tableware.bowl, "table", 250, 1.6), "apple": Part(tableware.apple, "table", 150, 1.0),
    "pear": Part(tableware.pear, "table", 160, 0.8), "lemon": Part(tableware.lemon, "table", 100, 1.3),
    "bottle": Part(tableware.bottle, "table", 390, 0.4), "candle": Part(tableware.candle, "table", 260, 0.5),
    "book": Part(tableware.book, "table", 130, 1.3), "guitar": Part(tableware.guitar, "table", 560, 0.5),
    "bread": Part(tableware.bread, "table", 130, 1.9),
}  # fmt: skip
