"""``make demo``: the MovieLens pipeline, deployed to a local AWS stand-in and run by a real Airflow."""
