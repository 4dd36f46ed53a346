"""``GlueContext`` over a plain SparkSession: what scripts use beside DynamicFrames."""

import logging

from pyspark.sql import SparkSession


class GlueContext:
    """A Glue context; DynamicFrame readers and writers are not part of the stand-in.

    :param sparkContext: the SparkContext.
    """

    def __init__(self, sparkContext: object, **_options: object) -> None:
        self.sparkContext = sparkContext
        self.spark_session = SparkSession.builder.getOrCreate()

    def get_logger(self) -> logging.Logger:
        """Return a logger."""
        return logging.getLogger("awsglue")

    def __getattr__(self, name: str) -> object:
        raise AttributeError(
            f"GlueContext.{name} needs AWS Glue's own classes, which the stand-in does not have: "
            "use the SparkSession"
        )
