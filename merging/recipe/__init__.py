"""What a merge is: a recipe, immutable data whose digest names the candidate. Plain data, without torch.

Begin with `recipe.py`; its parts are in `rules.py` (parameters, and which tensors they are for) and
`stacking.py` (layers taken from other places). `checks.py` refuses what means no merge, `canonical.py` says
what of a recipe its digest is made of, `fields.py` and `yaml_text.py` read files so that every mistake is
named. May import `methods.registry` and what all floors share.
"""

from merging.recipe.recipe import Recipe, dump_recipe, load_recipe, whole_model
from merging.recipe.rules import LayerGroup, ModelRef, Parameters, Rule

__all__ = [
    "LayerGroup",
    "ModelRef",
    "Parameters",
    "Recipe",
    "Rule",
    "dump_recipe",
    "load_recipe",
    "whole_model",
]
