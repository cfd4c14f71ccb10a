"""``expand``: every document in its long form, as text that loads to the same."""

from __future__ import annotations

from typing import Any

import yaml

from reconciler.load.checked import check_all
from reconciler.load.documents import identify
from reconciler.load.files import read_files
from reconciler.load.ledger import Ledger
from reconciler.load.longform import long_form
from reconciler.load.scalars import AmbiguousScalar, resolve
from reconciler.load.values import plain
from reconciler.model.commits import SourceTree


class _Writer(yaml.CSafeDumper):
    """Writes text so that our reader takes it as text."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(writer: _Writer, text: str) -> yaml.Node:
    style = None
    if "\n" in text:
        style = "|"
    elif not _is_plain(text):
        style = '"'
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _is_plain(text: str) -> bool:
    try:
        return isinstance(resolve(text), str)
    except AmbiguousScalar:
        return False


_Writer.add_representer(str, _text)


def expand(tree: SourceTree) -> str:
    """The documents that may be read, in long form, as one YAML text; each after a comment with its place.

    Variables stay as they are, and so do short forms with a variable in them.
    """
    ledger = Ledger()
    pages = []
    documents = check_all(identify(read_files(tree).documents, ledger), ledger)
    for document in sorted(documents, key=lambda one: (one.root.at, one.ref)):
        body = plain(long_form(document.ref.kind, document.root))
        text = yaml.dump(body, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=120)
        pages.append(f"# {document.path}:{document.root.at[1]}\n{text}")
    return "---\n".join(pages)
