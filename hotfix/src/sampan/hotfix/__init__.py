"""Hotfixes: changes of single files of a published version, signed and approved like one, on devices in seconds."""
