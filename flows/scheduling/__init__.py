"""Scheduled builds: when they run, where each run writes, and who is told how it ended."""
