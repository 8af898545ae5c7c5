"""Let mergekit 0.1.5 merge small tensors with the methods outside the task-arithmetic family.

    python -m venv oracle && oracle/bin/pip install mergekit==0.1.5
    oracle/bin/python tests/oracle/make_operator_goldens.py

mergekit's requirements clash with ours, so it has an environment of its own. It is asked on tensors, in
float32 (the golden) and in float64 (the truth, for the smooth methods on the first families); the tests read
only what was kept in `golden/operators/`, inputs included, as torch's random numbers may change.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from mergekit.merge_methods import merge_tensors
from safetensors.torch import save_file
from torch import Tensor

GOLDEN = Path(__file__).parent / "golden" / "operators"
SHAPES = ((7,), (33,), (9, 14), (2, 3, 5))
EXPERTS = 4
WITH_TRUTH = ("independent", "tuned", "close")

Case = dict[str, Any]


def families() -> dict[str, list[list[Tensor]]]:
    """Base and experts of each shape, by name of what is special about them."""
    generator = torch.Generator().manual_seed(0)

    def normal(shape: tuple[int, ...], scale: float = 1.0) -> Tensor:
        return torch.randn(shape, generator=generator) * scale

    made: dict[str, list[list[Tensor]]] = {name: [] for name in (*WITH_TRUTH, "bfloat16", "zero", "opposite")}
    for shape in SHAPES:
        base, other = normal(shape, 0.5), normal(shape)
        made["independent"].append([base, *[normal(shape, scale) for scale in (1.0, 0.3, 0.7, 2.0)]])
        made["tuned"].append([base, *[base + normal(shape, 0.006) for _ in range(EXPERTS)]])
        made["close"].append([base, *[base + normal(shape, 0.0006) for _ in range(EXPERTS)]])
        small = base * 0.05
        tuned = [small, *[small + normal(shape, 1e-3) for _ in range(EXPERTS)]]
        made["bfloat16"].append([tensor.bfloat16() for tensor in tuned])
        made["zero"].append([base, torch.zeros(shape), base.clone(), other, base + normal(shape, 0.1)])
        made["opposite"].append([base, -base, other, -other, 2 * base])
    return made


def cases() -> list[Case]:
    """What is asked: a method, its parameters, which experts, and whether the base takes part."""
    two, three, four = [0, 1], [0, 1, 2], [0, 1, 2, 3]
    asked: list[Case] = []

    def ask(method: str, experts: list[int], base: bool, **parameters: Any) -> None:
        asked.append({"method": method, "experts": experts, "base": base, "parameters": parameters})

    for t in (0.0, 0.3, 1.0):
        ask("slerp", [0], True, t=t)
    ask("slerp", [3], True, t=0.5)
    for weight, base, more in (
        ([0.6, 0.3], False, {}),
        ([0.6, 0.3], True, {}),
        ([0.5, -0.5], False, {}),
        ([0.4, 0.6], False, {"nuslerp_flatten": False, "nuslerp_row_wise": False}),
        ([0.4, 0.6], True, {"nuslerp_flatten": False, "nuslerp_row_wise": True}),
    ):
        ask("nuslerp", two, base, weight=weight, **more)
    ask("multislerp", two, False, weight=[0.6, 0.3])
    ask("multislerp", three, True, weight=[0.6, 0.3, 0.4])
    ask("multislerp", four, False, weight=[0.6, 0.3, 0.4, -0.2], normalize_weights=False)
    ask("multislerp", three, False, weight=[1.0, 1.0, 1.0], eps=1e-3)
    ask("multislerp", [1, 2], False, weight=[0.5, 0.5])
    ask("multislerp", three, False, weight=[0.0, 0.5, 0.5])
    ask("karcher", two, False)
    ask("karcher", four, False)
    ask("karcher", three, False, max_iter=2, tol=1e-9)
    for filter_wise in (False, True):
        ask("model_stock", two, True, filter_wise=filter_wise)
        ask("model_stock", four, True, filter_wise=filter_wise)
    for select_topk in (1.0, 0.5, 0.1, 0.0):
        ask("sce", three, True, select_topk=select_topk)
    ask("sce", four, True, select_topk=0.7)
    ask("sce", [1], True)
    for t in (0.0, 1e-3, 0.3):
        ask("nearswap", [0], True, t=t)
    ask("arcee_fusion", [3], True)
    ask("passthrough", [0], False, scale=0.7)
    return asked


def merge(case: Case, tensors: list[Tensor], dtype: torch.dtype) -> Tensor:
    inputs = [tensors[1 + i] for i in case["experts"]]
    if case["base"]:
        inputs = [tensors[0], *inputs]
    return merge_tensors(
        [tensor.to(dtype) for tensor in inputs],
        case["method"],
        parameters=case["parameters"],
        base_index=0 if case["base"] else None,
        dtype=dtype,
    )


def main() -> None:
    assert version("mergekit") == "0.1.5", "goldens are mergekit 0.1.5's; install that version"
    kept: dict[str, Tensor] = {}
    refused: dict[str, str] = {}
    asked = cases()
    for name, shapes in families().items():
        for i in range(1 + EXPERTS):
            kept[f"{name}/{i}"] = torch.cat([tensors[i].flatten() for tensors in shapes])
        for number, case in enumerate(asked):
            key = f"{name}/case{number}"
            try:
                kept[key] = flat(case, shapes, torch.float32)
            except ValueError as error:
                refused[key] = str(error)
                continue
            if name in WITH_TRUTH and case["method"] not in (
                "sce",
                "arcee_fusion",
                "nearswap",
                "passthrough",
            ):
                kept[f"{key}/truth"] = flat(case, shapes, torch.float64)
    GOLDEN.mkdir(parents=True, exist_ok=True)
    save_file(kept, GOLDEN / "tensors.safetensors")
    facts = {"shapes": SHAPES, "experts": EXPERTS, "cases": asked, "refused": refused}
    (GOLDEN / "cases.json").write_text(json.dumps(facts, indent=1) + "\n")
    print(f"{len(kept)} tensors, {len(refused)} refused")


def flat(case: Case, shapes: list[list[Tensor]], dtype: torch.dtype) -> Tensor:
    """Results of one case for all shapes, one after another, float32."""
    return torch.cat([merge(case, tensors, dtype).float().flatten() for tensors in shapes])


if __name__ == "__main__":
    main()
