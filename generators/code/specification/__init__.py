"""Programs told by examples: a pragmatic specification, and the nearby program that a reader must not take for it.

::

    grammar or column ─► tree ─► edits ─► pool ─► automaton (shortest distinguishing strings)
                                            └─► engine (re.fullmatch in the sandbox) ─► listener ─► examples
"""
