"""The truncated normal distribution as Optuna's TPE computes it, to the last bit, without loops in Python.

Where the numbers are out of the ordinary, and for masses, Optuna's own private module `_truncnorm` is asked.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from optuna.samplers._tpe import _truncnorm

Array = NDArray[np.float64]

_FAR = -20.0
"""Left of here a normal's tail is below e^-200."""
_FAINT = -100.0
_ROOT_2 = 2**0.5
_ERF, _ERFC, _LOG = (np.frompyfunc(f, 1, 1) for f in (math.erf, math.erfc, math.log))
"""The C library's, for the last bit of numpy's is another one."""


def log_mass(a: Array, b: Array) -> Array:
    """The logarithm of a standard normal's mass between a and b, elementwise."""
    if (a > 0).any() or (b <= 0).any():
        return np.asarray(_truncnorm._log_gauss_mass(a, b))
    return np.asarray(np.log1p(-_truncnorm._ndtr(a) - _truncnorm._ndtr(-b)))


def truncated(q: Array, a: Array, b: Array) -> Array:
    """Where a standard normal between a ≤ 0 and b has come to the share q of its mass, elementwise."""
    if not (a < 0).all() or not (b > 0).all() or (q == 0).any():
        return np.asarray(_truncnorm.ppf(q, a, b))  # a kernel on the edge of its range, or outside
    target = np.log(q) + log_mass(a, b)
    # A tail that lies far out does not move the sum by a bit, unless that is as small.
    near = (a > _FAR) | (target < _FAINT)
    target[near] = np.logaddexp(_log_below(a[near]), target[near])
    return _inverse(target)


def _log_below(x: Array) -> Array:
    """The logarithm of a standard normal's mass left of x."""
    below = np.empty_like(x)
    ordinary = (x > _FAR) & (x <= 6)
    if not ordinary.all():
        below[~ordinary] = _truncnorm._log_ndtr(x[~ordinary])
    below[ordinary] = _each(_LOG, _below(x[ordinary]))
    return below


def _below(x: Array) -> Array:
    z = x / _ROOT_2
    left, right = z < -1 / _ROOT_2, z >= 1 / _ROOT_2
    centre = ~(left | right)
    mass = np.empty_like(z)
    mass[left] = 0.5 * _each(_ERFC, -z[left])
    mass[centre] = 0.5 + 0.5 * _each(_ERF, z[centre])
    mass[right] = 1.0 - 0.5 * _each(_ERFC, z[right])
    return mass


def _each(function: np.ufunc, x: Array) -> Array:
    return np.asarray(function(x), dtype=np.float64)


def _inverse(y: Array) -> Array:
    """Where the logarithm of the mass is y: Newton's steps on all elements until the last one stands."""
    flipped = y > -1e-2
    z = y.copy()
    z[flipped] = np.log(-np.expm1(y[flipped]))
    x = np.empty_like(y)
    small = z < -5
    x[small] = -np.sqrt(-2.0 * (z[small] + _truncnorm._norm_pdf_logC))
    x[~small] = -_truncnorm._ndtri_exp_approx_C * np.log(np.expm1(-z[~small]))
    for _ in range(100):
        below = _log_below(x)
        step = (below - z) * np.exp(below - (-0.5 * x**2 - _truncnorm._norm_pdf_logC))
        x -= step
        if np.all(np.abs(step) < 1e-8 * np.abs(x)):
            break
    x[flipped] *= -1
    return x
