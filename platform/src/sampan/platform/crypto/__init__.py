"""Algorithms by id. Nothing here knows a workspace, a file of ours or a request."""
