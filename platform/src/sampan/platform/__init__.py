"""The ground floor: engines, identity, trust, releases, and the server that the components plug into."""
