# shellcheck shell=bash
# What the scripts share: the argument that they all take, the interpreter, and lockgate's exit status as their callers know
# it. Whether something may happen to a database is decided by lockgate alone, on the connection that would do it.

scripts="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
project="$(cd "$scripts/../.." && pwd)"
name="ops/scripts/$(basename "$0")"
python="${PY:-$project/.venv/bin/python}"

stop() { # STATUS WHAT WHERE HINT
    printf 'error: %s\n  where: %s\n  changed: nothing\n\nhint: %s\n' "$2" "$3" "$4" >&2
    exit "$1"
}

stop_usage() { # WHAT
    stop 2 "$1" "$name" "usage: ${usage:?}"
}

# Sets `environment`, and COMBINE_ENV where nobody has. One that says something else stays, for the gate to see.
take_environment() { # ARGUMENT...
    case "${1:-}" in
        -h | --help) printf 'usage: %s\n' "${usage:?}" && exit 0 ;;
        dev | test) environment="$1" ;;
        '') stop_usage 'the environment is missing' ;;
        *) stop_usage "\`$1\` is no environment of these scripts" ;;
    esac
    export COMBINE_ENV="${COMBINE_ENV:-$environment}"
}

require_python() {
    command -v "$python" > /dev/null ||
        stop 2 "there is no Python at $python" "$name" 'run "make install", or name an interpreter that has lockgate, as in PY=python3'
}

# For scripts that only look: lockgate lets everybody look, but what is printed here is used elsewhere.
refuse_other_environment() {
    [ "$COMBINE_ENV" = "$environment" ] ||
        stop 1 "COMBINE_ENV says \`$COMBINE_ENV\`, you asked for \`$environment\`" "$name" \
            "export COMBINE_ENV=$environment, or ask for the environment that it names"
}

# Runs one verb and ends the script where it fails: refused (3) is 1 here; wrong usage (2), busy (4), unreachable (5) stay.
run_lockgate() { # VERB ARGUMENT...
    local status=0
    "$python" -m lockgate "$@" --project "$project" || status=$?
    case "$status" in
        0) ;;
        3) exit 1 ;;
        *) exit "$status" ;;
    esac
}
