"""``Job``: bookmarks are not kept, init and commit do nothing."""


class Job:
    """A Glue job.

    :param glue_context: its GlueContext.
    """

    def __init__(self, glue_context: object) -> None:
        self.glue_context = glue_context

    def init(self, job_name: str, args: object = None) -> None:
        """Begin the job."""
        self.job_name = job_name

    def commit(self) -> None:
        """End the job."""
