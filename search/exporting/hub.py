"""A folder on the hub, through its own library: private unless it is asked to be public.

The token is the library's: HF_TOKEN, or what `hf auth login` keeps. It is never taken from a command line and
never printed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.candidates.card import CARD
from search.errors import SearchError

_REPO = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


@dataclass(frozen=True)
class Destination:
    """A repository for a model on the hub."""

    repo: str
    """`owner/name`."""
    public: bool = False
    """Whether everybody may see it; a new one is private otherwise, and one that is public is refused."""


def check_destination(to: Destination) -> None:
    """Find what would stop a push before any work is spent: token, name, network, and who would see it.

    Raises:
        SearchError: one line that says what, and what to do.
    """
    from huggingface_hub import get_token
    from huggingface_hub.utils import validate_repo_id

    with _told(to):
        if not _REPO.fullmatch(to.repo):
            raise SearchError(f"--push-to-hub {to.repo}: is no repository; write OWNER/NAME")
        validate_repo_id(to.repo)
        if not get_token():
            raise SearchError(
                "--push-to-hub needs a token that may write: set HF_TOKEN, or log in with `hf auth login`"
            )
        api = _api()
        api.whoami()
        _check_unseen(api, to)


def push(folder: Path, to: Destination, title: str) -> str:
    """Upload a folder as one commit, the repository being made if need be; returns where it is.

    Raises:
        SearchError: the hub refuses it, or cannot be reached. What was written here stays.
    """
    from huggingface_hub import ModelCard

    with _told(to):
        api = _api()
        ModelCard.load(folder / CARD).validate()  # the hub's own check, before anything is there
        url = api.create_repo(to.repo, private=not to.public, exist_ok=True)
        _check_unseen(api, to)  # between the first look and this one hours may lie
        with _bars_on_terminals():
            api.upload_folder(repo_id=to.repo, folder_path=folder, commit_message=title)
        return str(url)


def by_hand(folder: Path, to: Destination) -> str:
    """The command that uploads a folder which is written already."""
    return f"hf upload {to.repo} {folder}{'' if to.public else ' --private'}"


def _api() -> Any:
    from huggingface_hub import HfApi

    return HfApi(library_name="crucible")


def _check_unseen(api: Any, to: Destination) -> None:
    """Refuse a repository that everybody sees, where that was not asked for."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        private = api.repo_info(to.repo).private
    except RepositoryNotFoundError:
        return  # not there yet, or the token may not see it, and so not write to it
    if not private and not to.public:
        raise SearchError(
            f"--push-to-hub {to.repo}: is there already, and public; add --public if everybody may see this,"
            " or name another"
        )


@contextmanager
def _told(to: Destination) -> Iterator[None]:
    """What the library raises, in one line that names the repository and the remedy, and no token."""
    from huggingface_hub.errors import HfHubHTTPError

    # The library's HTTP errors are those of whichever httpx it was built on, which is its own affair.
    try:
        yield
    except SearchError:
        raise
    except (*HfHubHTTPError.__bases__, ValueError, RuntimeError) as error:
        raise SearchError(f"--push-to-hub {to.repo}: {_without_token(_reason(error))}") from None


def _reason(error: Exception) -> str:
    from huggingface_hub import constants
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    if isinstance(error, RuntimeError) and isinstance(error.__cause__, Exception):
        return _reason(error.__cause__)  # an upload's own fault, of whichever kind
    if isinstance(error, HfHubHTTPError):
        return _refusal(error.response.status_code, error.server_message or _line(error))
    if isinstance(error, OfflineModeIsEnabled):
        return "the hub is switched off here (HF_HUB_OFFLINE); unset that, or upload from elsewhere"
    if isinstance(error, ValueError):
        return _line(error)
    return f"{constants.ENDPOINT} cannot be reached ({_line(error)}); check the network and HF_ENDPOINT"


def _refusal(status: int, said: str) -> str:
    if status == 401:
        return "the hub does not know this token; set another HF_TOKEN, or log in with `hf auth login`"
    if status == 403:
        return f"the token may not write there ({said}); give it that right, or name a repository of your own"
    return f"the hub refused it ({status}: {said})"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _without_token(text: str) -> str:
    from huggingface_hub import get_token

    token = get_token()
    return text.replace(token, "TOKEN") if token else text


@contextmanager
def _bars_on_terminals() -> Iterator[None]:
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    if sys.stderr.isatty() or are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()
