"""Prefect flows, and the command line over them. This is the only room of the house that knows Prefect."""
