"""Switches: typed values for kinds of subjects, changed without a release of anything, served over OFREP."""
