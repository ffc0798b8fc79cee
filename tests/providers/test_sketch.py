"""Sketch's pictures: they follow the words, come in any size, and look the same every time."""

import time
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from safelight.providers.sketch import press, words
from safelight.providers.sketch.composer import compose
from safelight.providers.sketch.painter import PREVIEW_BYTES_MAX, STEPS, Stopped, encode, paint
from safelight.providers.sketch.styles.table import LOOKS

Pixels = NDArray[np.float32]


def decoded(data: bytes) -> Pixels:
    """(height, width, 3), 0..255."""
    return pyvips.Image.new_from_buffer(data, "").numpy().astype(np.float32)[..., :3]


@cache
def picture(text: str, seed: int = 1, style: str | None = None, side: int = 112) -> Pixels:
    return decoded(paint(text, width=side, height=side, seed=seed, style=style))


@cache
def drawing(text: str) -> Pixels:
    """Only what is drawn, without the painted sky and the finish: (96, 96, 4)."""
    stage = compose(words.read(text), 2, 96, 96, LOOKS["cartoon"])
    blank = np.zeros((1, 1), np.float32)
    svg = press.document(press.Negative(stage, LOOKS["cartoon"], blank, blank), 96, 0, 96)
    return pyvips.Image.svgload_buffer(svg).numpy().astype(np.float32)


def difference(first: Pixels, second: Pixels) -> float:
    """Mean distance per channel, 0..255."""
    return float(np.abs(first - second).mean())


def share(pixels: Pixels, where: Callable[..., NDArray[np.bool_]]) -> float:
    return float(where(pixels[..., 0], pixels[..., 1], pixels[..., 2]).mean())


def reddish(r: Pixels, g: Pixels, b: Pixels) -> NDArray[np.bool_]:
    return (r > 1.7 * g) & (r > 1.7 * b) & (r > 60)


def bluish(r: Pixels, g: Pixels, b: Pixels) -> NDArray[np.bool_]:
    return (b > 1.35 * r) & (b > 1.15 * g) & (b > 60)


def test_the_same_request_gives_the_same_bytes() -> None:
    first = paint("a fox in the snow", width=300, height=200, seed=7, style="watercolor")

    again = paint("a fox in the snow", width=300, height=200, seed=7, style="watercolor")

    assert first == again


def test_another_seed_gives_another_composition() -> None:
    for text in ("the sea", "mountains", "a city", "abstract", "a cat", "still life"):
        assert difference(picture(text, 1), picture(text, 2)) > 8, text


@pytest.mark.parametrize(
    ("width", "height"),
    [(64, 64), (65, 211), (640, 360), (64, 4096), (4096, 64), (1000, 1001)],
)
def test_any_size_comes_out_as_asked(width: int, height: int) -> None:
    data = paint("a boat on a lake", width=width, height=height, seed=3)

    assert decoded(data).shape == (height, width, 3)


@pytest.mark.parametrize("image_format", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("style", ["realistic", "cartoon", "watercolor", "risograph"])
def test_every_format_and_style_decodes(image_format: str, style: str) -> None:
    data = paint("sea", width=120, height=90, seed=1, style=style, image_format=image_format)

    loader = pyvips.Image.new_from_buffer(data, "").get("vips-loader")
    assert loader.startswith({"png": "png", "jpeg": "jpeg", "webp": "webp"}[image_format])
    assert decoded(data).shape == (90, 120, 3)


@pytest.mark.parametrize(("width", "height"), [(63, 100), (100, 4097), (0, 0)])
def test_a_size_it_cannot_paint_is_refused(width: int, height: int) -> None:
    with pytest.raises(ValueError, match="64 to 4096"):
        paint("sea", width=width, height=height, seed=1)


def test_a_small_picture_shows_the_composition_of_the_large_one() -> None:
    for text in ("a red lighthouse in a storm", "mountains at dawn", "city at night"):
        small = decoded(paint(text, width=128, height=128, seed=5, style="cartoon"))
        large = decoded(paint(text, width=1024, height=1024, seed=5, style="cartoon"))
        shrunk = large.reshape(128, 8, 128, 8, 3).mean(axis=(1, 3))

        assert difference(small, shrunk) < 6, text


def test_the_named_colour_is_seen() -> None:
    red, blue = picture("a red lighthouse at noon"), picture("a blue lighthouse at noon")

    assert share(red, reddish) > share(blue, reddish) + 0.01
    centre = slice(22, 73)
    assert share(blue[centre], bluish) > share(red[centre], bluish)


def test_a_colour_belongs_to_its_noun_and_not_to_the_rest() -> None:
    scene = words.read("a red boat and a yellow house by the sea")

    boat, house = scene.has("boat"), scene.has("house")
    assert boat and house
    assert boat.colour != house.colour
    assert boat.colour is not None and boat.colour[0] > 0.7 and boat.colour[1] < 0.4


def test_orange_is_a_colour_or_a_fruit_as_the_sentence_has_it() -> None:
    assert words.read("an orange balloon").has("apple") is None
    assert words.read("abstract in blue and orange").has("apple") is None
    assert words.read("oranges on a table").has("apple") is not None


def test_red_lighthouse_stays_red_in_a_storm_at_night_in_watercolor() -> None:
    stormy = picture("a red lighthouse in a storm at night, watercolor")
    calm = picture("a red lighthouse at noon, watercolor")

    assert share(stormy, reddish) > 0.004
    assert stormy.mean() < calm.mean() - 40
    edge = np.concatenate([stormy[:3].reshape(-1, 3), stormy[-3:].reshape(-1, 3)])
    assert edge.mean() > stormy.mean() + 90, "watercolor leaves the paper's edge bare"


@pytest.mark.parametrize(
    "text", ["the sea", "mountains", "a city", "a meadow", "a village", "a cat"]
)
def test_night_is_darker_than_noon(text: str) -> None:
    assert picture(f"{text} at night").mean() < picture(f"{text} at noon").mean() - 50


def test_sunset_is_warmer_than_noon() -> None:
    def warmth(pixels: Pixels) -> float:
        return float(pixels[:56, :, 0].mean() - pixels[:56, :, 2].mean())

    assert warmth(picture("the sea at sunset")) > warmth(picture("the sea at noon")) + 30


@pytest.mark.parametrize("weather", ["in a storm", "in the rain", "in fog", "in falling snow"])
def test_weather_changes_the_picture(weather: str) -> None:
    assert difference(picture("a meadow at noon"), picture(f"a meadow at noon {weather}")) > 8


def test_seasons_colour_the_leaves() -> None:
    autumn, summer = picture("a tree in autumn at noon"), picture("a tree in summer at noon")

    def green(p: Pixels) -> float:
        return float((p[..., 1] - p[..., 0])[56:].mean())

    assert green(summer) > green(autumn) + 5


@pytest.mark.parametrize(
    ("word", "measure"),
    [
        ("darker", lambda p: -p.mean()),
        ("brighter", lambda p: p.mean()),
        ("warmer", lambda p: p[..., 0].mean() - p[..., 2].mean()),
        ("colder", lambda p: p[..., 2].mean() - p[..., 0].mean()),
    ],
)
def test_mood_words_have_their_effect(word: str, measure: Callable[[Pixels], float]) -> None:
    plain = picture("mountains at noon")

    changed = picture(f"mountains at noon, make it {word}")

    assert measure(changed) > measure(plain) + 6


def test_styles_differ_from_each_other() -> None:
    seen = [picture("a boat", 3, s) for s in ("realistic", "cartoon", "watercolor", "risograph")]

    for index, one in enumerate(seen):
        for other in seen[index + 1 :]:
            assert difference(one, other) > 8


def test_a_style_in_the_text_is_the_style_asked_for() -> None:
    inside = paint("a boat, risograph", width=96, height=96, seed=1)

    assert inside == paint("a boat", width=96, height=96, seed=1, style="risograph")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("waves on the ocean", "sea"), ("alpine peaks", "mountains"), ("deep woods", "forest"),
        ("a skyline", "city"), ("sand dunes", "desert"), ("a field of grass", "meadow"),
        ("a galaxy", "space"), ("the arctic", "snowfield"), ("the face of a girl", "portrait"),
        ("a fox", "animal"), ("a still life", "stilllife"), ("geometric shapes", "abstract"),
        ("a coral reef", "underwater"), ("a heron over tin roofs", "village"), ("a lake", "lake"),
        ("a tropical island", "beach"), ("a red lighthouse", "sea"), ("a camel", "animal"),
    ],
)  # fmt: skip
def test_words_choose_the_place(text: str, place: str) -> None:
    assert words.read(text).place == place


def test_different_places_look_different() -> None:
    texts = ["sea", "mountains", "forest", "city", "desert", "meadow", "galaxy", "arctic"]
    texts += ["a portrait", "a horse", "still life", "abstract", "coral reef", "village"]
    seen = [picture(f"{text} at noon", 4, None, 96) for text in texts]

    for index, one in enumerate(seen):
        for text, other in zip(texts[index + 1 :], seen[index + 1 :], strict=True):
            assert difference(one, other) > 10, (texts[index], text)


@pytest.mark.parametrize(
    "thing",
    [
        "lighthouse",
        "boat",
        "house",
        "bridge",
        "castle",
        "church",
        "windmill",
        "volcano",
        "fence",
        "tent",
        "balloon",
        "rocket",
        "ufo",
        "bicycle",
        "car",
        "train",
        "umbrella",
        "tree",
        "pine",
        "palm",
        "cactus",
        "flower",
        "mushroom",
        "person",
        "robot",
        "astronaut",
        "heron",
        "bird",
        "eagle",
        "owl",
        "duck",
        "penguin",
        "cat",
        "dog",
        "wolf",
        "fox",
        "horse",
        "deer",
        "bear",
        "rabbit",
        "sheep",
        "cow",
        "elephant",
        "giraffe",
        "camel",
        "lion",
        "turtle",
        "fish",
        "whale",
        "octopus",
        "butterfly",
        "dragon",
        "snail",
        "moon",
        "rainbow",
        "lightning",
        "aurora",
        "planet",
        "road",
        "cup",
        "teapot",
        "vase",
        "bowl",
        "apple",
        "pear",
        "bottle",
        "candle",
        "lemon",
        "book",
        "guitar",
        "bread",
    ],
)
def test_a_thing_that_is_asked_for_is_drawn(thing: str) -> None:
    without, with_it = drawing("mountains at dusk"), drawing(f"a {thing} and mountains at dusk")

    changed = np.abs(with_it - without).max(axis=-1) > 25
    assert changed.mean() > 0.002


def test_many_are_more_than_one() -> None:
    assert [words.read(t).things[0].count for t in ("a horse", "two horses", "horses")] == [1, 2, 3]


def test_a_heron_over_roofs_flies() -> None:
    over, under = picture("a heron over tin roofs at noon", 4), picture("tin roofs at noon", 4)

    upper = np.abs(over - under)[:50].max(axis=-1) > 30
    lower = np.abs(over - under)[84:].max(axis=-1) > 30
    assert upper.mean() > 0.02
    assert lower.mean() < 0.01


def test_unknown_words_are_placed_by_similarity() -> None:
    pytest.importorskip("wordllama")

    assert words.read("a rowboat").has("boat") is not None
    assert words.read("a tsunami").place == "sea"
    assert words.read("qzxv wpkt").things == ()


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "?!…,;---", "🦊🌊🏔️", "</svg><script>alert(1)</script>", "&lt;&amp;'\"<![CDATA[",
        '"/><image href="file:///etc/passwd"/>', "漢字とかな", "a\x00b\ud83d", "%s {0} {width}",
        "red " * 2000, "lighthouse " * 800, "x" * 8000, "one two three four five six seven cats",
    ],
)  # fmt: skip
def test_hostile_prompts_are_painted_like_any_other(text: str) -> None:
    data = paint(text, width=64, height=64, seed=1)

    assert decoded(data).shape == (64, 64, 3)


def test_progress_rises_and_previews_are_small() -> None:
    seen: list[tuple[int, int, bytes | None]] = []

    paint(
        "a storm at sea", width=1600, height=900, seed=1, style="watercolor",
        watch=lambda step, steps, preview: seen.append((step, steps, preview)),
    )  # fmt: skip

    steps = [step for step, _, _ in seen]
    assert steps == sorted(set(steps))
    assert len(steps) >= 8
    assert seen[-1][:2] == (STEPS, STEPS)
    previews = [preview for _, _, preview in seen if preview]
    assert len(previews) >= 2
    for preview in previews:
        assert len(preview) <= PREVIEW_BYTES_MAX
        assert max(decoded(preview).shape[:2]) <= 192


def test_watching_does_not_change_the_picture() -> None:
    alone = paint("a cat", width=150, height=150, seed=1)

    assert paint("a cat", width=150, height=150, seed=1, watch=lambda *_: None) == alone


@pytest.mark.parametrize("style", ["realistic", "watercolor"])
@pytest.mark.parametrize("after_s", [0.02, 0.4])
@pytest.mark.timing
def test_it_stops_within_200_ms_at_any_moment(style: str, after_s: float) -> None:
    began = time.monotonic()

    with pytest.raises(Stopped):
        paint(
            "city in the rain", width=2048, height=2048, seed=1, style=style,
            should_stop=lambda: time.monotonic() - began > after_s,
        )  # fmt: skip

    assert time.monotonic() - began - after_s < 0.2


@pytest.mark.parametrize("image_format", ["png", "jpeg", "webp"])
@pytest.mark.timing
def test_encoding_stops_too(image_format: str) -> None:
    canvas = np.random.default_rng(1).integers(0, 255, (2048, 2048, 3), dtype=np.uint8)
    began = time.monotonic()

    def check() -> None:
        if time.monotonic() - began > 0.02:
            raise Stopped

    with pytest.raises(Stopped):
        encode(canvas, image_format, None, check)

    assert time.monotonic() - began < 0.25
