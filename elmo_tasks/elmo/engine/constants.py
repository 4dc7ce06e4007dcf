"""The numbers in the arithmetic of `kernels` and `interpreted`."""

from __future__ import annotations

import numpy as np

ONE, TWO, HALF = np.float32(1.0), np.float32(2.0), np.float32(0.5)
LN2, LOG2E = np.float32(0.6931471805599453), np.float32(1.4426950408889634)
LIMIT = np.float32(29.0)  # sigmoid(29) is within 3e-13 of 1, and exp(29) cubed is still finite in float32
# Taylor coefficients of exp after 1 + r for |r| <= ln(2) / 2: the next term is 1e-7.
C2, C3, C4, C5, C6 = (np.float32(1 / n) for n in (2, 6, 24, 120, 720))
LARGEST, TINY = np.float32(127.0), np.float32(1e-30)  # the largest 8-bit integer; the scale of a row of zeros
BITS = 0x7FFF  # added to a float32 before its last 16 bits are cut off, with 1 more for odd numbers: rounds to even
