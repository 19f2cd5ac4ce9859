"""The commands, their options and their help. What they do is in the modules beside this one."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from contrafact import __version__

__all__ = ["app", "main"]

app = typer.Typer(
    name="contrafact",
    help="Counterfactual datasets: every label says who vouches for it, every edit touches only what it declares.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

RecipeArgument = Annotated[str, typer.Argument(metavar="RECIPE", help="Name or path of a recipe.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="a.b=c", help="Change one key of the recipe; may be repeated."),
]
DirArgument = Annotated[Path, typer.Argument(metavar="DIR", help="A run directory, such as outputs/quickstart.")]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"contrafact {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and Prefect's own log.")] = False,
) -> None:
    if debug:
        os.environ["CONTRAFACT_DEBUG"] = "1"


@app.command()
def build(
    recipe: RecipeArgument,
    rows: Annotated[int | None, typer.Option(help="Make so many units.")] = None,
    accept: Annotated[int | None, typer.Option(help="Go on until so many pairs are accepted.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed than the recipe's.")] = None,
    out: Annotated[Path | None, typer.Option(help="Run directory instead of outputs/NAME.")] = None,
    settings: SetOption = None,
    workers: Annotated[int | None, typer.Option(help="Shards at a time; all cores unless given.")] = None,
    local: Annotated[bool, typer.Option("--local", help="Build in this process, without Prefect.")] = False,
) -> None:
    """Build a dataset, or finish building it: the same command resumes."""
    from flows.cli.building import build_command

    build_command(recipe, settings or [], out, local=local, rows=rows, accept=accept, seed=seed, workers=workers)


@app.command()
def preview(
    recipe: RecipeArgument,
    count: Annotated[int, typer.Option("-n", "--pairs", min=1, max=1000, help="How many pairs to show.")] = 3,
    settings: SetOption = None,
) -> None:
    """Show the first pairs of a recipe, with what changed marked. Writes nothing."""
    from flows.cli.previewing import preview_command

    preview_command(recipe, settings or [], count)


@app.command()
def validate(
    directory: DirArgument,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where the recipe's relative paths start, if it names files that moved."),
    ] = None,
) -> None:
    """Recompute every oracle label and every hash of a finished dataset from what is stored."""
    from flows.cli.validating import validate_command

    validate_command(directory, folder)


@app.command("validate-scm")
def validate_scm(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="my_models.py:Clinic, or a built-in name.")],
    units: Annotated[int, typer.Option(min=10, max=1_000_000, help="Units to draw.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the units.")] = 0,
) -> None:
    """Run the conformance tests against a causal model, and explain any failure in causal terms."""
    from flows.cli.validating import validate_scm_command

    validate_scm_command(model, units, seed)


@app.command("list")
def list_(
    what: Annotated[
        str | None,
        typer.Argument(metavar="[recipes|generators|filters|scms|tables|networks]", help="Only one kind."),
    ] = None,
) -> None:
    """List recipes, generators, filters, causal models, real tables and Bayesian networks."""
    from flows.cli.listing import list_command

    list_command(what)


@app.command()
def doctor() -> None:
    """Say what is installed, reachable or missing, and the command that mends it."""
    from flows.cli.doctor import doctor_command

    doctor_command()


def main() -> None:
    """Entry point. A user's mistake ends in one message and a non-zero exit code, never in a traceback."""
    from contrafact.errors import ContrafactError

    try:
        app()
    except ContrafactError as error:
        if os.environ.get("CONTRAFACT_DEBUG"):
            raise
        typer.echo(typer.style("error: ", fg="red", bold=True) + str(error), err=True)
        sys.exit(error.exit_code)
