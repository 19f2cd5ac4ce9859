"""Columns of prompts and responses, as plain text or as messages of a conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from contrafact.exports.views.base import View

__all__ = ["IDENTIFIERS", "MESSAGES", "spoken", "with_identifiers"]

MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
IDENTIFIERS = ("pair_id", "group_id", "role", "label_source")


def spoken(texts: Sequence[str], role: str, *, chat: bool) -> pa.Array:
    """Texts as they are, or each as the one message of ``role``."""
    if not chat:
        return pa.array(texts, pa.string())
    return pa.array([[{"role": role, "content": text}] for text in texts], MESSAGES)


def with_identifiers(view: View, columns: Mapping[str, pa.Array], members: pa.Table, *, default: bool) -> pa.Table:
    """The columns, followed by which pair and group a row is of, where that is wanted."""
    wanted = default if view.settings.ids is None else view.settings.ids
    names = IDENTIFIERS if wanted else ()
    return pa.table({**columns, **{name: members[name] for name in names}})
