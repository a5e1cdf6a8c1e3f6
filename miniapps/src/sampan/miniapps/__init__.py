"""Mini-apps: what the platform must know of them: kinds, checks, the catalogue and its visibility by tier."""
