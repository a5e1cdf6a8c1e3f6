"""Upgrades of the super-app itself: which version customers are reminded of, or must have; releases say to whom."""
