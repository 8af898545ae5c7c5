"""What a database knows of its studies, in Prometheus' text format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from search.signals.said import busy_share, gpus_of, number, tokens_per_second
from studies.errors import StudiesError
from studies.store import StudyStore
from studies.store.lease import is_running
from studies.store.rows import AT_WORK, StudySummary
from studies.workers.counts import TrialCount, count_trials
from studies.workers.register import all_workers
from studies.workers.worker import Worker

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
TRIAL_STATES = ("running", "complete", "pruned", "failed")
WORKER_STATES = ("working", "ended", "lost")
TOTALS = {
    "tokens": ("crucible_tokens", "Tokens that engines generated or scored."),
    "answers": ("crucible_answers", "Items that engines answered."),
    "busy_s": ("crucible_engine_busy_seconds", "Seconds in which engines were answering."),
    "alive_s": ("crucible_worker_seconds", "Seconds that workers have been alive."),
}
"""By the name in a worker's stats: metric and help; summed over all workers that a study ever had."""

Values = Iterable[tuple[Sequence[str], float]]
Workers = Mapping[str, Sequence[Worker]]
"""By the names of their studies."""


def metrics_text(store: StudyStore) -> str:
    """All studies of a store as Prometheus reads them, of `CONTENT_TYPE`; read from the database alone.

    A database that cannot be read is `crucible_up 0`, and nothing else.
    """
    registry = CollectorRegistry()
    registry.register(_Collected(collect(store)))
    return generate_latest(registry).decode()


def collect(store: StudyStore) -> list[Metric]:
    """The metrics of a store, `crucible_up` first."""
    try:
        studies, trials, everybody = store.studies(), count_trials(store), all_workers(store)
        states = [_state(store, each) for each in studies]
    except StudiesError:
        return [up(False)]
    workers: dict[str, list[Worker]] = {each.name: [] for each in studies}
    names = {each.id: each.name for each in studies}
    for worker in everybody:
        if worker.study in names:  # else its study began since the studies were read
            workers[names[worker.study]].append(worker)
    known = [each for each in trials if each.study in workers]
    return [up(True), *_studies(workers, states), *_trials(workers, known), *_workers(workers)]


def up(answered: bool) -> Metric:
    """Whether the database could be read."""
    return _gauge("crucible_up", "Whether the database could be read.", (), [((), float(answered))])


class _Collected(Collector):
    """Metrics that are there already."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self.metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self.metrics


def _state(store: StudyStore, study: StudySummary) -> str:
    """As `crucible status` says it: a study that nobody works on any more has stopped."""
    return "stopped" if study.state in AT_WORK and not is_running(store, study.name) else study.state


def _studies(names: Iterable[str], states: Sequence[str]) -> Iterator[Metric]:
    told = "The state that a study is in, as `crucible status` says it."
    values = [(each, 1.0) for each in zip(names, states, strict=True)]
    yield _gauge("crucible_study_state", told, ("study", "state"), values)


def _trials(names: Iterable[str], counts: Sequence[TrialCount]) -> Iterator[Metric]:
    states = dict.fromkeys(((name, state) for name in names for state in TRIAL_STATES), 0)
    failures: Counter[tuple[str, str]] = Counter()
    for each in counts:
        states[each.study, each.state] += each.n
        if each.state == "failed":
            failures[each.study, each.failure or "other"] += each.n
    yield _gauge("crucible_trials", "Trials by state.", ("study", "state"), states.items())
    told = "Trials that failed, by the kind of failure."
    yield _counter("crucible_trial_failures", told, ("study", "kind"), failures.items())


def _workers(workers: Workers) -> Iterator[Metric]:
    counts = dict.fromkeys(((name, state) for name in workers for state in WORKER_STATES), 0)
    for name, each in _pairs(workers):
        counts[name, each.state] += 1
    yield _gauge("crucible_workers", "Workers by state.", ("study", "state"), counts.items())
    for stat, (metric, told) in TOTALS.items():
        sums = {(name,): sum(number(each, stat) for each in found) for name, found in workers.items()}
        yield _counter(metric, told, ("study",), sums.items())
    working = {name: [each for each in found if each.state == "working"] for name, found in workers.items()}
    yield from _paces(working)
    yield from _gpus(working)


def _paces(working: Workers) -> Iterator[Metric]:
    """Speeds over the lives of the workers that work now."""
    speeds = {(name,): sum(map(tokens_per_second, found)) for name, found in working.items()}
    told = "Tokens a second of all workers at work, averaged over the life of each."
    yield _gauge("crucible_tokens_per_second", told, ("study",), speeds.items())
    shares = {(name,): [busy_share(each) for each in found] for name, found in working.items() if found}
    told = "Share of their lives in which the engines of the workers at work were answering, 0 to 1."
    means = [(labels, sum(each) / len(each)) for labels, each in shares.items()]
    yield _gauge("crucible_engine_busy_ratio", told, ("study",), means)


def _gpus(working: Workers) -> Iterator[Metric]:
    found = {(name, each.host, gpu.name): gpu for name, each in _pairs(working) for gpu in gpus_of(each)}
    labels = ("study", "host", "gpu")
    used = [(key, gpu.used) for key, gpu in found.items()]
    yield _gauge("crucible_gpu_memory_used_bytes", "GPU memory in use, by whomever.", labels, used)
    size = [(key, gpu.total) for key, gpu in found.items()]
    yield _gauge("crucible_gpu_memory_size_bytes", "GPU memory that there is.", labels, size)


def _pairs(workers: Workers) -> list[tuple[str, Worker]]:
    return [(name, each) for name, found in workers.items() for each in found]


def _gauge(name: str, told: str, labels: Sequence[str], values: Values) -> Metric:
    metric = GaugeMetricFamily(name, told, labels=labels)
    for each, value in values:
        metric.add_metric(each, value)
    return metric


def _counter(name: str, told: str, labels: Sequence[str], values: Values) -> Metric:
    metric = CounterMetricFamily(name, told, labels=labels)
    for each, value in values:
        metric.add_metric(each, value)
    return metric
