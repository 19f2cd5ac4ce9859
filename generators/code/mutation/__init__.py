"""Small edits of real functions, labelled by running both.

::

    corpora ─► functions ─► hints, inputs ─► profiling (originals, twice) ─► operators ─► trials (edited) ─► pairs
"""
