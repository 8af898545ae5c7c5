"""What the registry promises of each method, kept by the steps that are made of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from merging.mergekit.arithmetic import merge_like_mergekit
from merging.methods.masks import mask_key
from merging.methods.operators import FACTOR
from merging.methods.registry import METHODS, PARAMETERS, REQUIRED, Method
from merging.recipe.rules import Parameters, more_of
from merging.statistics.known import Statistics, TensorSet
from merging.worker.outline import Ingredients
from merging.worker.runner import Runner, Step
from merging.worker.steps import step_for

NAME = "model.layers.0.mlp.up_proj.weight"
DTYPES = (torch.bfloat16, torch.float16, torch.float32)
WEIGHTS = st.floats(-2, 2).map(lambda weight: round(weight, 2))
THINNING = [method.name for method in METHODS.values() if method.sparsifier]


def keeping(identity: str) -> list[str]:
    return [method.name for method in METHODS.values() if identity in method.identities]


@dataclass(frozen=True)
class Made:
    """A candidate's tensor, in float32, with the step that made it."""

    step: Step
    out: Tensor

    def cast(self, dtype: torch.dtype) -> Tensor:
        return self.out.to(dtype)


def make(
    method: str,
    base: Tensor,
    experts: Sequence[Tensor],
    parameters: Parameters,
    *,
    names: str = "abcdef",
    statistics: Statistics | None = None,
) -> Made:
    """One tensor of a candidate; `names` stand for the experts' content, which keys their masks."""
    tensors = TensorSet(base, tuple(experts), "base", tuple(names[: len(experts)]))
    peaks = tuple(float(t.float().abs().max()) if t.numel() else 0.0 for t in (base, *experts))
    keys = tuple(mask_key(0, NAME, expert) for expert in tensors.expert_ids)
    runner = Runner()
    item = Ingredients(NAME, tensors, parameters, keys, peaks)
    step = step_for(METHODS[method], item, statistics or Statistics())
    out = torch.empty(base.shape)
    runner.run(step, step.inputs, out)
    return Made(step, out)


def parameters_of(method: str, weight: Sequence[float], density: float = 1.0, **more: Any) -> Parameters:
    """Parameters with the method's defaults; what it needs and has no default is given here."""
    described, n = METHODS[method], len(weight)
    defaults = {"normalize": described.normalize, "rescale": described.rescale, "lambda_": 1.0}
    own: dict[str, Any] = {name: more.pop(name, value) for name, value in defaults.items()}
    given = {name: described.defaults[name] for name in more_of(described)} | more
    filled: dict[str, Any] = {name: 0.3 if value is REQUIRED else value for name, value in given.items()}
    spread = {name: (value,) * n for name, value in filled.items() if PARAMETERS[name].per_expert}
    return Parameters(tuple(weight), (density,) * n, **own, more=tuple(sorted((filled | spread).items())))


@st.composite
def models(draw: st.DrawFn, fewest: int, most: int, least: int = 1) -> tuple[Tensor, list[Tensor]]:
    """A base and experts: a vector or a matrix of at least so many elements, each model of its own dtype."""
    sizes = st.integers(1, 9)
    shape = draw(st.tuples(st.integers(least, 70)) | st.tuples(sizes, sizes.map(lambda n: max(n, least))))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    base = torch.randn(shape, generator=generator)
    change = draw(st.sampled_from((0.01, 0.5)))
    count = draw(st.integers(fewest, most))
    tuned = [base + torch.randn(shape, generator=generator) * change for _ in range(count)]
    base, *experts = (tensor.to(draw(st.sampled_from(DTYPES))) for tensor in (base, *tuned))
    return base, experts


@st.composite
def settings_of(draw: st.DrawFn, method: Method, n: int, positive: bool = False) -> Parameters:
    """Any parameters that a recipe may give for n experts."""
    weight = st.floats(0.05, 2) if positive else WEIGHTS
    density = tuple(draw(st.just(1.0) | st.floats(0.02, 0.99)) for _ in range(n))
    room = [min(share, 1 - share) * 0.99 for share in density]
    values: dict[str, st.SearchStrategy[Any]] = {
        "gamma": st.tuples(*(st.floats(0, 1 - share) for share in density)),
        "epsilon": st.tuples(*(st.floats(0, max(share, 0)) for share in room)),
        "t": st.floats(0, 1),
        "scale": st.floats(-2, 2),
        "select_topk": st.floats(0, 1) | st.just(1.0),
        "max_iter": st.integers(1, 12),
        "tol": st.just(1e-5),
        "eps": st.just(1e-8),
        "variant": st.sampled_from(("mergekit", "fusechat")),
    }
    more = tuple((name, draw(values.get(name, st.booleans()))) for name in sorted(more_of(method)))
    reads = method.parameters
    return Parameters(
        weight=tuple(draw(weight) if "weight" in reads else 1.0 for _ in range(n)),
        density=density if "density" in reads else (1.0,) * n,
        lambda_=draw(st.floats(-2, 2)) if "lambda" in reads else 1.0,
        normalize="normalize" in reads and draw(st.booleans()),
        rescale="rescale" in reads and draw(st.booleans()),
        more=more,
    )


@st.composite
def cases(draw: st.DrawFn, name: str, positive: bool = False) -> tuple[Tensor, list[Tensor], Parameters]:
    """Models and parameters that mean a merge by this method."""
    method = METHODS[name]
    fewest, most = method.experts
    base, experts = draw(models(fewest, most or 4, 1 if method.elementwise else 8))
    averages = method.base == "config only" or "normalize_weights" in method.parameters
    return base, experts, draw(settings_of(method, len(experts), positive or averages))


def changed(parameters: Parameters, **more: Any) -> Parameters:
    """The same with other settings among `more`, where they are there."""
    return replace(parameters, more=tuple((name, more.get(name, value)) for name, value in parameters.more))


def same_bits(a: Tensor, b: Tensor) -> bool:
    return a.dtype == b.dtype and torch.equal(a, b) and torch.equal(a.signbit(), b.signbit())


@pytest.mark.parametrize("name", keeping("weight 0 is base"))
@given(data=st.data())
@settings(max_examples=50)
def test_weight_0_gives_the_base(name: str, data: st.DataObject) -> None:
    base, experts, parameters = data.draw(cases(name))
    made = make(name, base, experts, replace(parameters, weight=(0.0,) * len(experts)))
    assert same_bits(made.cast(base.dtype), base)


@pytest.mark.parametrize("name", keeping("alone is expert"))
@given(data=st.data())
@settings(max_examples=50)
def test_one_expert_in_full_is_that_expert(name: str, data: st.DataObject) -> None:
    base, (expert, *_), parameters = data.draw(cases(name))
    whole = changed(
        replace(parameters, weight=(1.0,), density=(1.0,), lambda_=1.0), scale=1.0, select_topk=1.0
    )
    whole = replace(whole, more=tuple((n, v[:1] if isinstance(v, tuple) else v) for n, v in whole.more))
    assert same_bits(make(name, base, [expert], whole).cast(expert.dtype), expert)


def test_one_expert_that_is_not_whole_is_not_copied() -> None:
    base, expert = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([3.0, 2.0, -1.0])
    middle, double, beyond = [2.0, 2.0, 1.0], [6.0, 4.0, -2.0], [5.0, 2.0, -5.0]

    def merged(name: str, weight: float = 1.0, density: float = 1.0, **more: Any) -> list[float]:
        out: list[float] = make(
            name, base, [expert], parameters_of(name, (weight,), density, **more)
        ).out.tolist()
        return out

    for name in [name for name in keeping("alone is expert") if "lambda" in METHODS[name].parameters]:
        assert merged(name, lambda_=0.5) == middle
        assert merged(name, 2.0, normalize=False) == beyond
        assert merged(name, 2.0, normalize=True) == expert.tolist()
    assert merged("linear", 2.0, normalize=False) == double
    assert merged("passthrough", scale=2.0) == double
    assert merged("ties", density=0.34) == [1.0, 2.0, -1.0]
    assert merged("sce", select_topk=0.0) == base.tolist()


@pytest.mark.parametrize("name", ["linear", *keeping("weight 0 is base")])
@given(data=st.data())
@settings(max_examples=50)
def test_an_expert_of_weight_0_changes_no_bit(name: str, data: st.DataObject) -> None:
    base, experts, parameters = data.draw(cases(name))
    silent = data.draw(st.integers(0, len(experts)))
    names = "abcdef"[:silent] + "x" + "abcdef"[silent:]

    def with_one_more(values: tuple[float, ...], value: float) -> tuple[float, ...]:
        return (*values[:silent], value, *values[silent:])

    more = replace(
        parameters,
        weight=with_one_more(parameters.weight, 0.0),
        density=with_one_more(parameters.density, 0.5),
        more=tuple((n, with_one_more(v, 0.1) if isinstance(v, tuple) else v) for n, v in parameters.more),
    )
    beside = [*experts[:silent], torch.full_like(base, 9.0), *experts[silent:]]
    without = make(name, base, experts, parameters)
    assert same_bits(make(name, base, beside, more, names=names).out, without.out)


def terms(step: Step, base: Tensor, experts: Sequence[Tensor], parameters: Parameters) -> float:
    """The largest number that a step can sum up: inputs, times what they are multiplied by."""
    largest = max(float(tensor.float().abs().max()) for tensor in (base, *experts))
    numbers: Mapping[str, Tensor] = step.numbers
    if "coefficients" in numbers:
        return largest * (1 + 2 * float(numbers["coefficients"].abs().sum()))
    factors = numbers["numbers"][FACTOR].abs().max().item() if "numbers" in numbers else 1.0
    shares = sum(map(abs, parameters.weight))
    divisors = [1.0, *(abs(sum(some)) for some in subsets(parameters.weight))]
    least = min(divisor for divisor in divisors if divisor) if parameters.normalize else 1.0
    return largest * (
        1 + 2 * abs(parameters.lambda_) * max(factors, 1.0) * shares * max(1, shares / least) / least
    )


def subsets(weights: Sequence[Any]) -> list[tuple[Any, ...]]:
    return [some for k in range(1, len(weights) + 1) for some in combinations(weights, k)]


def voted(step: Step, base: Tensor, experts: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Where the signs of any experts' task vectors elect one, not the rounding of their sum."""
    factors = step.numbers["numbers"][FACTOR].tolist() if "numbers" in step.numbers else [1.0] * len(weights)
    scaled = [
        (expert.float() - base.float()).double() * factor * weight
        for expert, factor, weight in zip(experts, factors, weights, strict=True)
    ]
    clear = torch.ones(base.shape, dtype=torch.bool)
    for some in subsets(scaled):
        total, sizes = sum(some).abs(), sum(map(torch.abs, some))
        clear &= (total > 1e-5 * sizes) | (sizes == 0)
    return clear


@pytest.mark.parametrize("name", keeping("order-free"))
@given(data=st.data())
@settings(max_examples=100)
def test_the_order_of_experts_does_not_matter(name: str, data: st.DataObject) -> None:
    base, experts, parameters = data.draw(cases(name))
    weights, places = parameters.weight, data.draw(st.permutations(range(len(experts))))
    if any(abs(sum(some)) < 0.01 for some in subsets([weight for weight in weights if weight])):
        return  # what is divided by is rounding
    if any(weight == 0 for weight in weights):
        return  # it takes no part, as the test above says
    first = make(name, base, experts, parameters)
    turned = replace(
        parameters,
        weight=tuple(weights[i] for i in places),
        density=tuple(parameters.density[i] for i in places),
        more=tuple(
            (n, tuple(v[i] for i in places) if isinstance(v, tuple) else v) for n, v in parameters.more
        ),
    )
    names = "".join("abcdef"[i] for i in places)
    second = make(name, base, [experts[i] for i in places], turned, names=names)
    off = (first.out.double() - second.out.double()).abs()
    if METHODS[name].consensus or name == "sce":
        off *= voted(first.step, base, experts, weights)
    assert off.max() <= 2.0**-21 * terms(first.step, base, experts, parameters)


@pytest.mark.parametrize("name", METHODS)
@given(data=st.data())
@settings(max_examples=100)
def test_no_result_is_larger_than_its_bound(name: str, data: st.DataObject) -> None:
    made = make(name, *data.draw(cases(name)))
    assert made.out.isfinite().all()
    assert not made.out.abs().max() > made.step.bound


@pytest.mark.parametrize("name", METHODS)
def test_bounds_are_near(name: str) -> None:
    """One that is far above would have every candidate looked through for overflow."""
    base = torch.randn(40, 50, generator=torch.Generator().manual_seed(0))
    experts = [base + torch.randn(40, 50, generator=torch.Generator().manual_seed(i)) * 0.1 for i in (1, 2)]
    count = METHODS[name].experts[1] or 2
    made = make(name, base, experts[:count], parameters_of(name, (0.5,) * count, 0.6))
    if name == "tsv" or name == "iso_c":
        assert made.step.bound != made.step.bound
    else:
        assert made.step.bound <= 20 * float(made.out.abs().max())


@pytest.mark.parametrize("name", METHODS)
def test_a_tensor_without_elements_stays_one(name: str) -> None:
    empty = torch.empty(0, 5)
    count = METHODS[name].experts[1] or 3
    parameters = changed(parameters_of(name, (0.5,) * count, 0.5), select_topk=0.5)
    made = make(name, empty, [empty.clone() for _ in range(count)], parameters)
    assert made.out.shape == (0, 5)


@pytest.mark.parametrize("name", ["ties", "breadcrumbs"])
def test_a_tensor_too_small_for_its_density_keeps_one_element(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    base, expert = torch.zeros(3), torch.tensor([1.0, 4.0, 2.0])
    statistics, parameters = Statistics(), parameters_of(name, (1.0,), 0.01, gamma=0.0)
    parameters = replace(parameters, more=parameters.more if name == "breadcrumbs" else ())
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            made = make(name, base, [expert], parameters, statistics=statistics)
            assert made.out.tolist() == [0.0, 4.0, 0.0]
    (record,) = caplog.records
    told = f"{NAME}: density 0.01 of 3 elements keeps none; one is kept, here and wherever else none would be"
    assert record.getMessage() == told


@pytest.mark.parametrize("name", ["ties", "breadcrumbs"])
def test_rescaling_by_magnitude_restores_the_l1_norm(name: str) -> None:
    delta = torch.randn(3000, generator=torch.Generator().manual_seed(0)).bfloat16()
    made = make(name, torch.zeros(3000), [delta], parameters_of(name, (1.0,), 0.2, rescale=True))
    assert 0 < int((made.out == 0).sum()) < 3000
    assert float(made.out.abs().sum()) == pytest.approx(float(delta.float().abs().sum()), rel=1e-5)


@pytest.mark.parametrize("name", ["dare_linear", "dare_ties", "della", "della_linear"])
def test_rescaling_at_random_keeps_the_mean_l1_norm(name: str) -> None:
    delta = torch.randn(300, 400, generator=torch.Generator().manual_seed(0))
    made = make(name, torch.zeros(300, 400), [delta], parameters_of(name, (1.0,), 0.3, rescale=True))
    assert float(made.out.abs().sum()) == pytest.approx(float(delta.abs().sum()), rel=0.01)
    share = float((made.out != 0).float().mean())
    assert share == pytest.approx(0.3, abs=0.01)


def test_nothing_is_scaled_where_nothing_changed() -> None:
    base = torch.randn(30, generator=torch.Generator().manual_seed(0))
    for name in THINNING:
        parameters = parameters_of(name, (1.0,), 0.4, rescale=True, normalize=False)
        assert torch.equal(make(name, base, [base.clone()], parameters).out, base), name


@pytest.mark.parametrize("name", ["dare_linear", "dare_ties"])
@pytest.mark.parametrize("density", [0.125, 0.75])
def test_masks_are_those_of_mergekits_arithmetic(name: str, density: float) -> None:
    base = torch.randn(2000, generator=torch.Generator().manual_seed(0))
    experts = [base + torch.randn(2000, generator=torch.Generator().manual_seed(i)) for i in (1, 2, 3)]
    parameters = parameters_of(name, (0.5, 0.25, -0.5), density, rescale=False, normalize=False)
    keys = [mask_key(0, NAME, expert) for expert in "abc"]
    theirs = merge_like_mergekit(METHODS[name], base, experts, parameters, keys)
    assert torch.equal(make(name, base, experts, parameters).out, theirs)


def test_masks_travel_with_their_experts() -> None:
    base, delta = torch.zeros(1000), torch.ones(1000)
    parameters = parameters_of("dare_linear", (1.0, 0.001), 0.5, rescale=False)
    ab, ba = (
        make("dare_linear", base, [delta, delta], parameters, names=names).out for names in ("ab", "ba")
    )
    assert torch.equal(ab > 0.5, (ba - (ba > 0.5).float()) > 0.0005)


def test_nothing_is_thinned_at_density_1() -> None:
    base = torch.randn(100, generator=torch.Generator().manual_seed(0))
    experts = [base + torch.randn(100, generator=torch.Generator().manual_seed(i)) for i in (1, 2)]
    plain = make("task_arithmetic", base, experts, parameters_of("task_arithmetic", (0.3, 0.4))).out
    for name in ("dare_linear", "della_linear", "breadcrumbs"):
        made = make(name, base, experts, parameters_of(name, (0.3, 0.4), 1.0, rescale=True))
        assert same_bits(made.out, plain), name


def test_weights_that_cancel_do_so_in_any_order() -> None:
    base, vectors = torch.zeros(1), (1.0, 2.0, 3.0)
    for places in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        weights = [(0.1, 0.2, -0.3)[i] for i in places]
        experts = [torch.tensor([vectors[i]]) for i in places]
        parameters = parameters_of("task_arithmetic", weights, normalize=True)
        assert make("task_arithmetic", base, experts, parameters).out.item() == pytest.approx(-0.4)


@given(st.lists(st.floats(-1, 1).map(lambda weight: round(weight, 1)), min_size=2, max_size=4))
def test_weights_that_cancel_leave_no_infinity(weights: list[float]) -> None:
    generator = torch.Generator().manual_seed(0)
    base = torch.randn(200, generator=generator)
    experts = [base + torch.randn(200, generator=generator) for _ in weights]
    for name in ("task_arithmetic", "ties", "dare_ties", "della", "breadcrumbs_ties"):
        parameters = parameters_of(name, weights, 0.5, normalize=True)
        assert make(name, base, experts, parameters).out.isfinite().all(), name
