"""``reconciler schema``: the JSON Schemas that documents are checked with."""

from __future__ import annotations

import click


@click.command("schema")
@click.argument("kind", required=False)
def command(kind: str | None) -> int:
    """Print the JSON Schema of KIND, or the names of all kinds.

    \b
    In an editor: put this at the top of a file, for the YAML language server:
      # yaml-language-server: $schema=TrafficPolicy.json
    """
    from difflib import get_close_matches

    from reconciler.cli.output import say_json
    from reconciler.load import KINDS, schema

    if kind is None:
        click.echo("\n".join(sorted(KINDS)))
        return 0
    named = {name.lower(): name for name in KINDS}
    if kind.lower() not in named:
        near = get_close_matches(kind.lower(), named, 1)
        hint = f"did you mean {named[near[0]]}?" if near else f"known: {', '.join(sorted(KINDS))}"
        raise click.ClickException(f"there is no kind {kind!r}; {hint}")
    say_json(schema(named[kind.lower()]))
    return 0
