"""``spark-submit`` inside a shell step: local mode, with the buckets as they are at that moment.

Runs as a program of its own, found first on a step's PATH.
"""

import os
import subprocess
import sys
import urllib.request


def main() -> int:
    """Run the real spark-submit between two syncs of the buckets.

    :return: its exit status.
    """
    arguments, rest = [], sys.argv[1:]
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option in ("--master", "--deploy-mode") and rest:
            rest.pop(0)
        elif not option.startswith(("--master=", "--deploy-mode=")):
            arguments.append(option)
            takes_value = "=" not in option and option not in ("--verbose", "-v", "--supervise", "--version")
            if takes_value and rest:
                arguments.append(rest.pop(0))
    program = os.path.join(os.environ["SPARK_HOME"], "bin", "spark-submit")
    _sync()
    program_options = ["--properties-file", os.environ["MWAALIB_STANDIN_SPARK_PROPERTIES"]]
    program_options += ["--master", os.environ["MWAALIB_STANDIN_SPARK_MASTER"]]
    status = subprocess.call([program, *program_options, *arguments, *rest])
    _sync()
    return status


def _sync() -> None:
    address = f"{os.environ['AWS_ENDPOINT_URL']}/mwaalib/sync"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    opener.open(urllib.request.Request(address, data=b"", method="POST"), timeout=600).read()


if __name__ == "__main__":
    sys.exit(main())
