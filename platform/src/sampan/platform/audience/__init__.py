"""Audiences: rules about who gets something, compiled once and evaluated without I/O."""
