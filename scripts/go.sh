# Which Go the benchmarks compare with: sourced after packages.sh, not run. Needs $scratch, a
# directory for a moment, and $called_from, where $GO is looked for.
# shellcheck shell=bash
# shellcheck disable=SC2154  # those two

# Nothing of Go's from the network.
export GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local GOWORK=off CGO_ENABLED=0

# is_new_enough GO : 1.21 or newer, which has context.AfterFunc.
is_new_enough() {
  local version
  version=$(cd / && "$1" version 2>/dev/null) || return 1
  [[ $version =~ \ go1\.([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 21 ]
}

# Sets GO to the newest of Debian's versioned packages on this machine.
newest_installed() {
  local at
  for at in $(printf '%s\n' /usr/lib/go-1.*/bin/go | sort -rV); do
    if is_new_enough "$at"; then GO=$at; return; fi
  done
  return 1
}

install_go() {
  local codename from package as_root=()
  codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  # The mirror that the machine uses for the release itself.
  # shellcheck disable=SC2016  # apt's own variable
  from=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $codename" | head -n 1)
  [ -n "$from" ] || die "no Go 1.21 or newer, and no Debian mirror of $codename among apt's sources: set GO"
  mkdir -p "$scratch/apt/lists/partial" "$scratch/apt/archives/partial"
  chmod -R a+rX "$scratch"
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
    "$from" "$codename" "$from" "$codename-backports" >"$scratch/apt/sources.list"
  local apart=(-o "Dir::Etc::sourcelist=$scratch/apt/sources.list" -o Dir::Etc::sourceparts=-
    -o "Dir::State::lists=$scratch/apt/lists" -o "Dir::Cache=$scratch/apt")
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die 'no Go 1.21 or newer, and neither root nor sudo to install it: set GO'
    as_root=(sudo)
  fi
  say "looking for Go in $codename-backports"
  "${as_root[@]}" apt-get "${apart[@]}" update >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; die 'apt-get failed (see above)'; }
  package=$(apt-cache "${apart[@]}" pkgnames golang-1. | grep -E '^golang-1\.[0-9]+-go$' | sort -V | tail -n 1)
  [ -n "$package" ] || die "no golang-1.NN-go in $codename-backports: set GO"
  say "installing $package from $codename-backports"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get "${apart[@]}" install -y --no-install-recommends "$package" >"$scratch/log" 2>&1 ||
    { tail -n 20 "$scratch/log" >&2; die 'apt-get failed (see above)'; }
}

# Sets GO: see the comment at the head of scripts/bench-context.
need_go() {
  if [ -n "${GO:-}" ]; then
    GO=$(cd "$called_from" && realpath -e "$(command -v "$GO")" 2>/dev/null) || die 'GO is not a program'
    is_new_enough "$GO" || die "$GO is not Go 1.21 or newer"
  elif command -v go >/dev/null && is_new_enough go; then
    GO=$(command -v go)
  elif ! newest_installed; then
    install_go
    newest_installed || die 'what has been installed is not Go 1.21 or newer: set GO'
  fi
}

# has_go : is there one that need_go would not have to install?
has_go() {
  [ -n "${GO:-}" ] || { command -v go >/dev/null && is_new_enough go; } || (newest_installed)
}
