#!/usr/bin/env bash
# Tier 0, in one command: allowed paths, lint, types, tests. Returns zero where all four are good.
#
# Allowed paths: what differs from REV (HEAD, so what is not committed, unless TIER0_BASE or --base says otherwise) must lie
# in ops/scripts/ or ops/db/.
set -euo pipefail
usage='ops/scripts/tier0.sh [--base REV] [-- PYTEST_ARGUMENT...]'
# shellcheck source=ops/scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

base="${TIER0_BASE:-HEAD}"
while [ "$#" -gt 0 ]; do
    case "$1" in
        -h | --help) printf 'usage: %s\n' "$usage" && exit 0 ;;
        --base)
            [ "$#" -gt 1 ] || stop_usage 'the revision behind --base is missing'
            base="$2"
            shift 2
            ;;
        --) shift && break ;;
        *) stop_usage "\`$1\` is no option" ;;
    esac
done
require_python
cd "$project"
case "$python" in
    /*) ;;
    */*) python="$OLDPWD/$python" ;;
esac

say() {
    printf '%s\n' "== $1"
}

changed_paths() {
    git diff --name-only -z --relative "$base" -- .
    git ls-files --others --exclude-standard -z -- .
}

say "allowed paths: changes since $base lie in ops/scripts/ or ops/db/"
git rev-parse --verify --quiet "$base^{commit}" > /dev/null ||
    stop 1 "there is no git revision $base to compare this folder with" "$name" 'git init && git add --all && git commit -m "begin"'
outside=()
while IFS= read -r -d '' path; do
    case "$path" in
        ops/scripts/* | ops/db/*) ;;
        *) outside+=("$path") ;;
    esac
done < <(changed_paths)
if [ "${#outside[@]}" -gt 0 ]; then
    printf '  %s\n' "${outside[@]}" >&2
    stop 1 "${#outside[@]} changed outside of the allowed paths" "$name" "undo them, or make them a change of their own (base: $base)"
fi

say 'lint'
"$python" -m ruff check
if command -v shellcheck > /dev/null; then
    shellcheck --external-sources ops/scripts/*.sh
fi

say 'types'
"$python" -m mypy

say 'tests'
"$python" -m pytest "$@"
say 'tier 0: good'
