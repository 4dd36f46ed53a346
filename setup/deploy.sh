#!/usr/bin/env bash
# Deploys the MovieLens pipeline: the stack, the scripts, the DAG, and mwaalib for Amazon MWAA.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")

mwaa_bucket="" data_bucket="" dataset_bucket="" stack="mwaa-demo-foundations" profile="" environment=""

usage() {
  cat <<EOF
Usage: ${0##*/} -s <MWAA bucket> -d <data bucket> [-n stack] [-p profile] [-e environment] [-b bucket] [-h]

Creates or updates the stack and uploads everything the pipeline needs. Run it again at any time.

  -s  bucket of the Amazon MWAA environment: gets the DAG, plugins.zip and requirements.txt
  -d  bucket for data: gets the Spark scripts; the pipeline keeps its data and logs there
  -n  name of the stack (default: $stack)
  -p  profile of the AWS CLI
  -e  name of an Amazon MWAA environment to update to the new files; takes 20 to 30 minutes
  -b  another bucket that clusters may read, for a data set with an s3:// address there;
      kept until another is named
  -h  this help

The region is the AWS CLI's: AWS_REGION, or the profile's.
What is uploaded is built first: make mwaa (wheel, plugins.zip, requirements.txt) and make lambda.
EOF
}

# shellcheck source=setup/lib.sh
source "$here/lib.sh"
# shellcheck source=setup/environment.sh
source "$here/environment.sh"

read_options b: "$@"
[[ -z $dataset_bucket ]] || check_bucket_name "-b" "$dataset_bucket"

plugins="$root/dist/plugins.zip"
requirements="$root/dist/requirements.txt"
dag="$root/dags/mwaa_movielens_dag.py"
functions="process_movielens checkjob_movielens crawl_movielens error_movielens"

# ------------------------------------------------------------------ what is to be uploaded

check_files() {
  local name
  for name in $functions; do
    [[ -s $root/dist/lambda/$name.zip ]] || fail "dist/lambda/$name.zip is missing; build it with: make lambda"
  done
  [[ -s $plugins ]] || fail "dist/plugins.zip is missing; build it with: make mwaa MWAA_VERSION=<your environment's Airflow version>"
  [[ -s $requirements ]] || fail "dist/requirements.txt is missing; build it with: make mwaa MWAA_VERSION=<your environment's Airflow version>"
  python3 - "$plugins" <<'EOF' || fail "dist/plugins.zip is no zip with the mwaalib wheel at its root; build it again with: make mwaa"
import sys, zipfile
try:
    archive = zipfile.ZipFile(sys.argv[1])
    good = archive.testzip() is None and any(
        n.startswith("mwaalib-") and n.endswith(".whl") and "/" not in n for n in archive.namelist()
    )
except (zipfile.BadZipFile, OSError):
    good = False
sys.exit(not good)
EOF
}

# ------------------------------------------------------------------ where it goes

check_data_bucket() { check_bucket "$data_bucket"; }

check_mwaa_bucket() {
  local remedy="aws s3api put-bucket-versioning --bucket $mwaa_bucket --versioning-configuration Status=Enabled"
  check_bucket "$mwaa_bucket"
  try cli s3api get-bucket-versioning --bucket "$mwaa_bucket" --query Status --output text ||
    bucket_trouble "$mwaa_bucket" "$complaint" s3:GetBucketVersioning
  if [[ $reply != Enabled ]]; then
    [[ -z $environment ]] ||
      fail "bucket $mwaa_bucket has no versioning, so that environment $environment cannot be told its new files: $remedy"
    warn "bucket $mwaa_bucket has no versioning, without which Amazon MWAA does not take it: $remedy"
  fi
}

# ------------------------------------------------------------------ the stacks

# EMR's default roles, where the account lacks them: a stack of their own, for other clusters use them too.
apply_emr_roles() {
  local name="$stack-emr-roles" service=false instance=false keep="ParameterValue=false"
  local dataset="ParameterValue=$dataset_bucket"
  # First of all, for what a broken stack left goes with it.
  ready_stack "$name"
  if [[ -n $status ]]; then
    # What this stack made it has to keep, and give access to the bucket of today.
    keep="UsePreviousValue=true"
    [[ -n $dataset_bucket ]] || dataset=$keep
  fi
  try cli iam get-role --role-name EMR_DefaultRole --query Role.RoleName || missing EMR_DefaultRole service
  try cli iam get-instance-profile --instance-profile-name EMR_EC2_DefaultRole \
    --query InstanceProfile.InstanceProfileName || missing EMR_EC2_DefaultRole instance
  if [[ $instance == true ]] && try cli iam get-role --role-name EMR_EC2_DefaultRole --query Role.RoleName; then
    fail "there is a role EMR_EC2_DefaultRole without its instance profile; make that, and run again:" \
      "aws iam create-instance-profile --instance-profile-name EMR_EC2_DefaultRole &&" \
      "aws iam add-role-to-instance-profile --instance-profile-name EMR_EC2_DefaultRole --role-name EMR_EC2_DefaultRole"
  fi
  if [[ -z $status && $instance == false ]]; then
    say "EMR_EC2_DefaultRole exists and is left as it is; see that it may read and write" \
      "s3://$data_bucket${dataset_bucket:+ and read s3://$dataset_bucket}"
  fi
  [[ -n $status || $service == true || $instance == true ]] || return 0
  [[ $service == true ]] && service="ParameterValue=true" || service=$keep
  [[ $instance == true ]] && instance="ParameterValue=true" || instance=$keep
  apply_stack "$name" "$here/default-emr-roles.yaml" "ParameterKey=DataBucket,ParameterValue=$data_bucket" \
    "ParameterKey=DatasetBucket,$dataset" \
    "ParameterKey=CreateServiceRole,$service" "ParameterKey=CreateInstanceRole,$instance"
}

# missing ROLE VARIABLE: sets the variable when the call before says that the role is not there.
missing() {
  if [[ $complaint == *NoSuchEntity* ]]; then
    printf -v "$2" true
  else
    warn "cannot tell whether $1 exists: $complaint"
  fi
}

# What the packed functions were built for, by their ELF header.
architecture() {
  python3 - "$root/dist/lambda/process_movielens.zip" <<'EOF'
import sys, zipfile
header = zipfile.ZipFile(sys.argv[1]).read("bootstrap")[:20]
print("arm64" if header[:4] == b"\x7fELF" and header[18] == 0xB7 else "x86_64")
EOF
}

apply_foundations() {
  try cli cloudformation package --template-file "$here/template.yaml" --s3-bucket "$data_bucket" \
    --s3-prefix "artifacts/$stack" --output-template-file "$work/packaged.yaml" ||
    fail "the Lambda functions cannot be uploaded to $data_bucket: $complaint"
  apply_stack "$stack" "$work/packaged.yaml" \
    "ParameterKey=DataBucket,ParameterValue=$data_bucket" "ParameterKey=MwaaBucket,ParameterValue=$mwaa_bucket" \
    "ParameterKey=Architecture,ParameterValue=$(architecture)"
  render_policy "$stack_arn"
}

# ------------------------------------------------------------------ the files

upload_scripts() {
  try cli s3 cp --recursive --only-show-errors "$here/transform" "s3://$data_bucket/scripts/" \
    --exclude '*' --include '*.py' || fail "the scripts cannot be uploaded to $data_bucket: $complaint"
  say "Uploaded the scripts to s3://$data_bucket/scripts/"
}

upload_dag() {
  try cli s3 cp --only-show-errors "$dag" "s3://$mwaa_bucket/$dags_path/${dag##*/}" ||
    fail "the DAG cannot be uploaded to $mwaa_bucket: $complaint"
  say "Uploaded the DAG to s3://$mwaa_bucket/$dags_path/"
}

# upload FILE KEY: to the MWAA bucket, unless it is there as it is; the object's version goes to $shared/<file>.version.
# An unchanged file keeps its version, so that an environment using it needs no update.
upload() {
  local file=$1 key=$2 digest
  digest=$(sha256sum "$file" 2>/dev/null || shasum -a 256 "$file")
  digest=${digest%% *}
  try cli s3api head-object --bucket "$mwaa_bucket" --key "$key" --output text \
    --query '[Metadata.sha256,VersionId]' || reply=""
  if [[ $reply == "$digest"$'\t'* && $reply != *$'\t'None && $reply != *$'\t'null ]]; then
    say "s3://$mwaa_bucket/$key is up to date"
    reply=${reply#*$'\t'}
  else
    try cli s3api put-object --bucket "$mwaa_bucket" --key "$key" --body "$file" \
      --metadata "sha256=$digest" --query VersionId --output text ||
      fail "$file cannot be uploaded to s3://$mwaa_bucket/$key: $complaint"
    say "Uploaded s3://$mwaa_bucket/$key"
  fi
  [[ $reply != None ]] || reply="(none: the bucket has no versioning)"
  printf '%s\n' "$reply" >"$shared/${file##*/}.version"
}

# render_policy ARN: the policy that the environment's execution role needs, filled in for the ARN's account and region.
render_policy() {
  local partition region account
  IFS=: read -r _ partition _ region account _ <<<"$1"
  sed -e "s/<AccountId>/$account/; s/<Region>/$region/; s/<DataBucket>/$data_bucket/; s/arn:aws:/arn:$partition:/" \
    "$here/additional_policy.json" >"$root/dist/additional_policy.json"
}

# ------------------------------------------------------------------ all of it

# parallel FUNCTION...: runs them at once; fails when one fails.
parallel() {
  local job pids="" failed=0
  for job in "$@"; do
    alone "$job" &
    pids="$pids $!"
  done
  for job in $pids; do
    wait "$job" || failed=1
  done
  [[ $failed -eq 0 ]] || exit 1
}

# alone FUNCTION: with scratch space of its own, and leaving the common one when it ends.
alone() {
  trap - EXIT
  work="$shared/$1"
  mkdir -p "$work"
  "$1"
}

upload_plugins() { upload "$plugins" plugins.zip; }
upload_requirements() { upload "$requirements" requirements.txt; }

shared=$work
dags_path=dags
need_tools aws python3
check_files
parallel check_data_bucket check_mwaa_bucket check_environment
[[ ! -s $shared/dags_path ]] || dags_path=$(<"$shared/dags_path")

parallel apply_foundations apply_emr_roles
say "Finished create/update successfully!"
parallel upload_scripts upload_dag upload_plugins upload_requirements

plugins_version=$(<"$shared/plugins.zip.version")
requirements_version=$(<"$shared/requirements.txt.version")
if [[ -n $environment ]]; then
  update_environment "$plugins_version" "$requirements_version"
else
  cat <<EOF

Set these two in your Amazon MWAA environment, or run again with -e <environment>:
  Plugins file       s3://$mwaa_bucket/plugins.zip       version $plugins_version
  Requirements file  s3://$mwaa_bucket/requirements.txt  version $requirements_version
EOF
fi
cat <<EOF

The environment's execution role needs what dist/additional_policy.json allows:
  aws iam put-role-policy --role-name <execution role> --policy-name mwaa-movielens \\
    --policy-document file://$root/dist/additional_policy.json
EOF
