"""Kubernetes objects as YAML: read by YAML 1.2's rules for scalars, written so that every reader agrees."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

LARGEST = 64 * 1024 * 1024
#: values that one document may come to once its aliases are followed
MOST_VALUES = 1_000_000
DEEPEST = 200
_ORDER = {name: number for number, name in enumerate(("apiVersion", "kind", "metadata", "name", "namespace"))}
#: plain strings that some reader (YAML 1.1, 1.2, Go's) takes for something else
_AMBIGUOUS = re.compile(
    r"(?i)[-+]?[0-9._][0-9a-fox_.:+-]*([ t][0-9:.z +-]+)?|y|n|yes|no|on|off|true|false|null|~|[-+]?\.(inf|nan)"
)
_MERGE = "tag:yaml.org,2002:merge"


class Unreadable(ValueError):
    """Why a file is not read, with its line where one is to blame."""


class _Reader(yaml.CSafeLoader):
    """No dates, no sexagesimal numbers, no yes and no, no key twice; a leading zero is octal, as for Kubernetes."""

    yaml_implicit_resolvers = {}  # noqa: RUF012

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == _MERGE:
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is not text", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key} is there twice", key_node.start_mark
                )
            seen.add(key)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return mapping


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(?:0|[1-9][0-9]*|0[0-7]+|0o[0-7]+|0x[0-9a-fA-F]+)", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?", "-+0123456789."),
    ("merge", r"<<", "<"),
):
    _Reader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})\\Z"), _first)


def read_documents(data: bytes) -> list[Any]:
    """The documents of a file as JSON values, empty ones left out. Raises Unreadable."""
    if len(data) > LARGEST:
        raise Unreadable(f"larger than {LARGEST // 1024 // 1024} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable("not UTF-8 text") from error
    try:
        _check_depth(text)
        documents = [document for document in yaml.load_all(text, Loader=_Reader) if document is not None]
        for document in documents:
            _count(document, {}, set())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise Unreadable(f"line {mark.line + 1}: {error.problem}" if mark else str(error.problem)) from error
    except Unreadable:
        raise
    except (yaml.YAMLError, ValueError) as error:
        raise Unreadable(str(error).partition("\n")[0]) from error
    return documents


def _check_depth(text: str) -> None:
    """The C loader recurses: without this a deep file ends the process. Raises Unreadable."""
    depth = 0
    for event in yaml.parse(text, Loader=_Reader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise Unreadable(f"nested more than {DEEPEST} deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _count(value: Any, known: dict[int, int], open_: set[int]) -> int:
    """How many values a document holds with its aliases followed. Raises Unreadable past the limit, and for a value
    that JSON does not have."""
    if not isinstance(value, (dict, list)):
        if value is None or isinstance(value, (str, bool, int)) or (isinstance(value, float) and abs(value) < 1e309):
            return 1
        raise Unreadable(f"{value!r} is nothing that JSON can hold")
    if id(value) in open_:
        raise Unreadable("an alias that contains itself")
    if id(value) not in known:
        open_.add(id(value))
        items = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_count(item, known, open_) for item in items)
        open_.discard(id(value))
    if known[id(value)] > MOST_VALUES:
        raise Unreadable(f"more than {MOST_VALUES} values once its aliases are followed")
    return known[id(value)]


class _Writer(yaml.CSafeDumper):
    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _string(writer: _Writer, text: str) -> Any:
    style = None
    if any(mark in text for mark in "\x85\u2028\u2029"):
        style = '"'  # line breaks to some readers
    elif "\n" in text:
        style = "|"
    elif _AMBIGUOUS.fullmatch(text):
        style = '"'
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Writer.add_representer(str, _string)


def write_document(body: Mapping[str, Any]) -> str:
    """One object as YAML: what names it first, everything else sorted; the same object gives the same text."""
    text: str = yaml.dump(
        _ordered(body), Dumper=_Writer, sort_keys=False, allow_unicode=True, width=2**20, default_flow_style=False
    )
    return text


def _ordered(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _ordered(value[key]) for key in sorted(value, key=lambda key: (_ORDER.get(key, 99), key))}
    return [_ordered(item) for item in value] if isinstance(value, (list, tuple)) else value
