"""The run directory: what a build leaves on disk, and how it survives being stopped."""
