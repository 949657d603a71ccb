# shellcheck shell=bash disable=SC2034,SC2154
# What ./start and ./check share: packages, builds, an engine. Sourced by them; expects `set -euo
# pipefail` and the variables `root` (the source tree) and `program` (for messages).

say() { printf '%s\n' "$program: $*" >&2; }
die() { say "$*"; exit 1; }

build_packages=(
    g++ cmake ninja-build ccache pkg-config
    libboost-dev libcli11-dev libcpp-httplib-dev libfmt-dev libsqlite3-dev libssl-dev libsystemd-dev
    nlohmann-json3-dev prometheus-cpp-dev
)
run_packages=(busybox-static curl man-db tzdata)
test_packages=(bash-completion catch2 fish libfaketime mandoc procps python3 shellcheck strace valgrind zsh)
bench_packages=(at beanstalkd gnuplot-nox python3-tornado redis-server)

# as_root COMMAND…: run it as root, or fail.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        return 126
    fi
}

# install_missing PACKAGE…: install those that are not there; 1 if that can't be done.
install_missing() {
    local package missing=()
    command -v dpkg-query >/dev/null || {
        say "this is no Debian, so nothing is installed; needed are what Debian calls: $*"
        return 0
    }
    for package in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    local log
    log=$(mktemp)
    if as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q >"$log" 2>&1 </dev/null &&
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -qy --no-install-recommends "${missing[@]}" >>"$log" 2>&1 </dev/null; then
        rm -f -- "$log"
        return 0
    fi
    tail -n 15 "$log" >&2
    rm -f -- "$log"
    say "these packages could not be installed; as root: apt-get install ${missing[*]}"
    return 1
}

# jobs_at_once: as many compilers as there are cores, and as memory feeds (about 1.5 GB each).
jobs_at_once() {
    local cores memory
    cores=$(nproc)
    memory=$(awk '/^MemAvailable:/ { print int($2 / 1500000) }' /proc/meminfo)
    [ "${memory:-1}" -ge 1 ] || memory=1
    echo $((cores < memory ? cores : memory))
}

# One compiler cache serves all clones and build directories: paths are taken relative to the tree.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros

# configure DIR OPTION…: a new directory gets Ninja where it is there; an old one keeps what it has.
configure() {
    local dir=$1 generator=()
    shift
    mkdir -p "$dir"
    if [ ! -e "$dir/CMakeCache.txt" ] && command -v ninja >/dev/null; then generator=(-G Ninja); fi
    cmake -S "$root" -B "$dir" "${generator[@]}" "$@" >"$dir/configure.log" 2>&1 </dev/null || {
        tail -n 30 "$dir/configure.log" >&2
        return 1
    }
}

# answers URL: does an engine answer there?
answers() {
    local body
    case $1 in
    unix://*) body=$(curl -fsS --noproxy '*' -m 5 --unix-socket "${1#unix://}" http://d/_ping 2>/dev/null) ;;
    tcp://*) body=$(curl -fsS --noproxy '*' -m 5 "http://${1#tcp://}/_ping" 2>/dev/null) ;;
    *) return 1 ;;
    esac && [ "$body" = OK ]
}

# find_engine: print the first of $DOCKER_HOST and Docker's and Podman's usual sockets that answers.
find_engine() {
    local url
    for url in "${DOCKER_HOST:-}" unix:///var/run/docker.sock unix:///run/podman/podman.sock \
        "unix://${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/podman/podman.sock"; do
        if [ -n "$url" ] && answers "$url"; then
            echo "$url"
            return 0
        fi
    done
    return 1
}

# private_engine ACTION: start-docker.sh on the tree's own engine, as root. Its socket is for the
# caller's group, so that sudo is needed for the engine alone.
private_engine() {
    as_root env DOCKERD_FLAGS="--group $(id -g) ${DOCKERD_FLAGS:-}" \
        "$root/tests/support/start-docker.sh" --private "$root/.engine" "$1" </dev/null
}

engine_is_ours=0
# get_engine: set and export DOCKER_HOST to an engine that answers, and start the tree's own one if
# there is none; 1 when that can't be done. stop_engine ends what was started here.
get_engine() {
    local url
    if url=$(find_engine); then
        say "using the engine at $url"
    elif url=$(private_engine status 2>/dev/null); then
        url=${url##*DOCKER_HOST=}
        say "using the engine in .engine"
    else
        say "no engine answers, so one is started in .engine"
        url=$(private_engine start) || return 1
        url=${url##*DOCKER_HOST=}
        engine_is_ours=1
    fi
    export DOCKER_HOST=$url
}

stop_engine() {
    [ $engine_is_ours = 0 ] || private_engine stop || true
    engine_is_ours=0
}
