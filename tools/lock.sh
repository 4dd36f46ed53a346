#!/bin/sh
# Write requirements/*.txt anew from requirements/*.in, and requirements.txt for the newest Amazon MWAA image. Airflow's own
# constraints hold for all that Airflow uses; they come from $MWAA_CONSTRAINTS_DIR/<version>/constraints.txt when that is
# set, else from their official address.
set -eu
cd "$(dirname "$0")/.."
ROOT=$PWD
. tools/env.sh

airflow=$(sed -n 's/^apache-airflow==//p' requirements/airflow.in)
constraints=$(mktemp)
trap 'rm -f "$constraints"' EXIT
if [ -n "${MWAA_CONSTRAINTS_DIR:-}" ]; then
    cat "$MWAA_CONSTRAINTS_DIR/$airflow/constraints.txt"
else
    curl -fsSL "https://raw.githubusercontent.com/apache/airflow/constraints-$airflow/constraints-3.12.txt"
fi >"$constraints"

# The provider we are compared with and the AWS CLI are newer than the image, so theirs are left open.
loose='apache-airflow-providers-(amazon|common-compat)|boto3|botocore|aiobotocore|s3transfer|awscli|docutils|rsa|colorama'
grep -Eiv "^($loose)==" "$constraints" >"$constraints.loose"
trap 'rm -f "$constraints" "$constraints.loose"' EXIT

compile() { # name, further arguments of uv
    name=$1
    shift
    echo "requirements/$name.txt"
    uv pip compile --quiet --universal --python-version 3.11 --no-annotate \
        --custom-compile-command "make lock" "$@" "requirements/$name.in" -o "requirements/$name.txt"
}
compile tools
compile airflow -c "$constraints"
compile standin -c "$constraints.loose"
compile dev -c "$constraints.loose" -c requirements/standin.txt
compile bench -c "$constraints.loose"
compile docs
compile spark35

echo requirements.txt
"$(tools/find_python.sh)" tools/make_mwaa.py --print >requirements.txt
