# What must be installed, for scripts/run and scripts/test: sourced, not run. Debian packages; says
# what it installs, and nothing when there is nothing to do.
# shellcheck shell=bash

say() { printf '==> %s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

packages_to_build=(g++ cmake ninja-build pkg-config git ca-certificates libcpp-httplib-dev libssl-dev
  zlib1g-dev libbrotli-dev nlohmann-json3-dev libspdlog-dev libre2-dev libcli11-dev prometheus-cpp-dev
  libsqlite3-dev libpq-dev libcurl4-openssl-dev)
packages_to_test=("${packages_to_build[@]}" ccache libgtest-dev curl)
# shellcheck disable=SC2034  # used by .ci/run
packages_for_ci=("${packages_to_test[@]}" clang libclang-rt-14-dev clang-format clang-tidy shellcheck python3
  python3-jsonschema libbenchmark-dev slowhttptest wrk iproute2 nftables postgresql nginx-light haproxy
  nghttp2-client prometheus chromium firefox-esr)

# need_packages PACKAGE... : installs those that are missing.
need_packages() {
  command -v dpkg-query >/dev/null || die 'needs Debian (or build by hand: cmake --preset release)'
  local missing=() name
  local -A have=()
  while read -r name; do have[${name%%:*}]=1; done \
    < <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p')
  for name in "$@"; do [ -n "${have[$name]:-}" ] || missing+=("$name"); done
  [ "${#missing[@]}" -gt 0 ] || return 0

  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "these packages are missing, and neither root nor sudo is there to install them: ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing Debian packages: ${missing[*]}"
  local log
  log=$(mktemp)
  if ! { "${as_root[@]}" apt-get update &&
         "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
           apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    die 'apt-get failed (see above)'
  fi
  rm -f "$log"
}

# build PRESET [TARGET...] : configures if that has not been done, and builds what has changed.
build() {
  local preset=$1 log
  shift
  log=$(mktemp)
  if [ ! -f "build/$preset/build.ninja" ]; then
    say "configuring build/$preset"
    cmake --preset "$preset" >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; exit 1; }
  fi
  # A dry run tells in milliseconds whether there is anything to say.
  if ! ninja -C "build/$preset" -n "$@" 2>/dev/null | grep -q 'no work to do'; then
    say "building build/$preset"
    cmake --build --preset "$preset" ${1:+--target "$@"} >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; exit 1; }
  fi
  rm -f "$log"
}
