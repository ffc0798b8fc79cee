"""The styles there are; a new one is a file with `finish` and a line here."""

from safelight.providers.sketch.styles import cartoon, realistic, risograph, watercolor
from safelight.providers.sketch.styles.looks import Look

LOOKS = {
    "realistic": Look("realistic", realistic.finish, glow=True),
    "cartoon": Look("cartoon", cartoon.finish, ink=4.5, flat=True),
    "watercolor": Look("watercolor", watercolor.finish, margin=12),
    "risograph": Look("risograph", risograph.finish, margin=4),
}
