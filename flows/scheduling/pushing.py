"""Whether what a schedule makes could be pushed, asked before the first night."""

from __future__ import annotations

from contrafact.publishing.checks import check_name
from contrafact.publishing.hub import Hub

__all__ = ["check_push"]


def check_push(repository: str) -> None:
    """Raise ``UserError`` for a repository's name that the hub does not take, and where there is no token."""
    check_name(repository)
    Hub(repository).need_token()
