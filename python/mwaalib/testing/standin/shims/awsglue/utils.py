"""``getResolvedOptions`` as AWS Glue gives it to scripts."""


class GlueArgumentError(Exception):
    """An option that the job was not given."""


def getResolvedOptions(args: "list[str]", options: "list[str]") -> "dict[str, str]":
    """Return the wanted ``--NAME value`` or ``--NAME=value`` options of a job's arguments.

    :param args: ``sys.argv``.
    :param options: names without the dashes; each must be there.
    :return: value by name; JOB_NAME, JOB_ID and JOB_RUN_ID too where given.
    :raises GlueArgumentError: one is missing.
    """
    given = {}
    rest = list(args[1:])
    while rest:
        name = rest.pop(0)
        if not name.startswith("--"):
            continue
        name, equals, value = name[2:].partition("=")
        if not equals:
            value = rest.pop(0) if rest else ""
        given[name.replace("-", "_")] = value
    wanted = [name.replace("-", "_") for name in options]
    missing = [name for name in wanted if name not in given]
    if missing:
        raise GlueArgumentError(
            f"the following arguments are required: {', '.join('--' + m for m in missing)}"
        )
    extra = [n for n in ("JOB_NAME", "JOB_ID", "JOB_RUN_ID", "TempDir") if n in given and n not in wanted]
    return {name: given[name] for name in [*wanted, *extra]}
