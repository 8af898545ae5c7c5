"""A push, by the real library to a stand-in hub: who may see it, and what is said where it cannot be."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from huggingface_hub import ModelCard, constants

from search.errors import SearchError
from search.exporting.hub import Destination, by_hand, check_destination, push
from tests.search.exporting.standin import TOKEN, Hub, Repo, faults

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")  # the library's own
CARD = "---\nbase_model:\n- org/base\nbase_model_relation: merge\ntags:\n- merge\n---\n\n# A merge\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "model"
    made.mkdir()
    (made / "README.md").write_text(CARD)
    (made / "config.json").write_text("{}")
    (made / "model.safetensors").write_bytes(bytes(range(256)) * 1000)
    return made


def refusal(to: Destination) -> str:
    with pytest.raises(SearchError) as error:
        check_destination(to)
    said = str(error.value)
    assert "\n" not in said
    assert TOKEN not in said
    return said


def test_what_is_pushed_arrives_byte_for_byte_and_is_private(hub: Hub, folder: Path) -> None:
    to = Destination("me/merge")
    check_destination(to)
    assert push(folder, to, "tiny: trial 3") == f"{hub.url}/me/merge"
    repo = hub.repos["me/merge"]
    assert repo.private
    assert repo.files == {file.name: file.read_bytes() for file in folder.iterdir()}
    assert repo.commits == ["tiny: trial 3"]
    assert [path for verb, path in hub.asked if verb == "PUT"], "weights went by LFS"
    assert hub.cards[0] == CARD, "the card was validated before anything was there"
    assert hub.asked.index(("POST", "/api/validate-yaml")) < hub.asked.index(("POST", "/api/repos/create"))


def test_public_is_what_is_asked_to_be(hub: Hub, folder: Path) -> None:
    push(folder, Destination("me/merge", public=True), "it")
    assert not hub.repos["me/merge"].private


def test_a_public_repository_is_not_pushed_to_by_accident(hub: Hub, folder: Path) -> None:
    hub.repos["me/seen"] = Repo(private=False)
    assert "is there already, and public; add --public" in refusal(Destination("me/seen"))
    with pytest.raises(SearchError, match="public"):
        push(folder, Destination("me/seen"), "it")
    assert hub.repos["me/seen"].files == {}
    check_destination(Destination("me/seen", public=True))


def test_a_second_push_goes_into_the_same_repository(hub: Hub, folder: Path) -> None:
    push(folder, Destination("me/merge"), "one")
    (folder / "config.json").write_text('{"a": 1}')
    push(folder, Destination("me/merge"), "two")
    assert hub.repos["me/merge"].files["config.json"] == b'{"a": 1}'
    assert hub.repos["me/merge"].commits == ["one", "two"]


def test_without_a_token_nothing_is_asked(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    assert "set HF_TOKEN, or log in with `hf auth login`" in refusal(Destination("me/merge"))
    assert hub.asked == []


def test_a_token_that_the_hub_does_not_know(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.users.clear()
    assert "the hub does not know this token" in refusal(Destination("me/merge"))


def test_no_right_to_write(hub: Hub, folder: Path) -> None:
    with pytest.raises(SearchError, match=r"me-not/merge: the token may not write there \(.*rights") as error:
        push(folder, Destination("me-not/merge"), "it")
    assert "\n" not in str(error.value)
    assert hub.repos == {}


def test_an_upload_that_breaks_off(hub: Hub, folder: Path) -> None:
    hub.full = True
    with pytest.raises(SearchError, match=r"me/merge: the hub refused it \(413") as error:
        push(folder, Destination("me/merge"), "it")
    assert "\n" not in str(error.value)
    assert hub.repos["me/merge"].files == {}
    assert hub.repos["me/merge"].private


def test_no_network(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setattr(constants, "ENDPOINT", nobody)
    assert f"{nobody} cannot be reached" in refusal(Destination("me/merge"))


@pytest.mark.parametrize("repo", ["merge", "a/b/c", "me/..", "me/a b", "-me/x--y"])
def test_a_name_that_is_none(hub: Hub, repo: str) -> None:
    assert repo in refusal(Destination(repo))
    assert hub.asked == []


def test_a_card_that_the_hub_refuses_is_not_pushed(hub: Hub, folder: Path) -> None:
    (folder / "README.md").write_text(CARD.replace("org/base", "/home/me/base"))
    with pytest.raises(SearchError, match="base_model"):
        push(folder, Destination("me/merge"), "it")
    assert hub.repos == {}


def test_the_command_that_goes_on_is_private_too() -> None:
    assert by_hand(Path("out"), Destination("me/merge")) == "hf upload me/merge out --private"
    assert by_hand(Path("out"), Destination("me/merge", public=True)) == "hf upload me/merge out"


def test_the_stand_in_refuses_what_the_hub_does() -> None:
    assert faults(CARD) == []
    assert faults("# no front matter")
    assert faults("---\nlicense: my own\n---\n")
    assert faults("---\nbase_model: /tmp/x\n---\n")
    assert faults("---\nmodel-index:\n- name: x\n  results:\n  - task: {type: t}\n    metrics: []\n---\n")
    assert ModelCard(CARD).data.base_model == ["org/base"]
