"""What a drawing of one thing is given: the light it stands in and the colour it was asked for."""

from dataclasses import dataclass
from random import Random

from safelight.providers.sketch.colour import Colour, lighter, parse
from safelight.providers.sketch.stage import Stage

NAMED_KEEPS = 0.5  # a red lighthouse must be red at night too


@dataclass(frozen=True, slots=True)
class Brush:
    """Colours for one thing; drawings stand on (0, 0), are about 100 high and look to the right."""

    stage: Stage
    rng: Random
    depth: float
    colour: Colour | None
    word: str

    def main(self, code: str) -> Colour:
        """The asked colour, or this one, under the scene's light."""
        if self.colour:
            return self.stage.lit(self.colour, self.depth, NAMED_KEEPS)
        return self.lit(code, 0.2)

    def lit(self, code: str, keep: float = 0.1) -> Colour:
        """Any other colour of the thing under the scene's light."""
        return self.stage.lit(parse(code), self.depth, keep)

    def glass(self) -> Colour:
        """A window, lit when it is dark outside."""
        return self.stage.window()

    @property
    def dark(self) -> bool:
        """Whether lamps are lit."""
        return self.stage.light.lamps > 0.3

    def round(self, colour: Colour) -> str:
        """A fill that turns away from the light, left to right."""
        lit, shade = (lighter(colour, 0.05), 1.0), (lighter(colour, -0.13), 1.0)
        return self.stage.gradient(
            *((shade, lit) if self.stage.side > 0 else (lit, shade)), across=True
        )

    def down(self, colour: Colour) -> str:
        """A fill lit from above."""
        return self.stage.gradient((lighter(colour, 0.05), 1), (lighter(colour, -0.11), 1))
