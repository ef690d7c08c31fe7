# Parts of the run: each in a process group of its own, with a heading, a time limit and a result.
# Sourced by .ci/run.

FAILED=()
SKIPPED=()
LAST_PART=""
RUNNING=()  # "pid|seconds at start|name|log or -" of parts that have been started
BEGAN=$SECONDS

in_ci() { [ "${CI:-}" = true ]; }

heading() { printf '\n=== %s\n' "$*"; }

missing() { # what is not here
    if in_ci; then
        printf '\nMISSING: %s is not here, and CI needs it.\n' "$1"
        FAILED+=("$1 is missing")
    else
        printf '\nSKIPPED: %s is not here.\n' "$1"
        SKIPPED+=("$1")
    fi
}

start_part() { # name, seconds, command...: in the background, its output is shown when it ends
    local log="$WORK/part-$((${#RUNNING[@]} + 1))-$SECONDS.log"
    launch "$log" "$@"
}

run_part() { # name, seconds, command...: its output is shown as it comes
    heading "$1"
    launch - "$@"
    finish_parts
}

start_last() { # name, seconds, command...: beside the others; finish_last waits for it
    launch "$WORK/last.log" "$@"
    LAST_PART=${RUNNING[-1]}
    unset 'RUNNING[-1]'
}

finish_last() { # where all is well, what the last part has printed is the end of the output
    RUNNING=("$LAST_PART")
    LAST=1 finish_parts
    [ "${#FAILED[@]}" = 0 ] && exit 0
    report_so_far
    exit 1
}

run_here() { # name, command...: in this shell, which keeps what the command sets
    local began=$SECONDS
    heading "$1"
    shift
    "$@"
    echo "--- $((SECONDS - began)) s"
}

launch() { # log or -, name, seconds, command...
    local log=$1 name=$2 limit=$3 pid
    shift 3
    set -m # a group of its own, so that all of it can be ended
    if [ "$log" = - ]; then
        (set -euo pipefail; "$@") </dev/null &
    else
        (set -euo pipefail; "$@") </dev/null >"$log" 2>&1 &
    fi
    pid=$!
    set +m
    RUNNING+=("$pid|$SECONDS|$limit|$log|$name")
}

finish_parts() { # wait for all that were started, show them one after the other
    local part pid began limit log name code
    for part in ${RUNNING[@]+"${RUNNING[@]}"}; do
        IFS='|' read -r pid began limit log name <<<"$part"
        code=0
        wait_at_most "$pid" "$((began + limit))" || code=$?
        if [ "$log" != - ]; then
            heading "$name"
            cat "$log"
        fi
        if [ "$code" = 0 ]; then
            [ -n "${LAST:-}" ] || echo "--- $((SECONDS - began)) s"
        else
            echo "--- $((SECONDS - began)) s, FAILED with exit code $code: $name"
            FAILED+=("$name")
        fi
    done
    RUNNING=()
}

wait_at_most() { # pid, when to give up
    while kill -0 "$1" 2>/dev/null; do
        if [ "$SECONDS" -ge "$2" ]; then
            echo "--- The time is up."
            end_group "$1" INT TERM
            return 124
        fi
        sleep 0.2
    done
    wait "$1"
}

end_group() { # pid of the group's leader, signals...: ask with each in turn, then insist
    local leader=$1 each
    shift
    for each in "$@"; do
        kill "-$each" -- "-$leader" 2>/dev/null || return 0
        outlives "$leader" || return 0
    done
    kill -KILL -- "-$leader" 2>/dev/null || true
}

outlives() { # pid of the group's leader: is any of the group there after 15 s?
    local round
    for round in $(seq 1 75); do
        kill -0 -- "-$1" 2>/dev/null || return 1
        sleep 0.2
    done
}

clean_up() {
    local code=$? part
    trap '' INT TERM HUP
    for part in ${RUNNING[@]+"${RUNNING[@]}"} ${LAST_PART:+"$LAST_PART"}; do
        # As Ctrl-C: pytest then drops its database, and its fixtures end the workers they started.
        end_group "${part%%|*}" INT TERM
    done
    release_servers
    rm -rf "$WORK"
    exit "$code"
}

report_so_far() {
    local each
    heading "So far ($((SECONDS - BEGAN)) s)"
    for each in ${SKIPPED[@]+"${SKIPPED[@]}"}; do echo "SKIPPED: $each"; done
    for each in ${FAILED[@]+"${FAILED[@]}"}; do echo "FAILED: $each"; done
    [ "${#FAILED[@]}" != 0 ] || echo "Nothing has failed."
}
