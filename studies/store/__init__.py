"""One database of studies, candidates and evidence: SQLite for one machine, PostgreSQL for many.

Begin with `store.py`. `schema.py` has its tables, `queries.py` and `evidence.py` what is asked of them and
put into them, `rows.py` what callers see; `connect.py` opens it, `readonly.py` opens it to be looked at,
`migrate.py` brings it up to date, `identity.py` tells whether a resumed study is still the same, `lease.py`
lets one process at a time run a fusion. `patience.py` waits for a server that is away, `spool.py` keeps
evidence meanwhile; `presence.py` tells whether a process is still there.
"""

from studies.store.readonly import ReadOnlyStore
from studies.store.store import StudyStore

__all__ = ["ReadOnlyStore", "StudyStore"]
