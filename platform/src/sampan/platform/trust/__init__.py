"""Who signs what: bodies, keys, ceremonies and the publisher job of a trust tree."""
