"""Deltas between published versions: made by jobs, served beside the trust tree, collected when no longer of use."""
