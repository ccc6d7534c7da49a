"""Color spaces other than sRGB: formulas for planes of numpy, jax or tensorflow."""

from collections.abc import Callable, Sequence
from typing import Any

TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
"""From linear sRGB (ITU-R BT.709 primaries) to CIE XYZ, a row for each of X, Y and Z."""
WHITE = (0.95047, 1.0, 1.08883)
"""X, Y and Z of the illuminant D65 for the observer of 2 degrees."""
LAB_RANGES = ((0.0, 100.0), (-86.183, 98.233), (-107.857, 94.478))
"""The least and the greatest L, a and b of colors in sRGB, as CMC's code has them."""


def lab(rgb: Sequence[Any], where: Callable) -> list:
    """CIE L*a*b* of the planes r, g and b in 0..1, each of the three in 0..1 of its `LAB_RANGES`.

    where: that of the planes' library, numpy's or another's. (CIE 15:2004; scikit-image's rgb2lab.)
    """
    linear = [where(c > 0.04045, ((c + 0.055) / 1.055) ** 2.4, c / 12.92) for c in rgb]
    xyz = [sum(w * c for w, c in zip(row, linear, strict=True)) / n for row, n in zip(TO_XYZ, WHITE, strict=True)]
    # a root of what is small is not taken, as where() computes both sides
    x, y, z = (where(t > 0.008856, where(t > 0.008856, t, 1.0) ** (1 / 3), 7.787 * t + 16 / 116) for t in xyz)
    found = (116 * y - 16, 500 * (x - y), 200 * (y - z))
    return [(plane - low) / (high - low) for plane, (low, high) in zip(found, LAB_RANGES, strict=True)]
