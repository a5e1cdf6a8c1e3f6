"""Workspaces: one bank, or one environment of it, each; the guard, revisions and snapshots that scope everything."""
