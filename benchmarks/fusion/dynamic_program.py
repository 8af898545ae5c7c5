"""What public fusion code does instead of counting bytes: dynamic time warping over tokens' spellings.

Written plainly, for comparison only. FuseLLM's and FuseChat's are such a double loop, with a distance in C.
"""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

FAR = 1 << 60


def warp(ours: Sequence[str], theirs: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of tokens of the two sides on the path of least edit distance, from first to last."""
    costs = [[FAR] * (len(theirs) + 1) for _ in range(len(ours) + 1)]
    costs[0][0] = 0
    for i, a in enumerate(ours, 1):
        for j, b in enumerate(theirs, 1):
            best = min(costs[i - 1][j], costs[i][j - 1], costs[i - 1][j - 1])
            costs[i][j] = Levenshtein.distance(a, b) + best
    return _path(costs)


def _path(costs: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    i, j = len(costs) - 1, len(costs[0]) - 1
    path = []
    while i > 0 and j > 0:
        path.append((i - 1, j - 1))
        before = {
            (i - 1, j - 1): costs[i - 1][j - 1],
            (i - 1, j): costs[i - 1][j],
            (i, j - 1): costs[i][j - 1],
        }
        i, j = min(before, key=before.__getitem__)
    return path[::-1]
