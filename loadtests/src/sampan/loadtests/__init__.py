"""Simulated devices, load scenarios and benchmarks: the platform as its clients see it, over HTTP."""
