"""`sampan dev`: a throw-away bank around one mini-app that is being written."""
