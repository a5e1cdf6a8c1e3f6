"""Insight: what devices report, taken once each, and what it adds up to."""
