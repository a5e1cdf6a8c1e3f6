"""Benchmarks: each runs beside its reference, round by round, and says whether its limits hold.

`harness` keeps the rounds and the verdict, `server` starts servers, `load` sends requests, `cpu` reads what
processes used. A bench is a module with a `run(session)` function and a line in `__main__.BENCHES`; `start`
is a short example. Nothing here imports the server's code: it is measured from outside, as a client sees
it.
"""
