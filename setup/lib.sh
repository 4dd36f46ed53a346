# shellcheck shell=bash
# What deploy.sh and teardown.sh share. The sourcing script sets `profile`.

# Scratch space, gone at the end.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# No pager may wait for a key, and retries of the CLI's own do for a passing fault.
export AWS_PAGER="" AWS_RETRY_MODE="${AWS_RETRY_MODE:-standard}" AWS_MAX_ATTEMPTS="${AWS_MAX_ATTEMPTS:-5}"

say() { printf '%s\n' "$*"; }

warn() { printf 'WARNING: %s\n' "$*" >&2; }

fail() {
  printf 'ERROR: %s\n' "$*" >&2
  exit 1
}

# Wrong arguments: exit status 2.
misuse() {
  printf 'ERROR: %s\nRun %s -h for help.\n' "$*" "${0##*/}" >&2
  exit 2
}

# read_options FURTHER ARGUMENT...: the options of the command line. FURTHER are those that only one of the scripts has.
# shellcheck disable=SC2034 # used by the sourcing scripts
read_options() {
  local further=$1 option OPTIND=1
  shift
  while getopts ":s:d:n:p:e:h$further" option; do
    case $option in
      s) mwaa_bucket=$OPTARG ;;
      d) data_bucket=$OPTARG ;;
      n) stack=$OPTARG ;;
      p) profile=$OPTARG ;;
      e) environment=$OPTARG ;;
      a) all=true ;;
      b) dataset_bucket=$OPTARG ;;
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
}

# The AWS CLI under the chosen profile.
cli() {
  if [[ -n $profile ]]; then
    aws --profile "$profile" "$@"
  else
    aws "$@"
  fi
}

# try COMMAND...: its output in `reply`, or with status 1 what it complained of in `complaint`.
# (Globals, because the bash of macOS has no references.)
try() {
  if reply=$("$@" 2>"$work/complaint"); then
    complaint=""
  else
    complaint=$(tr '\n' ' ' <"$work/complaint" | sed 's/^ *//; s/ *$//')
    return 1
  fi
}

need_tools() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || case $tool in
      aws) fail "the AWS CLI is missing: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html" ;;
      *) fail "$tool is missing; install it and run again" ;;
    esac
  done
}

# check_bucket_name OPTION NAME
check_bucket_name() {
  local option=$1 name=$2
  [[ -n $name ]] || misuse "$option needs the name of a bucket"
  [[ $name != s3://* && $name != arn:* ]] || misuse "$option takes the bucket's bare name, not $name"
  [[ $name =~ ^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$ ]] || misuse "$option: $name is no bucket name"
}

check_stack_name() {
  [[ $1 =~ ^[A-Za-z][A-Za-z0-9-]{0,127}$ ]] || misuse "-n: $1 is no stack name (letters, digits and hyphens)"
}

# check_bucket NAME: it is there, it may be used, and it is in the region that everything else is made in.
check_bucket() {
  local region
  try cli s3api head-bucket --bucket "$1" --query BucketRegion --output text ||
    bucket_trouble "$1" "$complaint" s3:ListBucket
  region=$(region_of_cli)
  [[ -z $reply || $reply == None || -z $region || $reply == "$region" ]] ||
    fail "bucket $1 is in $reply, the stack would be in $region; set AWS_REGION=$reply, or take a bucket of $region"
}

region_of_cli() {
  local region=${AWS_REGION:-${AWS_DEFAULT_REGION:-}}
  [[ -n $region ]] || region=$(cli configure get region 2>/dev/null) || true
  printf '%s\n' "$region"
}

# bucket_trouble NAME COMPLAINT PERMISSION: an AWS refusal in words for the user.
bucket_trouble() {
  case $2 in
    *NoSuchBucket* | *"(404)"*) fail "bucket $1 does not exist; create it first: aws s3 mb s3://$1" ;;
    *"(403)"* | *AccessDenied*) fail "no access to bucket $1: it belongs to another account, or the permission $3 lacks" ;;
    *"(301)"* | *PermanentRedirect*) fail "bucket $1 is in another region; set AWS_REGION to it" ;;
    *) fail "bucket $1 cannot be checked: $2" ;;
  esac
}

# stack_status NAME: the stack's status in `status`, empty when there is no such stack, and its ARN in `stack_arn`.
stack_status() {
  stack_arn=""
  if try cli cloudformation describe-stacks --stack-name "$1" --output text \
    --query 'Stacks[0].[StackStatus,StackId]'; then
    # shellcheck disable=SC2034 # deploy.sh uses the ARN
    IFS=$'\t' read -r status stack_arn <<<"$reply"
  else
    [[ $complaint == *"does not exist"* ]] || fail "stack $1 cannot be read: $complaint"
    status=""
  fi
}

# settle NAME: waits until no operation on the stack is under way; its status is then in `status`.
settle() {
  local deadline=$((SECONDS + 3600)) pause=1
  stack_status "$1"
  while [[ $status == *_IN_PROGRESS && $status != REVIEW_IN_PROGRESS ]]; do
    ((SECONDS < deadline)) || fail "stack $1 is still $status after an hour"
    sleep "$pause"
    pause=$((pause < 10 ? pause + 1 : 10))
    stack_status "$1"
  done
}

# stack_failures NAME: which resources failed in the stack's last operation, and why.
stack_failures() {
  local resource type state reason
  try cli cloudformation describe-stack-events --stack-name "$1" --output text \
    --query 'StackEvents[].[LogicalResourceId,ResourceType,ResourceStatus,ResourceStatusReason]' || return 0
  while IFS=$'\t' read -r resource type state reason; do
    if [[ $state == *FAILED* && $reason != *cancelled* ]]; then
      printf '  %s (%s) %s: %s\n' "$resource" "$type" "$state" "$reason"
    fi
    [[ $type == AWS::CloudFormation::Stack && $reason == "User Initiated" ]] && break
  done <<<"$reply"
}

# delete_stack NAME: deletes it and waits; a stack that is not there is fine.
delete_stack() {
  try cli cloudformation delete-stack --stack-name "$1" || fail "stack $1 cannot be deleted: $complaint"
  settle "$1"
  case $status in
    "" | DELETE_COMPLETE) ;;
    *) fail "stack $1 could not be deleted ($status)"$'\n'"$(stack_failures "$1")" ;;
  esac
}

# ready_stack NAME: waits for it, and deletes one that never came up; `status` is then empty, or one that can be updated.
ready_stack() {
  settle "$1"
  case $status in
    DELETE_COMPLETE) status="" ;;
    ROLLBACK_COMPLETE | ROLLBACK_FAILED | CREATE_FAILED | DELETE_FAILED | REVIEW_IN_PROGRESS)
      say "Stack $1 never came up ($status): deleting what is left and creating it anew ..."
      delete_stack "$1"
      status=""
      ;;
    UPDATE_ROLLBACK_FAILED)
      fail "stack $1 is stuck in $status; mend it with: aws cloudformation continue-update-rollback --stack-name $1"
      ;;
  esac
}

# apply_stack NAME TEMPLATE PARAMETER...: creates or updates a stack and waits until that has ended.
# PARAMETER is as the CLI takes it: ParameterKey=...,ParameterValue=...
apply_stack() {
  local name=$1 template=$2 verb=create
  shift 2
  ready_stack "$name"
  if [[ -z $status ]]; then
    say "Stack $name does not exist, creating ..."
  else
    verb=update
    say "Stack $name exists, attempting update ..."
  fi
  if ! try cli cloudformation "$verb-stack" --stack-name "$name" --template-body "file://$template" \
    --capabilities CAPABILITY_IAM CAPABILITY_NAMED_IAM --parameters "$@"; then
    if [[ $verb == update && $complaint == *"No updates are to be performed"* ]]; then
      say "Stack $name is up to date."
      return
    fi
    fail "stack $name: $verb was refused: $complaint"
  fi
  say "Waiting for stack update to complete ..."
  settle "$name"
  case $status in
    CREATE_COMPLETE | UPDATE_COMPLETE) ;;
    *) fail "stack $name: $verb failed ($status)"$'\n'"$(stack_failures "$name")" ;;
  esac
}
