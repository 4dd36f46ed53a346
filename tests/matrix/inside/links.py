"""Run by an Airflow 2 image's Python: resolve the console links of the finished tasks as the web server does.

Prints a JSON object of task id to link name to address.
"""

import json
import sys

from airflow.models import TaskInstance
from airflow.models.serialized_dag import SerializedDagModel
from airflow.utils.session import create_session


def main(dag_id: str) -> None:
    """Print the links of each task of the DAG's last run."""
    found: dict[str, dict[str, str]] = {}
    with create_session() as session:
        dag = SerializedDagModel.get_dag(dag_id, session=session)
        for instance in session.query(TaskInstance).filter(TaskInstance.dag_id == dag_id):
            task = dag.get_task(instance.task_id)
            instance.task = task
            found[instance.task_id] = {
                name: task.get_extra_links(instance, name) for name in task.extra_links
            }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
