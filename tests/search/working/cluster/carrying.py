"""An order carried out to its end."""

from __future__ import annotations

from contextlib import closing

from search.working.cluster.launch import kept_placed
from search.working.cluster.order import Order


def carry_out(order: Order, connect_s: float = 60.0) -> None:
    with closing(kept_placed(order, lambda _, line: None, connect_s)) as ticks:
        for _ in ticks:
            pass
