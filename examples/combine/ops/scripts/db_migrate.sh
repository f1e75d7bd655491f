#!/usr/bin/env bash
# Run the pending revisions of one environment, load its seeds where asked, and show by a query that the tables are there.
set -euo pipefail
usage='ops/scripts/db_migrate.sh <dev|test> [--seed]'
# shellcheck source=ops/scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

take_environment "$@"
shift
seed=()
for argument in "$@"; do
    case "$argument" in
        --seed) seed=(--seed) ;;
        *) stop_usage "\`$argument\` is no option" ;;
    esac
done
require_python

"$scripts/db_connect.sh" "$environment" --check
run_lockgate upgrade "$environment" ${seed[@]+"${seed[@]}"}
