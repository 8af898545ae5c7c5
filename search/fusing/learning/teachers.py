"""Sources as teachers: through transformers in this process, or through a running vLLM."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from merging.fusion.distributions.data import Top
from merging.fusion.distributions.teacher import Request, Teacher, TransformersTeacher, top_of
from merging.models.checkpoint import Checkpoint
from search.fusing.materials import Material
from search.study_file.fusion import DistributionsSpec
from search.study_file.spec import EngineSpec

if TYPE_CHECKING:
    from evaluators.engines.vllm.engine import VllmEngine


@dataclass
class VllmTeacher:
    """A checkpoint whose weights vLLM takes when it is first asked."""

    engine: VllmEngine
    checkpoint: Checkpoint
    loaded: bool = field(default=False, init=False)

    @property
    def description(self) -> str:
        """The engine and its arithmetic, e.g. `vllm/bfloat16`."""
        return self.engine.description

    def __call__(self, requests: Sequence[Request], k: int) -> list[Top]:
        """The likeliest `k` tokens at every response token, in the order of the requests.

        Raises EngineError: vLLM failed, or a request is beyond its context.
        """
        if not self.loaded:
            self.engine.load(self.checkpoint)
            self.loaded = True
        asked = [(prompt.tolist(), response.tolist()) for prompt, response in requests]
        return [top_of(each.ids, each.logprobs, each.own) for each in self.engine.likeliest(asked, k)]


@contextmanager
def teacher(source: Material, wanted: DistributionsSpec, engine: EngineSpec) -> Iterator[Teacher]:
    """Who says what a source says; `engine` is the one that judges, whose GPUs and memory vLLM has here, too.

    Raises:
        EngineError: there is no vLLM, or it cannot run the model.
    """
    if wanted.engine == "transformers":
        yield TransformersTeacher(source.folder)
        return
    from evaluators.engines.vllm.engine import VllmEngine

    with closing(
        VllmEngine(
            source.checkpoint.folder,
            batch_size=engine.batch_size,
            tensor_parallel=engine.tensor_parallel,
            gpu_memory=engine.gpu_memory,
        )
    ) as running:
        yield VllmTeacher(running, source.checkpoint)
