"""Signals to whoever sleeps while a study runs: a webhook, structured logs, Prometheus metrics.

Begin with `signalling.py` (what commands call); `webhook.py` delivers an event, `watch.py` notices what is
worth one, `logs.py` writes JSON lines, `metrics.py` says in Prometheus' text format what the database knows,
and `gpus.py` what a worker's beat adds about memory. What is told of a study is read from the database alone,
so any process that reaches it can signal. May import `showing`.
"""
