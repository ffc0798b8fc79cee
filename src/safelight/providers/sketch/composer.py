"""Sets the stage for a scene: chooses what the prompt left open, then draws from far to near."""

from collections.abc import Callable
from random import Random

from safelight.providers.sketch import casting, heavens, weather
from safelight.providers.sketch.palette import light_for
from safelight.providers.sketch.scenes import (
    abstract,
    beyond,
    city,
    fields,
    inside,
    portrait,
    shores,
    village,
    wild,
    woods,
)
from safelight.providers.sketch.stage import SHORT_SIDE, Stage
from safelight.providers.sketch.styles.looks import Look
from safelight.providers.sketch.words import Scene

PLACES: dict[str, Callable[[Stage], None]] = {
    "sea": shores.sea,
    "beach": shores.beach,
    "lake": shores.lake,
    "river": fields.river,
    "meadow": fields.meadow,
    "mountains": wild.mountain_land,
    "desert": wild.desert,
    "snowfield": wild.snowfield,
    "forest": woods.forest,
    "city": city.city,
    "village": village.village,
    "space": beyond.space,
    "underwater": beyond.underwater,
    "abstract": abstract.abstract,
    "stilllife": inside.stilllife,
    "portrait": portrait.portrait,
    "animal": inside.animal,
}
OPEN = ("mountains", "meadow", "lake", "sea", "forest")
ROADS = {"mountains": 0.29, "forest": 0.34, "desert": 0.23, "snowfield": 0.35, "meadow": 0.39}
NO_SKY = frozenset({"underwater", "abstract", "stilllife", "portrait"})
HOURS = ("noon", "golden", "golden", "sunset", "dawn", "noon")


def compose(scene: Scene, seed: int, width: int, height: int, look: Look) -> Stage:
    """Everything about the picture but its pixels. width, height: only their ratio matters."""
    rng = Random(f"{seed}/choices")  # noqa: S311
    short = min(width, height)
    hour = rng.choice(
        HOURS if scene.place != "animal" else ("golden", "sunset", "dawn", "golden", "noon")
    )
    season = scene.season or (
        "winter"
        if "snow" in scene.weather or scene.place == "snowfield"
        else rng.choice(("spring", "summer", "summer"))
    )
    time = scene.time or (
        "night"
        if scene.place == "space" or scene.has("stars") or scene.has("moon") or scene.has("aurora")
        else hour
    )
    light = light_for(time, scene.weather, scene.sky_colour, rng)
    stage = Stage(
        scene, light, seed, width / short * SHORT_SIDE, height / short * SHORT_SIDE,
        ink=look.ink, flat=look.flat, season=season, clouds=_cloudiness(scene, rng),
    )  # fmt: skip
    stage.horizon = stage.height * 0.6
    heavens.place_sun(stage)
    place = (
        scene.place if scene.place != "open" else rng.choice(OPEN if not scene.things else OPEN[:2])
    )
    PLACES[place](stage)
    if scene.has("road") and place in ROADS:
        fields.road(stage, ROADS[place])
    if place == "space":
        heavens.stars(stage, 2.2)
    elif place not in NO_SKY:
        heavens.draw(stage)
    casting.draw(stage)
    if place not in ("space", "underwater", "abstract", "stilllife"):
        weather.draw(stage)
    return stage


def _cloudiness(scene: Scene, rng: Random) -> float:
    if scene.weather & {"storm", "rain", "cloudy"}:
        return 1.0
    if "clear" in scene.weather:
        return 0.0
    if scene.has("clouds"):
        return 0.75
    return rng.uniform(0.2, 0.6)
