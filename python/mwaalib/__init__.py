"""Amazon EMR, Step Functions, Glue and Systems Manager for Apache Airflow, on a Rust core."""
