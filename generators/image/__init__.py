"""Counterfactual images: pictures of causal models, evidence taken away, degraded views, and what should not matter."""
