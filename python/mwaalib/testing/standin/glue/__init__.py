"""Glue job runs on local Spark, and crawlers that read what is in S3."""
