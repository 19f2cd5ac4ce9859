"""Counterfactual datasets: every label says who vouches for it, and every edit touches only what it declares."""

__version__ = "0.1.0"
