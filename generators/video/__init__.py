"""Counterfactual videos: simulated worlds, edits of real footage, and questions about both."""
