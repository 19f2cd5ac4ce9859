"""Small edits of real C functions, labelled by running both under the sanitizers.

::

    units (a function and what it needs of its file) ─► types, slots (how its parameters are made) ─► inputs
        ─► harness (a main that calls it) ─► profiling (the original) ─► operators ─► trials (edited) ─► pairs
"""
