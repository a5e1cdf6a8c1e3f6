"""Promotion: switches and saved audiences of another workspace, proposed here and approved here anew.

Versions are promoted by their publisher's own signature (`artifacts`); what stands here are the things without one.
"""
