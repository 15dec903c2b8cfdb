"""The Wilson score interval: how far the true rate may lie from the one that was counted.

E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal of
the American Statistical Association 22 (1927), pages 209-212; method 3 of R. G. Newcombe,
"Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998).
"""

from __future__ import annotations

from functools import lru_cache
from math import sqrt
from statistics import NormalDist


@lru_cache(maxsize=64)
def _z(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}: it lies between 0 and 1, such as 0.95")
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(successes: int, attempts: int, confidence: float = 0.95) -> tuple[float, float]:
    """Give the two-sided interval of a rate as `(low, high)`.

    The counted rate lies in it, both ends lie in 0..1, and without attempts it is all of 0..1,
    since nothing is known.

    Args:
        successes: of the attempts; 0 ≤ successes ≤ attempts.
        attempts: the size of the sample.
        confidence: how often such an interval holds the true rate, in 0..1 without the ends.

    Raises:
        ValueError: counts or confidence are out of range.
    """
    z = _z(confidence)
    if not 0 <= successes <= attempts:
        raise ValueError(f"{successes} successes of {attempts} attempts: not a rate")
    if attempts == 0:
        return 0.0, 1.0
    rate = successes / attempts
    share = z * z / attempts
    centre = (rate + share / 2) / (1 + share)
    margin = z * sqrt(rate * (1 - rate) / attempts + share / (4 * attempts)) / (1 + share)
    # Rounding must not push an end past the rate, nor the ends 0 and 1 off their places.
    low = 0.0 if successes == 0 else min(rate, centre - margin)
    high = 1.0 if successes == attempts else max(rate, centre + margin)
    return max(0.0, low), min(1.0, high)
