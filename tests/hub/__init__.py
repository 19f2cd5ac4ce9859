"""A hub on loopback: see :mod:`tests.hub.server`. ``python -m tests.hub`` starts one by hand."""
