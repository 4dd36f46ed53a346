#!/usr/bin/env bash
# Takes away what deploy.sh made.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mwaa_bucket="" data_bucket="" stack="mwaa-demo-foundations" profile="" all=false

usage() {
  cat <<EOF
Usage: ${0##*/} -s <MWAA bucket> -d <data bucket> [-n stack] [-p profile] [-a] [-h]

Deletes the stack, the scripts, the packaged functions and the DAG. Run it again at any time.

  -s  bucket of the Amazon MWAA environment
  -d  bucket for data
  -n  name of the stack (default: $stack)
  -p  profile of the AWS CLI
  -a  all: also the pipeline's data and logs in the data bucket, and the EMR roles that deploy.sh made
  -h  this help

plugins.zip and requirements.txt stay, for the environment refers to them. So do the buckets.
EOF
}

# shellcheck source=setup/lib.sh
source "$here/lib.sh"

while getopts ":s:d:n:p:ah" option; do
  case $option in
    s) mwaa_bucket=$OPTARG ;;
    d) data_bucket=$OPTARG ;;
    n) stack=$OPTARG ;;
    p) profile=$OPTARG ;;
    a) all=true ;;
    h) usage && exit 0 ;;
    :) misuse "-$OPTARG needs a value" ;;
    *) misuse "there is no option -$OPTARG" ;;
  esac
done
shift $((OPTIND - 1))
[[ $# -eq 0 ]] || misuse "unexpected argument $1"
check_bucket_name "-s" "$mwaa_bucket"
check_bucket_name "-d" "$data_bucket"
check_stack_name "$stack"

# remove ADDRESS WHAT [OPTION]
remove() {
  try cli s3 rm --only-show-errors "${@:3}" "$1" || case $complaint in
    *NoSuchBucket*) return 0 ;;
    *) fail "$2 at $1 cannot be deleted: $complaint" ;;
  esac
  say "Deleted $2 at $1"
}

need_tools aws
say "Deleting stack $stack ..."
delete_stack "$stack"
remove "s3://$mwaa_bucket/dags/mwaa_movielens_dag.py" "the DAG"
remove "s3://$data_bucket/scripts/" "the scripts" --recursive
remove "s3://$data_bucket/artifacts/$stack/" "the packaged functions" --recursive
if [[ $all == true ]]; then
  for prefix in raw processed curated logs; do
    remove "s3://$data_bucket/$prefix/" "data" --recursive
  done
  say "Deleting stack $stack-emr-roles ..."
  delete_stack "$stack-emr-roles"
fi
say "Finished teardown successfully!"
