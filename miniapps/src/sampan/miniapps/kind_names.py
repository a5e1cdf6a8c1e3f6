"""The names of the kinds of artefacts, in manifests and in rows."""

MINIAPP, SHARED, NATIVE = "miniapp", "shared", "native"
