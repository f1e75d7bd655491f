#!/usr/bin/env bash
# Empty the database of one environment and migrate it again. Every row is lost: CONFIRM_ENV must name the environment.
set -euo pipefail
usage='CONFIRM_ENV=<dev|test> ops/scripts/db_reset.sh <dev|test>'
# shellcheck source=ops/scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

take_environment "$@"
[ "$#" -eq 1 ] || stop_usage "\`$2\` is no option"
require_python

run_lockgate reset "$environment"
