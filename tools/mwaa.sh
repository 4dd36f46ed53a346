#!/bin/sh
# Make requirements.txt and plugins.zip for Amazon MWAA from the wheel of this source.
#   MWAA_VERSION       Airflow version of the environment (default: the newest)
#   MWAA_OFFLINE       set: dist/ gets the variant for environments without internet access
#   MWAA_REQUIREMENTS  your own requirements.txt, added
#   MWAA_PLUGINS       folder with your own plugins, added
set -eu
cd "$(dirname "$0")/.."
ROOT=$PWD
. tools/env.sh

wheels=$(tools/wheel.sh all)
set -- --wheel "$(echo "$wheels" | tail -n 1)" --stage
[ -z "${MWAA_VERSION:-}" ] || set -- "$@" --airflow "$MWAA_VERSION"
[ -z "${MWAA_OFFLINE:-}" ] || set -- "$@" --offline
[ -z "${MWAA_REQUIREMENTS:-}" ] || set -- "$@" --requirements "$MWAA_REQUIREMENTS"
[ -z "${MWAA_PLUGINS:-}" ] || set -- "$@" --plugins "$MWAA_PLUGINS"
exec "$(tools/find_python.sh)" tools/make_mwaa.py "$@"
