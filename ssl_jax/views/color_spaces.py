"""Color spaces other than sRGB: formulas for planes of numpy, jax or tensorflow."""

from collections.abc import Callable, Sequence
from typing import Any

TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
"""From linear sRGB (ITU-R BT.709 primaries) to CIE XYZ, a row for each of X, Y and Z."""
FROM_XYZ = (
    (3.240481343200526, -1.5371515162713185, -0.4985363261688878),
    (-0.9692549499965682, 1.8759900014898907, 0.04155592655829284),
    (0.05564663913517716, -0.20404133836651123, 1.0573110696453443),
)
"""The inverse of `TO_XYZ`."""
WHITE = (0.95047, 1.0, 1.08883)
"""X, Y and Z of the illuminant D65 for the observer of 2 degrees."""
LAB_RANGES = ((0.0, 100.0), (-86.183, 98.233), (-107.857, 94.478))
"""The least and the greatest L, a and b of colors in sRGB, as CMC's code has them."""


SLOPE = 7.787
"""Of the straight part of CIE's cube root, below 0.008856."""


def lab(rgb: Sequence[Any], where: Callable) -> list:
    """`cie_lab` of the planes r, g and b in 0..1, each of the three in 0..1 of its `LAB_RANGES`."""
    return [(plane - low) / (high - low) for plane, (low, high) in zip(cie_lab(rgb, where), LAB_RANGES, strict=True)]


def cie_lab(rgb: Sequence[Any], where: Callable) -> tuple:
    """CIE L*, a* and b* of the planes r, g and b in 0..1; L is 0..100.

    where: that of the planes' library, numpy's or another's. (CIE 15:2004; scikit-image's rgb2lab.)
    """
    linear = [where(c > 0.04045, ((c + 0.055) / 1.055) ** 2.4, c / 12.92) for c in rgb]
    xyz = [sum(w * c for w, c in zip(row, linear, strict=True)) / n for row, n in zip(TO_XYZ, WHITE, strict=True)]
    # a root of what is small is not taken, as where() computes both sides
    x, y, z = (where(t > 0.008856, where(t > 0.008856, t, 1.0) ** (1 / 3), SLOPE * t + 16 / 116) for t in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def rgb(lab: Sequence[Any], where: Callable) -> list:
    """The planes r, g and b of CIE L*, a* and b*: in 0..1 where sRGB has the color, and outside where not."""
    middle = (lab[0] + 16) / 116
    roots = (middle + lab[1] / 500, middle, middle - lab[2] / 200)
    xyz = [n * where(t > 6 / 29, t**3, (t - 16 / 116) / SLOPE) for t, n in zip(roots, WHITE, strict=True)]
    linear = [sum(w * c for w, c in zip(row, xyz, strict=True)) for row in FROM_XYZ]
    return [where(c > 0.0031308, 1.055 * where(c > 0.0031308, c, 1.0) ** (1 / 2.4) - 0.055, 12.92 * c) for c in linear]
