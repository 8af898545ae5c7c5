"""Samplers of our own, where Optuna has none that is quick, frugal and exact enough: arrays in, a point out.

`choice.py` says which sampler `auto` is, and why. `coordinates.py` has a space as a unit cube with few coarse
coordinates; over them `gaussian.py` is a Gaussian process, `seeking.py` where it would try next, and
`evolution.py` is CMA-ES. Nothing is kept between two proposals but what can be computed again.
"""
