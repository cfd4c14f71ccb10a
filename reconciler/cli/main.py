"""The ``reconciler`` command: finds the subcommand, and turns what goes wrong into words and an exit code."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Mapping, Sequence

import click

from reconciler import __version__

#: command -> (module, short help); a module is imported only when its command is called
COMMANDS: Mapping[str, tuple[str, str]] = {
    "init": ("init", "Write a first repository that plan accepts."),
    "import": ("importing", "Make neutral documents of existing objects of a mesh."),
    "validate": ("validate", "Check what is written in Git; all mistakes at once."),
    "plan": ("plan", "Show what would change on each cluster and mesh, and why."),
    "apply": ("apply", "Carry out the plan, and record every change."),
    "report": ("report", "Post to a pull request what it would do."),
    "drift": ("drift", "Show what was changed outside Git, and by whom."),
    "local": ("local", "Run the mesh of a folder on this machine: real proxies, and services to call."),
    "run": ("run", "Reconcile again and again, or once for cron."),
    "status": ("status", "Show how the last run ended, per target."),
    "migrate": ("migrate", "What becomes of policies on another mesh, and the steps there."),
    "notify": ("notify", "Send a message to try the channels of notifications."),
    "pause": ("pause", "Stop writing to targets for a while; it is recorded."),
    "resume": ("pause", "Let writes go on."),
    "accept": ("accept", "Accept a revision after history was rewritten."),
    "audit": ("audit", "Read, verify and export the record of changes."),
    "inspect": ("inspect", "Show every rule in and out of a service or workload, and whose it is."),
    "capabilities": ("capabilities", "Show what each mesh can do, and what becomes of a policy on it."),
    "inventory": ("inventory", "List clusters and groups; explain a variable."),
    "rbac": ("rbac", "Print the role that the clusters' account needs."),
    "schema": ("schema", "Print the JSON Schema of a kind, for editors."),
}


#: objects made before the collector looks for circles among them: a run makes many and hardly any circle
COLLECT_AFTER = 50_000


class LazyGroup(click.Group):
    """Lists commands from the table; imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"reconciler.cli.{COMMANDS[cmd_name][0]}")
        command = getattr(module, cmd_name, None) or module.command
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f" Did you mean {near[0]}?" if near else " See reconciler --help."
            ctx.fail(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="reconciler")
@click.option(
    "--state",
    envvar="RECONCILER_STATE",
    metavar="DIR",
    help="Where state and the audit log are kept. Default: a folder per repository below the XDG state folder,"
    " or below /var/lib/reconciler for root where that is there.",
)
@click.option("--color/--no-color", default=None, help="Colour, or none. Default: colour on a terminal.")
@click.pass_context
def cli(ctx: click.Context, state: str | None, color: bool | None) -> None:
    """Reconcile many service meshes to what Git says.

    A repository has two folders: desired-state/ (clusters, meshes, virtual meshes) and policies/ (source,
    destination, rule). Each policy becomes native objects of each mesh; the difference to the live state is shown,
    applied or reported, and every change is recorded with its commit.

    \b
    A first look, without any cluster:   make run
    What would this change do:           reconciler plan
    Do it, and keep the record:          reconciler apply
    Who changed it by hand:              reconciler drift
    """
    ctx.obj = {"state": state}
    ctx.color = color


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code (see docs/operations.md). Wrong usage is 1."""
    gc.set_threshold(COLLECT_AFTER, *gc.get_threshold()[1:])
    try:
        result = cli.main(list(arguments), prog_name="reconciler", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.Abort:
        click.echo("stopped", err=True)
        return 1
    except click.ClickException as problem:
        problem.show()
        return 1
    except Exception as problem:
        return _failed(problem)


def _failed(problem: Exception) -> int:
    """The outside world's refusals in one line; anything else is a bug and keeps its traceback."""
    from reconciler.ports import OutsideError

    if not isinstance(problem, OutsideError):
        raise problem
    click.echo(f"Error: {problem}", err=True)
    if problem.retryable:
        click.echo("This may pass: try again.", err=True)
    return 1
