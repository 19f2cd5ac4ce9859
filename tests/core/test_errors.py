from __future__ import annotations

import pickle

import pytest

from contrafact import errors
from contrafact.errors import ContrafactError, TransientError, did_you_mean

TREE = [getattr(errors, name) for name in errors.__all__ if isinstance(getattr(errors, name), type)]


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_an_error_travels_between_processes_with_all_it_says(kind: type[ContrafactError]) -> None:
    error = kind("what was given", allowed="what is", fix="how to mend it")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # made one line above
    assert type(again) is kind
    assert str(again) == "what was given\n  allowed: what is\n  fix: how to mend it"
    assert (again.what, again.allowed, again.fix) == ("what was given", "what is", "how to mend it")


def test_only_what_is_worth_trying_again_is_transient() -> None:
    assert [kind for kind in TREE if kind.transient] == [TransientError]


def test_exit_codes_tell_a_mistake_from_a_full_disk_and_a_busy_server() -> None:
    codes = {kind.__name__: kind.exit_code for kind in TREE}
    assert {code for name, code in codes.items() if issubclass(getattr(errors, name), errors.UserError)} == {2}
    assert (codes["StorageError"], codes["TransientError"], codes["RowError"]) == (3, 4, 1)


def test_the_nearest_name_is_suggested_and_a_far_one_is_not() -> None:
    assert did_you_mean("weigths", ["weights", "noise"]) == " (did you mean 'weights'?)"
    assert did_you_mean("xyz", ["weights", "noise"]) == ""
    assert did_you_mean("x", []) == ""


def test_the_docstring_draws_the_whole_tree() -> None:
    for kind in TREE:
        assert kind.__name__ in (errors.__doc__ or "")
