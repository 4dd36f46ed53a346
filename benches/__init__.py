"""Benchmarks of the wait engine, side by side with apache-airflow-providers-amazon."""
