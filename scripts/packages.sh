# What scripts share: messages, Debian packages, builds. Sourced, not run.
# shellcheck shell=bash

say() { printf '==> %s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }
# For wrong arguments.
wrong() { printf '%s: %s (--help says what there is)\n' "${0##*/}" "$*" >&2; exit 2; }
# Prints the comment at the head of the script. From the root of the repository.
usage() { sed -nE '2,/^([^#]|$)/s/^# ?//p' "scripts/${0##*/}"; }

packages_to_build=(g++ cmake ninja-build pkg-config git ca-certificates libssl-dev zlib1g-dev
  nlohmann-json3-dev libspdlog-dev libre2-dev libcli11-dev prometheus-cpp-dev libsqlite3-dev libpq-dev libcurl4-openssl-dev)
# curl: what one hangs up with first.
# shellcheck disable=SC2034  # used by scripts/run
packages_to_run=("${packages_to_build[@]}" curl)
# With hangup::httplib, which tests and benchmarks use.
packages_to_build_all=("${packages_to_build[@]}" libcpp-httplib-dev libbrotli-dev)
# The servers, proxies, browsers and tools that the system tests start, and the other compiler of tests/consumers.
packages_to_test=("${packages_to_build_all[@]}" curl ccache clang libgtest-dev postgresql nginx-light haproxy iproute2 nftables
  slowhttptest chromium firefox-esr python3 libasio-dev)
# shellcheck disable=SC2034  # used by .ci/checks and .ci/nightly
packages_for_ci=("${packages_to_test[@]}" libclang-rt-14-dev clang-format clang-tidy shellcheck openssl
  python3-jsonschema libbenchmark-dev wrk prometheus build-essential debhelper systemd)

# quietly COMMAND... : shows what it prints only if it fails.
quietly() (
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  "$@" >"$log" 2>&1 || { status=$?; cat "$log" >&2; exit "$status"; }
)

# in_background COMMAND... : runs it in a process group of its own, so that Ctrl-C reaches this script
# alone, which ends its jobs in order. The job is $!.
background_jobs=()
in_background() {
  set -m
  "$@" &
  set +m
  background_jobs+=($!)
}
# Ends those that still run, with what they have started, and waits for them.
end_background_jobs() {
  local job
  for job in "${background_jobs[@]}"; do
    kill -TERM -- "-$job" 2>/dev/null || continue
    wait "$job" || true
  done
}

# need_packages PACKAGE... : installs those that are missing, and says which. Nothing that they bring
# is started: no server listens afterwards that did not before.
need_packages() {
  command -v dpkg-query >/dev/null || die 'needs Debian packages; on another system see docs/running.md, "Building by hand"'
  local missing=() name
  local -A have=()
  while read -r name; do have[${name%%:*}]=1; done \
    < <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p')
  for name in "$@"; do [ -n "${have[$name]:-}" ] || missing+=("$name"); done
  [ "${#missing[@]}" -gt 0 ] || return 0

  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
      die "packages are missing, and neither root nor sudo is there to install them. As root: apt-get install ${missing[*]}"
    sudo true || die "sudo has refused. As root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing Debian packages: ${missing[*]}"
  "${as_root[@]}" bash -s -- "${missing[@]}" <<'AS_ROOT' || die 'the packages could not be installed (see above)'
    set -u
    log=$(mktemp) policy=/usr/sbin/policy-rc.d own_policy=
    finish() {
      rm -f "$log"
      if [ -n "$own_policy" ]; then rm -f "$policy"; fi
    }
    trap finish EXIT
    exec {alone}</var/lib/dpkg && flock "$alone"  # another run of this would remove the policy
    if [ ! -e "$policy" ]; then  # what Debian asks whether a package may start its service
      own_policy=1
      printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt() { apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" >>"$log" 2>&1 </dev/null; }
    install() { apt install -y --no-install-recommends "$@"; }
    # The lists may be old, or there may be none.
    for i in 1 2 3 4 5 6; do
      : >"$log"
      apt update && break
      grep -q 'Could not get lock' "$log" || break
      echo "    another program uses apt; waiting for it ($i of 6)"
      sleep 10  # apt can wait for the lock of dpkg, but not for that of its lists
    done
    install "$@" && exit 0
    grep -E '^(E|W|Err):' "$log" | sort -u | head -n 5 >&2
    if grep -qE 'Temporary failure resolving|Could not (connect|resolve)|Unable to connect|Network is unreachable' "$log"; then
      echo 'no network? The mirror of Debian cannot be reached' >&2
    fi
    exit 1
AS_ROOT
}

# build PRESET [TARGET...] : configures if that has not been done, and builds what has changed.
build() {
  local preset=$1 failed=
  shift
  if ! mkdir -p build 2>/dev/null || [ ! -w build ]; then die "$PWD/build cannot be written"; fi
  if [ ! -f "build/$preset/build.ninja" ]; then
    say "configuring build/$preset"
    quietly cmake --preset "$preset" || die 'cmake has failed (see above)'
  fi
  # A dry run tells in milliseconds whether there is anything to say.
  if ninja -C "build/$preset" -n "$@" 2>/dev/null | grep -q 'no work to do'; then return; fi
  say "building build/$preset"
  if [ -t 1 ]; then  # ninja has a line of its own for progress
    cmake --build --preset "$preset" ${1:+--target "$@"} || failed=1
  else
    (set -o pipefail; cmake --build --preset "$preset" ${1:+--target "$@"} 2>&1 | in_tenths) || failed=1
  fi
  [ -z "$failed" ] || die "build/$preset does not build (see above)"
}

# Of what ninja prints, progress only once for each tenth of the way. The rest as it is.
in_tenths() {
  local line tenth shown=0
  while IFS= read -r line; do
    if [[ $line =~ ^\[([0-9]+)/([0-9]+)\]\  ]]; then
      tenth=$((BASH_REMATCH[1] * 10 / BASH_REMATCH[2]))
      if [ "$tenth" -gt "$shown" ]; then
        shown=$tenth
        printf '    %d %%, %d of %d steps\n' "$((tenth * 10))" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
      fi
    elif [[ $line != "ninja: Entering directory "* ]]; then
      printf '%s\n' "$line"
    fi
  done
}

# build_bench FOLDER TARGET... -- OPTION... : the benchmarks are built apart from the tests.
build_bench() {
  local folder=$1 targets=()
  shift
  while [ "$1" != -- ]; do targets+=("$1"); shift; done
  shift
  say "building $folder"
  quietly cmake -S . -B "$folder" -G Ninja -DCMAKE_CXX_COMPILER=g++ -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_UNITY_BUILD=ON \
    -DHANGUP_WERROR="${CI:-OFF}" -DHANGUP_BENCH=ON -DHANGUP_TESTS=OFF -DHANGUP_EXAMPLES=OFF "$@" || die 'cmake has failed (see above)'
  quietly cmake --build "$folder" --target "${targets[@]}" || die "$folder does not build (see above)"
}
