"""People, robots and astronauts, small in the picture."""

# ruff: noqa: E501  (coordinates and word lists read better in long rows)

from safelight.providers.sketch.colour import lighter
from safelight.providers.sketch.pen import box, circle, ellipse, fill, line, smooth, stroke
from safelight.providers.sketch.things import vessels
from safelight.providers.sketch.things.brush import Brush


def person(b: Brush) -> str:
    """A walker seen from behind, coat and hat."""
    coat, skin, dark = (
        b.main(b.rng.choice(("#c8443a", "#e0a432", "#2f5d7c", "#3d6b52"))),
        b.lit("#d9a57c"),
        b.lit("#2d2a33"),
    )
    svg = fill(
        line([(-9, -36), (-2, -36), (-3, 0), (-11, 0)])
        + line([(2, -36), (9, -36), (13, 0), (5, 0)]),
        dark,
    )
    skirt = 17 if b.word in ("woman", "girl", "dancer") else 13
    svg += fill(
        smooth([(-10, -76), (10, -76), (14, -56), (skirt, -28), (-skirt, -28), (-14, -56)]),
        b.round(coat),
    )
    svg += (
        stroke("M-11,-72L-17,-44M11,-72L18,-46", lighter(coat, -0.06), 5.5)
        + circle(-17, -42, 3, skin)
        + circle(18, -44, 3, skin)
    )
    svg += circle(0, -86, 8.4, skin)
    if umbrella := b.stage.scene.has("umbrella"):
        own = Brush(b.stage, b.rng, b.depth, umbrella.colour, umbrella.word)
        svg = f'<g transform="translate(18 -44) scale(0.9)">{vessels.umbrella(own)}</g>' + svg
    hair = b.lit(b.rng.choice(("#3a2a24", "#6b4428", "#c9913f")))
    if b.word in ("woman", "girl", "dancer"):
        return svg + fill(
            smooth([(-9, -88), (0, -97), (9, -88), (10, -74), (4, -66), (-5, -66), (-10, -74)]),
            hair,
        )
    return (
        svg
        + fill(smooth([(-9, -86), (-8, -94), (0, -97), (8, -94), (9, -86), (0, -83)]), hair)
        + ellipse(0, -91, 15, 3, dark)
        + fill("M-8,-91q0,-12 8,-12q8,0 8,12Z", dark)
    )


def robot(b: Brush) -> str:
    """Made of biscuit tins."""
    tin, dark = b.main("#9db4bf"), b.lit("#3a4450")
    svg = fill(box(-20, -22, 12, 20) + box(8, -22, 12, 20), dark) + fill(
        box(-24, -6, 20, 6) + box(4, -6, 20, 6), tin
    )
    svg += stroke("M-26,-54C-44,-50 -44,-36 -38,-28M26,-54C44,-56 46,-70 42,-78", tin, 6)
    svg += circle(-37, -25, 6, dark) + circle(41, -82, 6, dark)
    svg += f'<rect x="-27" y="-62" width="54" height="42" rx="6" fill="{b.round(tin)}"/><rect x="-21" y="-98" width="42" height="32" rx="8" fill="{b.round(lighter(tin, 0.04))}"/>'
    svg += stroke("M0,-98v-10", dark, 2) + circle(0, -110, 4, b.lit("#e8453a", 0.5))
    for x in (-9, 9):
        svg += circle(x, -84, 6.4, dark) + circle(x, -84, 4.2, (0.55, 0.95, 0.95))
    svg += (
        stroke("M-9,-72h18", dark, 2)
        + fill(box(-16, -54, 32, 16), dark)
        + circle(-9, -46, 3, (0.95, 0.5, 0.3))
        + circle(0, -46, 3, (0.98, 0.82, 0.35))
        + circle(9, -46, 3, (0.45, 0.85, 0.5))
    )
    return svg


def astronaut(b: Brush) -> str:
    """Alone, but well dressed."""
    suit = b.main("#eceef0")
    shade = lighter(suit, -0.12)
    svg = f'<rect x="-24" y="-72" width="48" height="44" rx="8" fill="{b.stage.gradient((shade, 1), (lighter(shade, -0.1), 1))}"/>'
    svg += stroke("M-8,-32L-11,-6M8,-32L12,-6", suit, 13) + fill(
        smooth([(-21, -6), (-4, -8), (-3, 0), (-22, 0)])
        + smooth([(4, -8), (21, -6), (24, 0), (4, 0)]),
        shade,
    )
    svg += (
        stroke("M-16,-60L-28,-38M16,-60L30,-44", suit, 11)
        + circle(-29, -35, 5.5, shade)
        + circle(31, -41, 5.5, shade)
    )
    svg += fill(
        smooth([(-16, -68), (16, -68), (18, -44), (14, -26), (-14, -26), (-18, -44)]), b.round(suit)
    )
    svg += (
        circle(0, -82, 18, b.round(suit))
        + ellipse(2, -82, 13, 11.5, b.lit("#2b3a5a", 0.4))
        + fill(smooth([(5, -92), (12, -87), (13, -80), (8, -86)]), (0.85, 0.93, 1.0), 0.8)
    )
    return (
        svg
        + fill(box(-8, -54, 16, 9), shade)
        + circle(-4, -49.5, 2, b.lit("#d8443a", 0.5))
        + circle(3, -49.5, 2, b.lit("#3f8fd0", 0.5))
    )
