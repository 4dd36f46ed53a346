# shellcheck shell=bash
# What deploy.sh and teardown.sh do with an Amazon MWAA environment. The sourcing script sets `environment`, and deploy.sh
# `plugins`, `requirements` and `shared`.
# shellcheck disable=SC2154 # those and lib.sh's

read_environment() {
  try cli mwaa get-environment --name "$environment" --output text --query \
    'Environment.[Status,AirflowVersion,SourceBucketArn,DagS3Path,PluginsS3ObjectVersion,RequirementsS3ObjectVersion,LastUpdate.CreatedAt,LastUpdate.Status,LastUpdate.Error.ErrorMessage]' ||
    case $complaint in
      *ResourceNotFound*)
        fail "there is no Amazon MWAA environment $environment in this account and region ($(region_of_cli));" \
          "aws mwaa list-environments tells which there are, AWS_REGION and -p choose another region or account"
        ;;
      *) fail "environment $environment cannot be read: $complaint" ;;
    esac
  IFS=$'\t' read -r env_status env_airflow env_bucket env_dags env_plugins env_requirements env_update env_result \
    env_error <<<"$reply"
  env_dags=${env_dags%/}
  [[ $env_bucket == arn:*:s3:::"$mwaa_bucket" ]] ||
    fail "environment $environment uses the bucket ${env_bucket##*:}, not $mwaa_bucket"
}

# Nothing is deployed for an environment that could not be updated in the end.
check_environment() {
  local made_for remedy
  [[ -n $environment ]] || return 0
  read_environment
  remedy="build what fits it with: make mwaa MWAA_VERSION=$env_airflow"
  made_for=$(airflow_of_requirements)
  [[ -n $made_for ]] || fail "dist/requirements.txt does not say which Airflow it is for; $remedy"
  [[ $made_for == "$env_airflow" ]] ||
    fail "environment $environment runs Airflow $env_airflow, dist/requirements.txt is for Airflow $made_for; $remedy"
  fits_mwaa || fail "the wheel in dist/plugins.zip is not for x86_64, which Amazon MWAA runs on; build it on such a machine"
  [[ $env_status == AVAILABLE || $env_status == UPDATE_FAILED ]] ||
    fail "environment $environment is $env_status; it can be updated once it is AVAILABLE"
  printf '%s\n' "$env_dags" >"$shared/dags_path"
}

# The Airflow version that requirements.txt was made for: in its first line, or in the address of its constraints.
airflow_of_requirements() {
  sed -nE -e '1s/^# Amazon MWAA .*: Airflow ([0-9]+(\.[0-9]+)+).*/\1/p' \
    -e 's/^(-c|--constraint)[ =].*\/constraints-([0-9]+(\.[0-9]+)+)\/.*/\2/p' "$requirements" | head -n 1
}

fits_mwaa() {
  python3 - "$plugins" <<'EOF'
import sys, zipfile
wheels = [n for n in zipfile.ZipFile(sys.argv[1]).namelist() if n.startswith("mwaalib-") and n.endswith(".whl")]
sys.exit(not all(name.endswith("_x86_64.whl") for name in wheels))
EOF
}

update_environment() {
  local plugins_version=$1 requirements_version=$2 before deadline=$((SECONDS + 5400))
  read_environment
  if [[ $env_plugins == "$plugins_version" && $env_requirements == "$requirements_version" ]]; then
    say "Environment $environment uses these files already."
    return
  fi
  before=$env_update
  try cli mwaa update-environment --name "$environment" \
    --plugins-s3-path plugins.zip --plugins-s3-object-version "$plugins_version" \
    --requirements-s3-path requirements.txt --requirements-s3-object-version "$requirements_version" ||
    fail "environment $environment cannot be updated: $complaint"
  say "Waiting for environment $environment to be updated (20 to 30 minutes) ..."
  while read_environment && [[ $env_update == "$before" || $env_status != AVAILABLE && $env_status != UPDATE_FAILED ]]; do
    ((SECONDS < deadline)) || fail "environment $environment is still $env_status after 90 minutes"
    sleep "${MWAALIB_POLL_SECONDS:-30}"
  done
  [[ $env_status == AVAILABLE && $env_result == SUCCESS ]] ||
    fail "environment $environment: the update failed: $env_error"
  say "Environment $environment is updated."
}
