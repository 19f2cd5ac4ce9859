"""Measurements of speed: run by hand, printed as tables, kept as JSON under ``results/``. No test depends on one."""
