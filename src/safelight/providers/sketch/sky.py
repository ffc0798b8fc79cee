"""The sky as a small soft painting: gradient, glow and clouds. It is enlarged under the drawing."""

import numpy as np

from safelight.providers.sketch.colour import Colour, mix, under
from safelight.providers.sketch.noise import Field, sample, smoothstep, tile
from safelight.providers.sketch.stage import Stage

PLATE_SIDE = 384  # of a square one; a sky has no finer detail than that


def plate_shape(stage: Stage) -> tuple[int, int]:
    """Rows and columns of the small painting; the same for every output size of one shape."""
    scale = PLATE_SIDE / (stage.width * stage.height) ** 0.5
    return max(8, round(stage.height * scale)), max(8, round(stage.width * scale))


def paint_sky(stage: Stage) -> Field:
    """(rows, columns, 3), 0..255."""
    rows, columns = plate_shape(stage)
    y = ((np.arange(rows, dtype=np.float32) + 0.5) / rows * stage.height)[:, None]
    x = ((np.arange(columns, dtype=np.float32) + 0.5) / columns * stage.width)[None, :]
    random = np.random.default_rng([stage.seed & 0xFFFFFFFF, 11])
    cloud_tile = tile(random)
    picture = _gradient(stage, y, columns, sample(cloud_tile, x / 2600, y / 2600))
    if stage.backdrop is None:
        picture = _glow(stage, picture, x, y)
        if stage.clouds > 0 and not stage.flat:
            picture = _clouds(stage, picture, x, y, cloud_tile)
    return np.clip(picture, 0, 255)


def _gradient(stage: Stage, y: Field, columns: int, wander: Field) -> Field:
    colours = stage.backdrop or stage.light.sky
    ramp = [mix(colours[0], colours[0], 0.0)]
    count = len(colours) - 1
    for step in range(1, 33):
        place = step / 32 * count
        low = min(int(place), count - 1)
        ramp.append(mix(colours[low], colours[low + 1], place - low))
    reach = stage.horizon if stage.backdrop is None else stage.height
    drift = 0.0 if stage.flat else 0.10
    spot = np.clip(y / reach + (wander - 0.5) * drift, 0, 1) ** 1.1
    if stage.flat:
        spot = np.floor(spot * 7.99) / 7
    channels = [
        np.interp(spot, np.linspace(0, 1, 33), [c[i] * 255 for c in ramp]) for i in range(3)
    ]
    return np.broadcast_to(np.stack(channels, -1), (y.shape[0], columns, 3)).astype(np.float32)


def _screen(picture: Field, light: Field, colour: Colour) -> Field:
    return picture + (255 - picture) * light[..., None] * np.asarray(colour, np.float32)


def _glow(stage: Stage, picture: Field, x: Field, y: Field) -> Field:
    weather = stage.scene.weather
    strength = {"night": 0.30, "noon": 0.5}.get(stage.light.time, 0.62)
    strength *= 0.35 if weather & {"storm", "rain", "fog", "snow", "cloudy"} else 1.0
    sun_x, sun_y = stage.sun
    near = np.hypot(x - sun_x, (y - sun_y) * 1.15)
    halo = 0.75 * np.exp(-near / (stage.sun_radius * 2.2)) + 0.4 * np.exp(-near / 380)
    if stage.light.time in ("dawn", "sunset", "dusk", "golden"):
        band = np.exp(-np.abs(y - stage.horizon) / 130) * np.exp(-np.abs(x - sun_x) / 600)
        halo = halo + 0.5 * band
    warm = stage.light.sun if stage.light.time != "night" else (0.62, 0.74, 1.0)
    if stage.flat:
        halo = np.floor(halo * 5) / 5
    return _screen(picture, np.clip(halo * strength, 0, 1).astype(np.float32), warm)


def _clouds(stage: Stage, picture: Field, x: Field, y: Field, source: Field) -> Field:
    """Clouds on a ceiling seen in perspective: large overhead, thin strips at the horizon."""
    rng = stage.rng("clouds")
    shift_x, shift_y = rng.random(), rng.random()
    up = np.clip((stage.horizon - y) / stage.horizon, 0, 1)
    far = 1 / (up + 0.22)
    scale = 2300 + 900 * rng.random()
    u = (x - stage.width / 2) * far / scale * 0.55 + shift_x
    v = far * 0.42 + shift_y
    warp = sample(source, u * 2.7 + 0.3, v * 2.7)
    thick = sample(source, u + (warp - 0.5) * 0.09, v + (warp - 0.5) * 0.05)
    lean = 0.02 * stage.side
    toward = sample(source, u + lean + (warp - 0.5) * 0.09, v + 0.03 + (warp - 0.5) * 0.05)
    edge = 0.80 - 0.62 * stage.clouds
    cover = smoothstep(edge - 0.05, edge + 0.22, thick) * smoothstep(0.0, 0.10, up)
    shade = np.clip(0.55 + 2.3 * (thick - toward), 0, 1)[..., None]
    bright, dark = _cloud_colours(stage)
    body = (
        np.asarray(dark, np.float32) * 255 * (1 - shade)
        + np.asarray(bright, np.float32) * 255 * shade
    )
    sun_x, sun_y = stage.sun
    lining = np.exp(-np.hypot(x - sun_x, y - sun_y) / 260)[..., None] * (1 - cover[..., None]) * 0.9
    body = body + (np.asarray(stage.light.sun, np.float32) * 255 - body) * np.clip(lining, 0, 1)
    veil = (cover * 0.93)[..., None]
    return np.asarray(picture * (1 - veil) + body * veil, np.float32)


def _cloud_colours(stage: Stage) -> tuple[Colour, Colour]:
    top, middle, horizon = stage.light.sky
    if stage.scene.weather & {"storm", "rain"}:
        return mix(middle, horizon, 0.65), mix(top, (0.05, 0.07, 0.10), 0.45)
    if stage.light.time == "night":
        return mix(middle, horizon, 0.7), mix(top, middle, 0.4)
    if stage.light.time in ("sunset", "dusk", "dawn"):
        return mix(horizon, (1.0, 0.96, 0.86), 0.35), mix(middle, top, 0.55)
    return (1.0, 0.995, 0.98), mix(under(middle, (0.92, 0.93, 0.97)), (0.75, 0.77, 0.83), 0.45)
