"""The engines: database, objects, bus, cache, log, jobs. A Protocol each, an embedded and a fleet implementation.

Nothing here knows a customer, a package or a request.
"""
