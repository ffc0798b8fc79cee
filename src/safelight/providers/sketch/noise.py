"""Cloudy randomness: one seamless tile of it serves clouds, water, paper and pigment."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating[Any]]
TILE_SIDE = 256


def _enlarged(ring: Field, samples: int) -> Field:
    """Blend the rows of `ring`, whose last meets its first, into `samples` smooth rows.

    Four weighted rows each (a cubic B-spline), not a matrix product: that would wake the linear
    algebra library's threads for nothing.
    """
    cells = ring.shape[0]
    position = np.arange(samples, dtype=np.float32) * (cells / samples)
    base = np.floor(position).astype(int)
    t = (position - base)[:, None]
    near, far = (3 * t**3 - 6 * t**2 + 4) / 6, (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6
    weights = ((1 - t) ** 3 / 6, near, far, t**3 / 6)
    rows = (ring[(base + offset - 1) % cells] * w for offset, w in enumerate(weights))
    return np.asarray(sum(rows), np.float32)


def tile(
    rng: np.random.Generator, first_cells: int = 4, octaves: int = 6, gain: float = 0.55
) -> Field:
    """A seamless square of cloudy noise, (TILE_SIDE, TILE_SIDE), 0..1 with mean 0.5."""
    total = np.zeros((TILE_SIDE, TILE_SIDE), np.float32)
    for octave in range(octaves):
        cells = first_cells << octave
        if cells > TILE_SIDE // 2:
            break
        lattice = rng.standard_normal((cells, cells), dtype=np.float32)
        rows = _enlarged(lattice, TILE_SIDE)
        total += gain**octave * _enlarged(rows.T, TILE_SIDE).T
    ranks = (total - total.mean()) / total.std()
    return np.asarray(0.5 + 0.5 * np.tanh(0.62 * ranks), np.float32)


def sample(source: Field, x: Field, y: Field) -> Field:
    """Look the tile up between its points. x, y: in tile widths, any value; they broadcast."""
    side = source.shape[0]
    column, row = np.broadcast_arrays(x * side, y * side)
    left, top = np.floor(column), np.floor(row)
    dx, dy = (column - left).astype(np.float32), (row - top).astype(np.float32)
    x0, y0 = left.astype(np.int64) % side, top.astype(np.int64) % side
    flat = source.ravel()
    here, below = y0 * side, (y0 + 1) % side * side
    x1 = (x0 + 1) % side
    upper = flat[here + x0] * (1 - dx) + flat[here + x1] * dx
    lower = flat[below + x0] * (1 - dx) + flat[below + x1] * dx
    return np.asarray(upper + (lower - upper) * dy, np.float32)


def smoothstep(low: float, high: float, value: Field) -> Field:
    """0 below `low`, 1 above `high`, a soft ramp between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
