"""The names under which work on nodes waits in the queue, and what it must not overlap with."""

VERIFY_NODE = "verify-node"
ROTATE_KEY = "rotate-key"  # of a node
RUN_JOB = "run-job"


def node_lock(node_id: int) -> str:
    return f"node:{node_id}"


def job_lock(job_id: int) -> str:
    return f"job:{job_id}"
