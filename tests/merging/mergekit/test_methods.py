"""Every method through mergekit's YAML: its inputs, its parameters, and back."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from merging.errors import RecipeError
from merging.mergekit.read import Config, Tokens, read_mergekit, to_mergekit
from merging.methods.registry import METHODS, PARAMETERS, REQUIRED, Method
from merging.recipe import LayerGroup, ModelRef, Parameters, Recipe, Rule
from merging.recipe.rules import Setting, more_of
from tests.merging.named_models import SOURCE, TENSORS, for_each_tensor, open_model, read

MERGEKIT = [method for method in METHODS.values() if method.mergekit]
REFS = tuple(open_model(name)[0] for name in ("/base", "/a", "/b", "/c"))
Draw = st.DrawFn


def config(method: str, models: Mapping[str, Any], **more: Any) -> str:
    listed = [{"model": name, **({"parameters": own} if own else {})} for name, own in models.items()]
    return yaml.safe_dump({"merge_method": method, "models": listed, "dtype": "float32", **more})


def everywhere(recipe: Recipe) -> Parameters:
    (found,) = set(for_each_tensor(recipe).values())
    return found


@pytest.mark.parametrize("method", MERGEKIT, ids=lambda method: method.name)
def test_without_further_parameters_a_method_has_its_defaults(method: Method) -> None:
    experts = ["/a", "/b"][: method.experts[1] or 2]
    top = {name: 0.5 for name, default in method.defaults.items() if default is REQUIRED}
    base = {} if method.name in ("linear", "karcher", "passthrough") else {"base_model": "/base"}
    made = read(config(method.name, {name: None for name in experts}, parameters=top, **base))
    assert [expert.path for expert in made.experts] == experts
    found = everywhere(made)
    assert (found.normalize, found.rescale, found.lambda_) == (method.normalize, method.rescale, 1.0)
    said = {name: value for name, value in found.more if name != "from_base"}
    assert said == ({"t": 0.5} if "t" in top else {})


def test_each_expert_has_its_own_gamma_and_epsilon() -> None:
    own = {"/a": {"weight": 1, "density": 0.5, "epsilon": 0.1}, "/b": {"weight": 1, "density": 0.6}}
    made = read(config("della", own, base_model="/base", parameters={"epsilon": "2e-1"}))
    assert everywhere(made).more == (("epsilon", (0.1, 0.2)),)
    assert read(config("della", own, base_model="/base")) != made
    assert everywhere(read(config("della", own, base_model="/base"))).more == (("epsilon", (0.1, 0.15)),)


def test_settings_have_filters_and_gradients_of_their_kind() -> None:
    top = {"t": [{"filter": "mlp", "value": [0, 0.3]}, {"value": "1e-1"}]}
    made = read(config("slerp", {"/base": None, "/a": None}, base_model="/base", parameters=top))
    t = {name: found.get("t", -1.0) for name, found in for_each_tensor(made).items()}
    assert [t[f"model.layers.{i}.mlp.up_proj.weight"] for i in range(4)] == pytest.approx([0, 0.1, 0.2, 0.3])
    assert t["model.layers.2.self_attn.q_proj.weight"] == t["lm_head.weight"] == 0.1
    flags = {"filter_wise": [True, False]}
    made = read(config("model_stock", {"/a": None, "/b": None}, base_model="/base", parameters=flags))
    wise = [made.parameters_for(f"model.layers.{i}.w", i).get("filter_wise", False) for i in range(4)]
    assert wise == [True, True, True, False]
    counts = {"max_iter": [4, 7], "tol": "1e-6"}
    made = read(config("karcher", {"/a": None, "/b": None}, parameters=counts))
    assert made.parameters_for("model.layers.1.w", 1).more == (("max_iter", 5), ("tol", 1e-6))


@pytest.mark.parametrize(
    ("method", "extra", "base", "experts"),
    [
        ("linear", {"base_model": "/base"}, "/base", ["/a", "/b", "/base"]),
        ("karcher", {"base_model": "/base"}, "/base", ["/a", "/b", "/base"]),
        ("karcher", {"base_model": "/b"}, "/b", ["/a", "/b"]),
        ("karcher", {}, "/a", ["/a", "/b"]),
        ("karcher", {"config_source": "/base"}, "/base", ["/a", "/b"]),
        ("multislerp", {"base_model": "/base"}, "/base", ["/a", "/b"]),
        ("multislerp", {}, "/a", ["/a", "/b"]),
        ("nuslerp", {}, "/a", ["/a", "/b"]),
        ("sce", {"base_model": "/base"}, "/base", ["/a", "/b"]),
        ("slerp", {"base_model": "/b", "parameters": {"t": 0.5}}, "/b", ["/a"]),
        ("arcee_fusion", {"base_model": "/a"}, "/a", ["/b"]),
    ],
)
def test_a_base_is_what_mergekit_makes_of_it(
    method: str, extra: dict[str, Any], base: str, experts: list[str]
) -> None:
    models = {"/a": None, "/b": None}
    top = {"weight": 1} if "weight" in METHODS[method].parameters else {}
    made = read(config(method, models, **{"parameters": top, **extra}))
    assert (made.base.path, [expert.path for expert in made.experts]) == (base, experts)


@pytest.mark.parametrize("method", ["nuslerp", "multislerp"])
def test_who_can_do_without_a_base_merges_task_vectors_where_one_is_named(method: str) -> None:
    models, top = {"/a": None, "/b": None}, {"weight": 1}
    assert everywhere(read(config(method, models, parameters=top))).get("from_base", True) is False
    with_base = read(config(method, models, parameters=top, base_model="/base"))
    assert everywhere(with_base).get("from_base", False) is True


@pytest.mark.parametrize(
    ("method", "extra", "message"),
    [
        ("slerp", {"parameters": {"t": 0.5}}, "base_model: missing; slerp starts from a base"),
        ("slerp", {"base_model": "/base", "parameters": {"t": 0.5}}, "slerp takes 1 expert .* found 2"),
        ("slerp", {"base_model": "/b"}, "t: missing for model.layers.0"),
        ("slerp", {"base_model": "/b", "parameters": {"t": 1.5}}, "t: 1.5 is beyond the expert"),
        ("nuslerp", {"base_model": "/b", "parameters": {"weight": 1}}, "nuslerp takes 2 experts"),
        ("model_stock", {"base_model": "/b"}, "model_stock takes at least 2 experts"),
        ("passthrough", {}, "passthrough takes 1 expert, found 2"),
        ("linear", {"base_model": "/base"}, "weight of /a: missing for"),
        ("karcher", {"parameters": {"max_iter": 2.5}}, "max_iter: expected a whole number, found 2.5"),
        ("sce", {"base_model": "/b", "parameters": {"select_topk": 2}}, "select_topk: 2.0 is out of range"),
        (
            "sce",
            {"base_model": "/b", "parameters": {"variant": "fusechat"}, "compat": "mergekit"},
            "variant: mergekit knows its own alone",
        ),
        ("tsv", {"base_model": "/b", "compat": "mergekit", "parameters": {"weight": 1}}, "no method 'tsv'"),
        ("ram", {"base_model": "/b"}, "unknown method 'ram'"),
    ],
)
def test_what_means_no_merge_is_refused(method: str, extra: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message) as error:
        read(config(method, {"/a": None, "/b": None}, **extra))
    assert str(error.value).startswith("merge.yaml: ")
    assert "\n" not in str(error.value)


def test_an_unlisted_base_that_counts_as_a_model_wants_a_weight() -> None:
    models = {"/a": {"weight": 1}, "/b": {"weight": 1}}
    with pytest.raises(RecipeError, match=r"weight of /base \(as base_model, it is one of the models\)"):
        read(config("linear", models, base_model="/base"))


def test_compat_is_asked_for_by_the_file_or_by_the_command() -> None:
    text = config("slerp", {"/a": None}, base_model="/base", parameters={"t": 0.5})
    for made in (read(text, "mergekit"), read(text + "compat: mergekit\n")):
        assert (made.compat, made.arithmetic_dtype, made.dtype) == ("mergekit", "float32", "float32")
    half = read(text.replace("dtype: float32", "dtype: bfloat16\nout_dtype: float16"), "mergekit")
    assert (half.arithmetic_dtype, half.dtype) == ("bfloat16", "float16")
    stored = read(text.replace("dtype: float32", ""), "mergekit")
    assert (stored.arithmetic_dtype, stored.dtype) == ("bfloat16", "bfloat16")
    assert read(text).compat is None


@pytest.mark.parametrize(
    ("said", "tokens"),
    [
        ({}, Tokens()),
        ({"tokenizer_source": "union"}, Tokens("union")),
        ({"tokenizer_source": "/other"}, Tokens("/other")),
        ({"tokenizer": {"pad_to_multiple_of": 8}}, Tokens("union", 8)),
        ({"tokenizer": {"source": "base"}, "chat_template": "auto"}, Tokens("base", None, "auto")),
        ({"chat_template": "{{ messages }}"}, Tokens(chat_template="{{ messages }}")),
    ],
)
def test_tokenizer_and_chat_template_stand_beside_the_recipe(said: dict[str, Any], tokens: Tokens) -> None:
    text = config("linear", {"/a": {"weight": 1}}, **said)
    made = read_mergekit(text, SOURCE, open_model)
    assert made == Config(read(config("linear", {"/a": {"weight": 1}})), tokens)
    assert (made.tokenizer_source, made.chat_template) == (tokens.source, tokens.chat_template)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"chat_template": "chatml"}, "chat_template: 'chatml' is no jinja text"),
        ({"tokenizer": {"tokens": {"<s>": {"source": "/a"}}}}, "tokenizer.tokens: settings of single tokens"),
        ({"tokenizer": {"sorce": "base"}}, "'sorce' is not known here; did you mean 'source'"),
        ({"tokenizer": {}, "tokenizer_source": "base"}, "tokenizer: stands beside tokenizer_source"),
        ({"tokenizer": {"pad_to_multiple_of": 0}}, "pad_to_multiple_of: expected a whole number above 0"),
        ({"tokenizer_source": 3}, "tokenizer_source: expected a model's path or hub id, found 3"),
    ],
)
def test_what_is_not_done_to_tokens_is_named(said: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        read_mergekit(config("linear", {"/a": {"weight": 1}}, **said), SOURCE, open_model)


def some(draw: Draw, name: str, experts: int) -> Setting:
    """Any value of a parameter that goes with any other."""
    parameter = PARAMETERS[name]
    if parameter.kind == "bool":
        return draw(st.booleans())
    if parameter.kind == "word":
        return "mergekit"
    if parameter.kind == "int":
        return draw(st.integers(1, 20))
    numbers = st.sampled_from([0.01, 0.02, 0.05, 0.1])
    return draw(st.tuples(*[numbers] * experts)) if parameter.per_expert else draw(numbers)


@st.composite
def parameters(draw: Draw, method: Method, experts: int, from_base: bool) -> Parameters:
    numbers = st.tuples(*[st.sampled_from([0.2, 0.5, 0.75, 1e-5])] * experts)
    names = [n for n in more_of(method) if method.defaults[n] is REQUIRED or draw(st.booleans())]
    more = {name: some(draw, name, experts) for name in names}
    if "from_base" in method.parameters:
        more["from_base"] = from_base
    shares = st.tuples(*[st.sampled_from([0.25, 0.5, 0.8])] * experts)
    return Parameters(
        weight=draw(numbers),
        density=draw(shares),
        lambda_=draw(st.sampled_from([1.0, 0.7])),
        normalize=draw(st.booleans()),
        rescale=draw(st.booleans()),
        # all at once, or none: an epsilon that is not given is 0.15, and 0.8 leaves it room
        more=tuple(sorted(more.items())),
    )


@st.composite
def recipes(draw: Draw, method: Method) -> Recipe:
    fewest, most = method.experts
    experts = draw(st.integers(fewest, most or 3))
    from_base, two = draw(st.booleans()), draw(st.booleans())
    some_rule = parameters(method, experts, from_base)
    modules = st.lists(st.sampled_from(["self_attn", "mlp", "up_proj"]), unique=True, max_size=2)

    def rules(words: list[str]) -> tuple[Rule, ...]:
        return (*(Rule((word,), draw(some_rule)) for word in words), Rule((), draw(some_rule)))

    cuts = [0, 2, 4] if two else [0, 4]
    layers = tuple(
        LayerGroup(start, stop, rules(draw(modules)), _shifted(draw, 4 - (stop - start), experts))
        for start, stop in itertools.pairwise(cuts)
    )
    compat = draw(st.sampled_from([None, "mergekit"]))
    return Recipe(
        base=draw(st.sampled_from(REFS[:2])) if method.base == "config only" else REFS[0],
        experts=REFS[1 : experts + 1],
        method=method.name,
        layers=layers,
        outer=rules(draw(st.sampled_from([[], ["embed"], ["lm_head", "norm"]]))),
        dtype=draw(st.sampled_from(["float32", "bfloat16"])),
        seed=draw(st.sampled_from([0, 7])),
        compat=compat,
        arithmetic_dtype=draw(st.sampled_from(["float32", "bfloat16"])) if compat else None,
    )


def _shifted(draw: Draw, room: int, experts: int) -> tuple[int | None, ...]:
    """First layers of a group, or none."""
    if draw(st.booleans()):
        return ()
    return tuple(draw(st.integers(0, room)) for _ in range(experts + 1))


@given(st.data())
def test_a_recipe_that_goes_through_mergekits_yaml_is_the_same_merge(data: st.DataObject) -> None:
    made = data.draw(st.sampled_from(MERGEKIT).flatmap(recipes))
    text = to_mergekit(made, TENSORS)
    back = read(text)
    assert back.digest == made.digest or not _canonically_equal(made), text
    assert for_all(back) == for_all(made), text


def _canonically_equal(made: Recipe) -> bool:
    """Whether its digest shows all that is equal: rules over modules may say the same in other words."""
    return all(len(rules) == 1 for rules in (made.outer, *(group.rules for group in made.layers)))


def for_all(recipe: Recipe) -> dict[str, Any]:
    """Per tensor: the digest of a merge that treats all layers so, and the tensors that it is made of."""
    found = {}
    unread = METHODS[recipe.method].base == "config only" or "from_base" in METHODS[recipe.method].parameters
    inputs = range(1 if unread else 0, len(recipe.experts) + 1)
    for name, own in for_each_tensor(recipe).items():
        alone = Recipe(
            recipe.base,
            recipe.experts,
            recipe.method,
            (LayerGroup(0, 1, (Rule((), own),)),),
            (Rule((), own),),
            "float32",
        )
        found[name] = alone.digest, [recipe.source_name(i, name) for i in inputs]
    return found


def test_a_method_that_mergekit_lacks_is_exported_as_a_recipe_only() -> None:
    for method in (method for method in METHODS.values() if not method.mergekit):
        rules = (Rule((), Parameters((1.0,), (1.0,))),)
        made = Recipe(REFS[0], REFS[1:2], method.name, (LayerGroup(0, 4, rules),), rules, "bfloat16")
        with pytest.raises(RecipeError, match=f"no method '{method.name}'; export with --format recipe"):
            to_mergekit(made, TENSORS)


@pytest.mark.parametrize(
    ("method", "mores", "message"),
    [
        ("sce", [(("variant", "fusechat"),)], "variant: mergekit knows its own alone; export with --format"),
        ("multislerp", [(("from_base", True),), (("from_base", False),)], "from_base: differs between parts"),
    ],
)
def test_what_mergekit_has_no_words_for_is_refused(method: str, mores: Any, message: str) -> None:
    first, last = (Parameters((1.0,), (1.0,), more=more) for more in (mores[0], mores[-1]))
    rules = (Rule(("mlp",), first), Rule((), last))
    made = Recipe(REFS[0], REFS[1:2], method, (LayerGroup(0, 4, rules),), rules, "bfloat16")
    with pytest.raises(RecipeError, match=message):
        to_mergekit(made, TENSORS)


def test_the_base_of_a_merge_that_does_not_read_it_survives() -> None:
    own = Parameters((1.0, 2.0), (1.0, 1.0), more=(("from_base", False),))
    rules = (Rule((), own),)
    made = Recipe(
        ModelRef("/base", "content of /base"),
        REFS[1:3],
        "nuslerp",
        (LayerGroup(0, 4, rules),),
        rules,
        "float32",
    )
    text = to_mergekit(made, TENSORS)
    assert "base_model" not in text
    assert "config_source: /base" in text
    assert read(text) == made
