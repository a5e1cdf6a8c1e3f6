"""Operators: the people behind the console, what they may do, what two of them decide together, and the audit of it."""
