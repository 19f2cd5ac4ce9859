"""Discrete Bayesian networks out of BIF files, and the networks of the bnlearn repository that pgmpy carries."""

from __future__ import annotations

import gzip
import importlib.util
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from contrafact.errors import DataError, MissingDependencyError, did_you_mean
from generators.scm.mechanisms import Categorical, Discrete
from generators.scm.mechanisms.base import Floats, Mechanism
from generators.scm.model import SCM, Variable
from generators.scm.readers.names import identifiers

__all__ = ["list_bif", "scm_from_bif"]

NoiseKind = Literal["gumbel_max", "inverse_cdf"]
_INSTALL = "pip install 'contrafact[bif]'"
_EXACT = 1e-6  # what a mechanism takes for one
_ROUNDING = 1e-2  # published tables are rounded to a few digits; pgmpy allows as much


def list_bif() -> tuple[str, ...]:
    """Names of the networks that come with pgmpy: ``alarm``, ``asia`` and others, sorted.

    Raises
    ------
    MissingDependencyError
        Where pgmpy is not installed.
    """
    return tuple(sorted(path.name.removesuffix(".bif.gz") for path in _bundled().glob("*.bif.gz")))


def scm_from_bif(name_or_path: str | Path, *, noise: NoiseKind = "gumbel_max") -> SCM:
    """A causal model that samples a discrete Bayesian network's joint distribution.

    A network says how likely each level is, not which noise stands behind it, so that its counterfactuals rest on a
    choice: Gumbel-max (Oberst & Sontag 2019), under which raising a level's odds never makes a unit leave it, or the
    inverse distribution function, under which levels are ordered and units keep their rank.

    Parameters
    ----------
    name_or_path : str or Path
        A name from :func:`list_bif`, or a ``.bif`` or ``.bif.gz`` file (interchange format of Cozman, 1998).
    noise : {'gumbel_max', 'inverse_cdf'}

    Returns
    -------
    SCM
        Levels and parents in the file's order. Nodes whose names are no identifiers are renamed as
        :func:`generators.scm.readers.names.identifiers` says, with the file's name in the variable's description.

    Raises
    ------
    DataError
        For a network that is not there, or a file that is malformed.
    MissingDependencyError
        Where pgmpy is not installed.
    """
    if noise not in get_args(NoiseKind):
        raise DataError(
            f"noise={noise!r} is no noise of a network{did_you_mean(str(noise), get_args(NoiseKind))}",
            allowed=", ".join(get_args(NoiseKind)),
        )
    path = _find(name_or_path)
    network = _read(path, _text(path))
    plain = identifiers(network.variable_names)
    variables = [_variable(network, node, plain, noise, path.name) for node in network.variable_names]
    return SCM(path.name.removesuffix(".gz").removesuffix(".bif"), variables)


def _variable(network: Any, node: str, plain: Mapping[str, str], noise: NoiseKind, file: str) -> Variable:
    levels, parents = network.variable_states[node], network.variable_parents[node]
    table = _table(network, node, parents, file)
    names = tuple(plain[parent] for parent in parents)
    kind: type[Categorical | Discrete] = Categorical if noise == "gumbel_max" else Discrete
    mechanism: Mechanism = kind(tuple(levels), table=table, parents=names)
    return Variable(plain[node], mechanism, description="" if plain[node] == node else f"{node} in {file}")


def _table(network: Any, node: str, parents: Sequence[str], file: str) -> Floats:
    """Probabilities with one axis a parent, in their order, and the node's own levels last."""
    sizes = [len(network.variable_states[parent]) for parent in parents]
    # The reader's columns run through the parents' combinations with the last parent fastest: C order.
    table = np.moveaxis(np.asarray(network.variable_cpds[node], dtype=np.float64), 0, -1)
    table = table.reshape(*sizes, len(network.variable_states[node]))
    sums = table.sum(axis=-1)
    worst = np.unravel_index(np.argmax(np.abs(sums - 1)), sums.shape)
    if (table < 0).any() or abs(sums[worst] - 1) > _ROUNDING:
        given = {parent: network.variable_states[parent][code] for parent, code in zip(parents, worst, strict=True)}
        where = f" given {', '.join(f'{key} = {value}' for key, value in given.items())}" if given else ""
        raise _malformed(
            file, f"the probabilities of {node!r}{where} are {table[worst].tolist()}, in all {sums[worst]:g}"
        )
    # Rows that are only rounded stay as the file has them; those further off are made to sum to one.
    return np.asarray(np.where(np.abs(sums - 1) > _EXACT, 1 / sums, 1.0)[..., None] * table)


def _read(path: Path, text: str) -> Any:
    _check_declarations(path.name, text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pgmpy's own imports warn of each other's deprecations
        from pgmpy.readwrite import BIFReader

        try:
            network = BIFReader(string=text)
        except Exception as error:  # noqa: BLE001  # a malformed file stops pgmpy in any of many ways
            reason = f"{type(error).__name__}: {error}"
            raise _malformed(path.name, f"pgmpy's reader stopped with {reason}") from None
    _check_whole(path.name, network)
    return network


def _check_declarations(file: str, text: str) -> None:
    declared = re.findall(r"variable\s+([^{]+?)\s*\{[^}]*?type\s+\w+\s*\[\s*(\d+)\s*\]\s*\{([^}]*)\}", text)
    if not declared:
        raise _malformed(file, "no variable is declared in it")
    for node, count, states in declared:
        found = [state for state in re.split(r"[,\s]+" if "," not in states else r"\s*,\s*", states.strip()) if state]
        if len(found) != int(count):
            raise _malformed(file, f"{node!r} declares {count} states and names {len(found)}")
        if len(set(found)) != len(found):
            raise _malformed(file, f"{node!r} names one state twice")
    if text.count("{") != text.count("}"):
        raise _malformed(file, f"{text.count('{')} opening braces and {text.count('}')} closing ones: is it cut short?")


def _check_whole(file: str, network: Any) -> None:
    known = network.variable_names
    twice = sorted({node for node in known if known.count(node) > 1})
    if twice:
        raise _malformed(file, f"declared twice: {', '.join(twice)}")
    for node, parents in network.variable_parents.items():
        for name in (node, *parents):
            if name not in network.variable_states:
                raise _malformed(
                    file, f"a probability names {name!r}, which is not declared{did_you_mean(name, known)}"
                )
    without = [node for node in known if node not in network.variable_cpds]
    if without:
        raise _malformed(file, f"no probabilities are given for {', '.join(without)}")


def _find(name_or_path: str | Path) -> Path:
    folder = _bundled()
    bundled = folder / f"{name_or_path}.bif.gz"
    if bundled.parent == folder and bundled.is_file():
        return bundled
    path = Path(name_or_path).expanduser()
    if path.is_file():
        return path
    near = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
    raise DataError(
        f"there is no network or file {str(name_or_path)!r}{did_you_mean(str(name_or_path), [*list_bif(), *near])}",
        allowed=f"a .bif or .bif.gz file, or one of {', '.join(list_bif())}",
    )


def _bundled() -> Path:
    spec = importlib.util.find_spec("pgmpy")
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependencyError("BIF files are read by pgmpy, which is not installed", fix=_INSTALL)
    return Path(spec.submodule_search_locations[0]) / "utils" / "example_models"


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
    except (gzip.BadGzipFile, EOFError, UnicodeDecodeError) as error:
        raise _malformed(path.name, str(error)) from None
    return text.replace("\r\n", "\n").rstrip() + "\n"  # the reader looks for a line end after each block


def _malformed(file: str, reason: str) -> DataError:
    return DataError(f"{file} is no usable BIF file: {reason}", allowed="variable and probability blocks, each closed")
