#!/usr/bin/env bash
# Takes away what deploy.sh made.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mwaa_bucket="" data_bucket="" stack="mwaa-demo-foundations" profile="" environment="" all=false

usage() {
  cat <<EOF
Usage: ${0##*/} -s <MWAA bucket> -d <data bucket> [-n stack] [-p profile] [-e environment] [-a] [-h]

Deletes the stack, the scripts, the packaged functions and the DAG. Run it again at any time.

  -s  bucket of the Amazon MWAA environment
  -d  bucket for data
  -n  name of the stack (default: $stack)
  -p  profile of the AWS CLI
  -e  name of the Amazon MWAA environment that deploy.sh was given: the DAG lies in its folder
  -a  all: also the pipeline's data and logs in the data bucket, and the EMR roles that deploy.sh made,
      unless clusters are active, which may run under them
  -h  this help

plugins.zip and requirements.txt stay, for the environment refers to them. So do the buckets.
EOF
}

# shellcheck source=setup/lib.sh
source "$here/lib.sh"
# shellcheck source=setup/environment.sh
source "$here/environment.sh"

read_options a "$@"

# remove ADDRESS WHAT [OPTION]
remove() {
  try cli s3 rm --only-show-errors "${@:3}" "$1" || case $complaint in
    *NoSuchBucket*) return 0 ;;
    *) fail "$2 at $1 cannot be deleted: $complaint" ;;
  esac
  say "Deleted $2 at $1"
}

# The roles have EMR's own names, so that clusters of anybody in the account may run under them.
check_clusters() {
  stack_status "$stack-emr-roles"
  [[ -n $status ]] || return 0
  try cli emr list-clusters --active --query 'Clusters[].Id' --output text ||
    fail "cannot tell whether clusters run under the EMR roles: $complaint"
  [[ -z $reply || $reply == None ]] ||
    fail "clusters are active and may run under the EMR roles: ${reply//$'\t'/ }; end them, or run without -a"
}

need_tools aws
dags_path=dags
if [[ -n $environment ]]; then
  read_environment
  dags_path=$env_dags
fi
[[ $all == false ]] || check_clusters
say "Deleting stack $stack ..."
delete_stack "$stack"
remove "s3://$mwaa_bucket/$dags_path/mwaa_movielens_dag.py" "the DAG"
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
