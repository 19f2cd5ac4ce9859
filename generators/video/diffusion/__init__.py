"""Edits by diffusion: any pipeline of diffusers, with what must not change projected back after it."""
