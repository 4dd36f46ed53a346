"""Run by the image's Python: a PostgreSQL server that lives as long as standard input is open.

Prints its SQLAlchemy address once it answers.
"""

import sys

import pgserver


def main(folder: str) -> None:
    """Start the server in the folder; stop it at the end of the input."""
    server = pgserver.get_server(folder, cleanup_mode="stop")
    print(server.get_uri().replace("postgresql://", "postgresql+psycopg2://"), flush=True)
    sys.stdin.read()
    server.cleanup()


if __name__ == "__main__":
    main(*sys.argv[1:])
