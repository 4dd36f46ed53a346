"""Run by the image's Python: parse the DAGs as Airflow does, and store the AWS connection.

Prints one JSON object: the DAG ids and the import errors.
"""

import json
import sys
import warnings

warnings.simplefilter("error", category=ImportWarning)

from airflow.models import Connection  # noqa: E402

try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:
    from airflow.models import DagBag

from airflow.utils.session import create_session  # noqa: E402


def main(dags_folder: str, endpoint: str) -> None:
    """Parse the folder and add the connection that the tasks use."""
    bag = DagBag(dag_folder=dags_folder)
    extra = {"region_name": "us-east-1", "endpoint_url": endpoint}
    with create_session() as session:
        session.query(Connection).filter(Connection.conn_id == "aws_matrix").delete()
        session.add(
            Connection(
                conn_id="aws_matrix",
                conn_type="aws",
                login="testing",
                password="testing",
                extra=json.dumps(extra),
            )
        )
    print(json.dumps({"dags": sorted(bag.dags), "import_errors": bag.import_errors}))


if __name__ == "__main__":
    main(*sys.argv[1:])
