"""What a dataset says of itself, and what of it goes to the Hugging Face Hub.

::

    run directory ─► contents (what goes up) ─► checks ─► compared with what is there ─► uploads ─► one commit ─► tag

The card (:mod:`contrafact.card`) and Croissant are made at the end of every build and once more for the hub, where
files have addresses. :func:`contrafact.publishing.pushing.push` is the whole of it.
"""
