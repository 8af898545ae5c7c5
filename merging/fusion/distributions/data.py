"""What a source says of a response: on its own tokens (`Top`), and carried to the target's (`Carried`).

Row i of every array is the distribution FROM WHICH response token i is drawn: the model's output at the
position before it. A response includes the token that ends it, if it has one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Top:
    """A source's likeliest k tokens at each of its own n response tokens, in natural logarithms.

    `ids` int32 [n, k] and `logprobs` float32 [n, k], likeliest first; `tail` float32 [n], the logarithm of
    the mass outside them; `gold` float32 [n], the log-probability of the token that came.
    """

    ids: Ints
    logprobs: Floats
    tail: Floats
    gold: Floats


@dataclass(frozen=True, eq=False)
class Carried:
    """What a source says of the target's n response tokens, in the target's ids.

    `ids` int32 [n, k], distinct in a row, -1 where a row holds fewer; `logprobs` float32 [n, k], -inf there;
    `tail` float32 [n], the logarithm of the mass outside the kept ids; `known` bool [n], false where nothing
    is known. `gold` float32 [n] is the source's log-probability of the text of each target token, NaN where
    the spans do not tell.

    Aligned spans tile the response: `chunk_end` bool [n] marks the last target token of each, and
    `chunk_logprob` float32 [n] is there the source's log-probability of the span's text, NaN where unknown.
    `logprob` is that of the whole response and `nbytes` its length: their quotient compares models of any
    tokenizer.
    """

    ids: Ints
    logprobs: Floats
    tail: Floats
    known: Bools
    gold: Floats
    chunk_end: Bools
    chunk_logprob: Floats
    logprob: float
    nbytes: int

    @property
    def entropy_per_byte(self) -> float:
        """The source's cross-entropy of the response, in nats a byte of its text."""
        return -self.logprob / max(1, self.nbytes)
