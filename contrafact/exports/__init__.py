"""Pairs in the forms in which others train on them: configs of the dataset itself, or files elsewhere.

::

    running ─► reading ─► views/ (members, templates, forms) ─► writing ─► configs, the card's header
                                                                rewards, for those who train on rlvr
"""

from __future__ import annotations

from contrafact.exports.rewards import reward
from contrafact.exports.running import export
from contrafact.exports.views import VIEWS, Options

__all__ = ["VIEWS", "Options", "export", "reward"]
