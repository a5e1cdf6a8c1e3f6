"""Releases: which version of which deliverable is offered to whom, and the one function that decides it."""
