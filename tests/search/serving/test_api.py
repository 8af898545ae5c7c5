"""The API over a real store: what it answers, and what it refuses, in a line that tells of no folder."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from huggingface_hub import ModelCard

from search.serving.admission.model_folders import ModelFolders
from search.showing.items import Asked, find_items
from studies.verdicts.leaderboard import build_leaderboard
from studies.workers.submissions import set_submission_state, submission, submissions
from studies.workers.wishes import ask, asked
from tests.search.conftest import TINY, small_study
from tests.search.serving.conftest import YAML, Served, study_text


def refused(answer: httpx.Response, status: int, told: str = "") -> str:
    """The error of an answer, which has to be JSON of one line."""
    said = answer.json()
    assert (answer.status_code, list(said)) == (status, ["error"]), said
    assert "\n" not in said["error"]
    assert told in said["error"]
    assert str(Path.cwd()) not in said["error"]
    assert "/tmp" not in said["error"]
    return str(said["error"])


def events_of(answer: httpx.Response) -> list[tuple[str, dict[str, Any]]]:
    """What a stream of events said: (kind, data)."""
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = [block.split("\n") for block in answer.text.split("\n\n") if block]
    return [(kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for kind, data in blocks]


class TestSubmitting:
    def test_a_study_is_queued_as_it_is_with_its_options(self, served: Served) -> None:
        text = study_text(name="first one")
        answer = served.submit(text, trials=7, hours=1.5, anyway=True)
        assert (answer.status_code, answer.headers["location"]) == (201, "/studies/first%20one")
        view = answer.json()
        assert (view["name"], view["state"], view["ahead"]) == ("first one", "queued", 0)
        assert view["options"] == {"trials": 7, "hours": 1.5, "anyway": True}
        kept = submission(served.store, "first one")
        assert (kept.study, kept.state) == (text, "queued")
        assert served.get("/studies/first one").json() == view
        assert served.get("/studies").json() == [view]

    def test_studies_wait_in_the_order_in_which_they_came(self, served: Served) -> None:
        for name in "bca":
            served.submit(study_text(name=name))
        assert [(each["name"], each["ahead"]) for each in served.get("/studies").json()] == [
            ("b", 0),
            ("c", 1),
            ("a", 2),
        ]

    def test_the_same_twice_is_once_and_another_of_its_name_is_refused(self, served: Served) -> None:
        first, second = served.submit(study_text()), served.submit(study_text())
        assert (second.status_code, second.json()) == (201, first.json())
        refused(served.submit(study_text(objective="gold_logprob")), 409, "was submitted otherwise")
        assert len(submissions(served.store)) == 1

    def test_a_storage_in_the_file_is_not_the_services(self, served: Served) -> None:
        served.submit(study_text(storage="sqlite:////etc/other.db"))
        assert served.get("/studies/tiny").json()["state"] == "queued"

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"base_model": "../base"}, "base_model: '../base' is not in one of the service's model folders"),
            ({"experts": ["./gsm8k", "/etc"]}, "experts.1: '/etc' is not in one of"),
            ({"base_model": "~/base"}, "base_model: '~/base' is not in one of"),
            ({"base_model": "no/such"}, "(this service takes nothing from the hub: --allow-hub)"),
            ({"base_model": "base.git/..", "experts": ["./code"]}, "is not in one of"),
            ({"base_model": "gsm8k.jsonl"}, "is a file; name a model's folder"),
            ({"name": "../../x"}, "name: takes up to 96 letters"),
            ({"name": "."}, "name: takes up to 96 letters"),
            ({"name": "n" * 97}, "name: takes up to 96 letters"),
            ({"nmae": "x"}, "nmae: unknown field; did you mean 'name'"),
            ({"objective": "best"}, "objective: must be"),
        ],
    )
    def test_a_file_that_may_not_be_run_is_refused_with_its_field(
        self, served: Served, changes: dict[str, object], told: str
    ) -> None:
        refused(served.submit(study_text(**changes)), 400, told)
        assert served.get("/studies").json() == []

    @pytest.mark.parametrize(
        "data", ["../x.jsonl", "/etc/passwd", "base", {"train": "code.jsonl", "test": "/etc/hosts"}]
    )
    def test_items_come_from_the_model_folders_alone(self, served: Served, data: object) -> None:
        study = small_study()
        study["slices"] = [{**study["slices"][0], "data": data}]  # type: ignore[index]
        refused(served.submit(yaml.safe_dump(study)), 400, "slices.0.data")

    def test_items_of_the_hub_need_to_be_allowed(self, serving: Callable[..., Served]) -> None:
        study = small_study()
        study["slices"] = [{k: v for k, v in study["slices"][0].items() if k != "data"}]  # type: ignore[index]
        refused(serving().submit(yaml.safe_dump(study)), 400, "takes nothing from the hub")
        allowed = serving(allow_hub=True)
        assert allowed.submit(yaml.safe_dump({**study, "base_model": "org/base"})).status_code == 201

    @pytest.mark.parametrize(
        ("body", "status", "told"),
        [
            (b"", 400, "a study file is a mapping"),
            (b"name: !!python/object/apply:os.system ['true']", 400, "tag"),
            (
                b"a: &a [x]\nb: &b [" + b"*a," * 900 + b"]\nc: [" + b"*b," * 900 + b"]",
                400,
                "too many entries",
            ),
            (b"[" * 5000, 400, "nested too deeply"),
            (b"\xff", 400, "UTF-8"),
            (b"name: [", 400, "not valid YAML"),
            (b"when: 2020-99-99", 400, "not a study"),
            (b"x" * (2 << 20), 413, "1048576 bytes"),
        ],
    )
    def test_what_is_no_study_file_is_refused(
        self, served: Served, body: bytes, status: int, told: str
    ) -> None:
        refused(served.submit(body), status, told)

    def test_a_body_of_unknown_length_is_refused_once_it_is_too_long(self, served: Served) -> None:
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            for _ in range(100):
                sent += 1
                yield b"x" * (1 << 20)

        refused(served.post("/studies", content=endless(), headers=YAML), 413)
        assert sent <= 3

    @pytest.mark.parametrize(
        "kind", ["text/plain", "multipart/form-data; boundary=x", "application/json", ""]
    )
    def test_another_type_is_refused_for_web_pages_can_send_some(self, served: Served, kind: str) -> None:
        refused(served.post("/studies", content=study_text(), headers={"Content-Type": kind}), 415)

    @pytest.mark.parametrize(
        ("options", "status"),
        [
            ({"trials": 0}, 422),
            ({"trials": "many"}, 422),
            ({"hours": "nan"}, 422),
            ({"hours": -1}, 422),
            ({"until": "yesterday"}, 400),
            ({"until": "2020-01-01T07:00"}, 400),
        ],
    )
    def test_options_are_those_of_run(self, served: Served, options: dict[str, object], status: int) -> None:
        refused(served.submit(study_text(), **options), status, next(iter(options)))
        assert submissions(served.store) == []


class TestWishes:
    def test_one_that_waits_can_be_stopped_and_resumed(self, served: Served) -> None:
        served.submit(study_text(), trials=3)
        assert served.post("/studies/tiny/stop").json()["state"] == "stopped"
        again = served.post("/studies/tiny/resume").json()
        assert (again["state"], again["options"]) == ("queued", {"trials": 3})

    def test_one_that_has_not_begun_cannot_pause(self, served: Served) -> None:
        served.submit(study_text())
        refused(served.post("/studies/tiny/pause"), 409, "'tiny' is queued")

    def test_a_finished_one_cannot_pause_or_stop(self, finished_service: Served) -> None:
        refused(finished_service.post("/studies/finished/pause"), 409, "'finished' is complete")
        refused(finished_service.post("/studies/finished/stop"), 409, "'finished' is complete")

    def test_one_that_was_never_submitted_cannot_be_resumed(self, finished_service: Served) -> None:
        refused(finished_service.post("/studies/finished/resume"), 409, "was not submitted here")

    def test_one_that_failed_says_why_and_can_be_resumed(self, served: Served) -> None:
        served.submit(study_text())
        set_submission_state(served.store, "tiny", "failed", f"{TINY}/base: content changed")
        view = served.get("/studies/tiny").json()
        assert (view["state"], view["reason"]) == ("failed", "…/base: content changed")
        assert served.post("/studies/tiny/resume").json()["state"] == "queued"

    def test_a_queued_one_that_began_before_can_pause_which_keeps_it_waiting(
        self, finished_service: Served
    ) -> None:
        served, study = finished_service, finished_service.store.study("finished")
        served.submit(study_text(name="finished"))
        assert served.post("/studies/finished/pause").json()["state"] == "paused"
        served.queue.turn()
        assert submission(served.store, "finished").state == "queued"
        assert served.post("/studies/finished/resume").json()["state"] == "queued"
        assert asked(served.store, study) is None

    def test_to_submit_is_to_take_back_what_was_asked(self, finished_service: Served) -> None:
        study = finished_service.store.study("finished")
        ask(finished_service.store, study, "stop")
        finished_service.submit(study_text(name="finished"))
        assert asked(finished_service.store, study) is None

    @pytest.mark.parametrize("wish", ["pause", "resume", "stop"])
    def test_nobody_knows_a_study_of_another_name(self, served: Served, wish: str) -> None:
        refused(served.post(f"/studies/none/{wish}"), 404)


class TestResults:
    def test_the_leaderboard_is_the_stores(self, finished_service: Served) -> None:
        rows = build_leaderboard(finished_service.store, "finished")
        assert rows
        assert finished_service.get("/studies/finished/leaderboard").json() == json.loads(
            json.dumps([row.to_json() for row in rows])
        )

    def test_items_are_those_of_the_command(self, finished_service: Served) -> None:
        url = finished_service.settings.storage
        query = {"candidate": "base", "slice": "math", "split": "search", "limit": 2}
        found = finished_service.get("/studies/finished/items", params=query).json()
        asked_for = Asked("finished", candidate="base", slice="math", split="search")
        assert found == find_items(url, asked_for, 2).to_json()
        assert len(found) == 2
        versus = finished_service.get(
            "/studies/finished/items", params={"candidate": "base", "slice": "math", "versus": "uniform"}
        )
        assert versus.json()[0]["first"]["candidate"] == "base"

    @pytest.mark.parametrize(
        ("query", "status"),
        [
            ({"candidate": "nobody", "slice": "math"}, 400),
            ({"slice": "none"}, 400),
            ({}, 400),
            ({"slice": "math", "versus": "9" * 200}, 400),
            ({"slice": "math", "trial": "99999999999999999999"}, 422),
            ({"slice": "math", "split": "both"}, 422),
            ({"slice": "math", "limit": 0}, 422),
            ({"slice": "x" * 201}, 422),
        ],
    )
    def test_items_that_are_not_there_are_refused(
        self, finished_service: Served, query: dict[str, object], status: int
    ) -> None:
        refused(finished_service.get("/studies/finished/items", params=query), status)

    def test_events_begin_with_all_that_is_there_and_end_with_the_study(
        self, finished_service: Served
    ) -> None:
        events = events_of(finished_service.get("/studies/finished/events"))
        kinds = [kind for kind, _ in events]
        candidates = [data for kind, data in events if kind == "candidate"]
        assert kinds == ["candidate"] * (5 + 4) + ["study", "end"]
        assert [each["name"] for each in candidates[:5]] == ["base", "gsm8k", "math", "code", "uniform"]
        assert all(each["state"] == "complete" and 0 <= each["score"] <= 1 for each in candidates)
        assert events[-2][1] == finished_service.get("/studies/finished").json()

    def test_events_of_one_that_waits_can_be_asked_for_without_waiting(self, served: Served) -> None:
        served.submit(study_text())
        events = events_of(served.get("/studies/tiny/events", params={"follow": False}))
        assert [(kind, data.get("state")) for kind, data in events] == [("study", "queued"), ("end", None)]

    @pytest.mark.parametrize("what", ["", "/events", "/leaderboard", "/items", "/export"])
    @pytest.mark.parametrize("name", ["none", "fini", "%00", "%ff", "a%2Fb"])
    def test_of_a_study_that_there_is_not_there_is_nothing(
        self, finished_service: Served, what: str, name: str
    ) -> None:
        refused(finished_service.get(f"/studies/{name}{what}"), 404)

    def test_one_that_waits_has_no_results_yet(self, served: Served) -> None:
        served.submit(study_text())
        for what in ("leaderboard", "items", "export"):
            refused(served.get(f"/studies/tiny/{what}"), 404, "has not begun")


class TestExports:
    def test_a_recipe_and_a_mergekit_config_are_the_commands(self, finished_service: Served) -> None:
        recipe = finished_service.get("/studies/finished/export", params={"format": "recipe", "trial": 1})
        assert recipe.headers["content-disposition"] == 'attachment; filename="finished-trial-1.recipe.yaml"'
        assert yaml.safe_load(recipe.text)["base"]["path"] == str(TINY / "base")
        config = finished_service.get("/studies/finished/export")
        assert yaml.safe_load(config.text)["base_model"]
        assert str(TINY / "base") in config.text
        assert list((finished_service.settings.folder / "exports").iterdir()) == []

    def test_a_checkpoint_comes_as_a_tar_of_the_length_that_was_said(self, finished_service: Served) -> None:
        answer = finished_service.get("/studies/finished/export", params={"format": "checkpoint"})
        assert answer.headers["content-type"] == "application/x-tar"
        assert int(answer.headers["content-length"]) == len(answer.content)
        with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
            names = archive.getnames()
            weights = archive.extractfile("model.safetensors")
            assert weights is not None
            assert len(weights.read()) > 1000
            card = archive.extractfile("README.md")
            assert card is not None
            front = ModelCard(card.read().decode()).data
        assert front.model_name.startswith("finished: ")
        assert {"merge", "crucible"} <= set(front.tags)
        assert {"config.json", "crucible_recipe.yaml", "tokenizer.json", "README.md"} <= set(names)
        assert list((finished_service.settings.folder / "exports").iterdir()) == []

    def test_models_outside_the_folders_are_not_read_and_recipes_need_none(
        self, serving: Callable[..., Served], studied: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "models").mkdir()
        served = serving(studied, models=ModelFolders.at([tmp_path / "models"]))
        for form in ("mergekit", "checkpoint"):
            said = refused(served.get("/studies/finished/export", params={"format": form}), 403)
            assert str(TINY) not in said
        assert served.get("/studies/finished/export", params={"format": "recipe"}).status_code == 200

    def test_a_model_that_changed_since_is_told_without_its_place(self, finished_service: Served) -> None:
        store, study = finished_service.store, finished_service.store.study("finished")
        (digest,) = [each.digest for each in store.candidates(study) if each.trial == 1]
        recipe = store.recipe(digest)
        changed = replace(recipe, base=replace(recipe.base, fingerprint="0" * 64))
        store.register_candidate(study, "trial", "trial 77", 77, store.add_recipe(changed))
        store.finish_candidate(study, "trial", "trial 77")
        said = refused(finished_service.get("/studies/finished/export", params={"trial": 77}), 409)
        assert said == "…/base: this model's content changed since the recipe was made; restore it"
        assert list((finished_service.settings.folder / "exports").iterdir()) == []

    @pytest.mark.parametrize(("query", "status"), [({"trial": 99}, 404), ({"format": "gguf"}, 422)])
    def test_what_is_not_there_is_refused(
        self, finished_service: Served, query: dict[str, object], status: int
    ) -> None:
        refused(finished_service.get("/studies/finished/export", params=query), status)


class TestTheMachine:
    def test_it_says_that_it_is_well_and_how_much_it_has_to_do(self, served: Served) -> None:
        served.submit(study_text())
        assert served.get("/healthz").json() == {"status": "ok", "queued": 1, "running": 0}

    def test_prometheus_is_told_of_all_studies(self, finished_service: Served) -> None:
        answer = finished_service.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert "crucible_study_state{" in answer.text

    def test_a_lost_database_is_told_as_that(self, served: Served) -> None:
        served.store.engine.dispose()
        Path(str(served.store.engine.url.database)).write_bytes(b"no database at all" * 1000)
        for path in ("/healthz", "/studies", "/studies/x/leaderboard"):
            refused(served.get(path), 503, "storage URL")

    def test_the_schema_is_told_and_pages_that_load_scripts_from_elsewhere_are_not(
        self, served: Served
    ) -> None:
        assert served.get("/openapi.json").json()["info"]["title"] == "Crucible"
        for path in ("/docs", "/redoc", "/", "/studies/x/y/z"):
            refused(served.get(path), 404)
        refused(served.ask("DELETE", "/studies"), 405)
