"""Programs whose labels are executed: somebody ran both members of every pair."""
