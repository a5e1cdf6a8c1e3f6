"""Job runner and outbox dispatcher with the doors they need: declared here, where doors are known."""

from collections.abc import Callable, Iterable

from sampan.platform.engines.job_runner import JobKind, JobRunner
from sampan.platform.engines.jobs import jobs
from sampan.platform.engines.log import log_heads
from sampan.platform.engines.outbox import Consumer
from sampan.platform.engines.outbox_dispatcher import Dispatcher
from sampan.platform.workspaces.guard import SystemDoor
from sampan.platform.workspaces.store import Store

JOBS_DOOR = SystemDoor("jobs", "a worker finds the jobs of all workspaces that are due", reads=frozenset({jobs}))
OUTBOX_DOOR = SystemDoor(
    "outbox", "a worker finds the workspaces that have events to deliver", reads=frozenset({log_heads})
)


def build_job_runner(store: Store, kinds: Iterable[JobKind], *, now_ms: Callable[[], int]) -> JobRunner:
    """Return the runner of this worker; `run` it, and `wake` it when the bus says that something changed."""
    return JobRunner(store.workspace, store.system(JOBS_DOOR), kinds, now_ms=now_ms)


def build_dispatcher(store: Store, consumers: Iterable[Consumer], *, now_ms: Callable[[], int]) -> Dispatcher:
    """Return the dispatcher of this worker; `run` it, and `wake` it when the bus says that something changed."""
    return Dispatcher(store.workspace, store.system(OUTBOX_DOOR), consumers, now_ms=now_ms)
