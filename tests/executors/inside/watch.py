"""Run by the image's Python: print the states of a DAG's tasks as a JSON line whenever they change.

Reads the metadata database alone, so that it starts at once. Each line maps a task id to its state and to
the id of the triggerer that has its trigger.
"""

import json
import sys
import time

import sqlalchemy

QUERY = """
    SELECT task_instance.task_id, task_instance.state, trigger.triggerer_id
    FROM task_instance LEFT JOIN trigger ON trigger.id = task_instance.trigger_id
    WHERE task_instance.dag_id = :dag
"""


def main(address: str, dag: str) -> None:
    """Watch until the reader goes away."""
    engine = sqlalchemy.create_engine(address)
    last = None
    while True:
        with engine.connect() as connection:
            rows = connection.execute(sqlalchemy.text(QUERY), {"dag": dag}).fetchall()
        now = {task: [state, triggerer] for task, state, triggerer in rows}
        if now != last:
            print(json.dumps(now), flush=True)
            last = now
        time.sleep(0.3)


if __name__ == "__main__":
    main(*sys.argv[1:])
