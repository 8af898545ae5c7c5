"""The tokenizer of a merged model: one model's files as they are, or the base's with further tokens added."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from merging.errors import CheckpointError
from merging.family.vocabulary import read_tokenizer, read_vocabulary

_PLAIN = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": True, "special": False}


def extended_files(
    companions: Iterable[Path], folders: Sequence[Path], tokens: Mapping[str, int]
) -> dict[str, str]:
    """Texts by file name that make the first folder's tokenizer know all `tokens`; {} where it does already.

    Tokens that it lacks become added tokens, with the flags of the first model that added them too; a token
    that others had learned to compose is then matched as a whole, wherever it stands in a text.

    Raises:
        CheckpointError: the tokenizer's numbers leave no room for more tokens.
    """
    base = folders[0]
    known = read_vocabulary(base) or {}
    new = [token for token in sorted(tokens, key=tokens.__getitem__) if token not in known]
    if not new:
        return {}
    flags = _added_elsewhere(folders[1:])
    entries = [{**_PLAIN, **flags.get(token, {}), "id": tokens[token], "content": token} for token in new]
    files = {"tokenizer.json": _with_added(base, entries)}
    _check(files["tokenizer.json"], base, tokens)
    for file in companions:
        if file.name == "tokenizer_config.json":
            decoded = {str(entry["id"]): _decoded(entry) for entry in entries}
            files[file.name] = _extend(file, "added_tokens_decoder", decoded)
        elif file.name == "added_tokens.json":
            files[file.name] = _extend(file, None, {entry["content"]: entry["id"] for entry in entries})
    return files


def _added_elsewhere(folders: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """Entries of the models' added tokens by token; the first model's count."""
    entries: dict[str, dict[str, Any]] = {}
    for folder in folders:
        for entry in (read_tokenizer(folder) or {}).get("added_tokens") or ():
            entries.setdefault(entry["content"], entry)
    return entries


def _with_added(folder: Path, entries: Sequence[Mapping[str, Any]]) -> str:
    tokenizer = read_tokenizer(folder) or {}
    tokenizer["added_tokens"] = [*(tokenizer.get("added_tokens") or ()), *entries]
    return json.dumps(tokenizer, ensure_ascii=False)


def _check(text: str, folder: Path, tokens: Mapping[str, int]) -> None:
    """Tokenizers number added tokens by rules of their own, which gaps in the numbers upset."""
    from tokenizers import Tokenizer

    found = Tokenizer.from_str(text).get_vocab()
    if found != tokens:
        token = next(token for token in {**tokens, **found} if tokens.get(token) != found.get(token))
        raise CheckpointError(
            f"{folder / 'tokenizer.json'}: cannot be extended: {token!r} becomes number {found.get(token)}"
            f" instead of {tokens.get(token)}; set tokenizer_source to base instead of union"
        )


def _extend(file: Path, key: str | None, entries: Mapping[str, Any]) -> str:
    """A JSON file with further entries, where it lists added tokens at all."""
    data = json.loads(file.read_text(encoding="utf-8"))
    listed = data if key is None else data.get(key)
    if isinstance(listed, dict):
        listed.update(entries)
    return json.dumps(data, ensure_ascii=False, indent=2)


def _decoded(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "id"}
