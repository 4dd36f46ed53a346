"""The policies by which `EmrCreateJobFlowOperator` waits."""

from __future__ import annotations

from enum import Enum


class WaitPolicy(str, Enum):
    """How far a new EMR cluster must get before the task ends.

    - WAIT_FOR_COMPLETION: the cluster is up (`RUNNING` or `WAITING`), or has done its steps and ended.
    - WAIT_FOR_STEPS_COMPLETION: the cluster has done its steps and has terminated.
    """

    WAIT_FOR_COMPLETION = "wait_for_completion"
    WAIT_FOR_STEPS_COMPLETION = "wait_for_steps_completion"
