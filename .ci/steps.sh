# Steps that say how long each took. Sourced, not run; by scripts that have sourced scripts/packages.sh.
# shellcheck shell=bash
steps=()
step_name='' step_since=0

# step NAME : the step before it is over.
step() {
  end_step
  step_name=$1 step_since=$SECONDS
  say "$1"
}
end_step() {
  [ -n "$step_name" ] || return 0
  steps+=("$(printf '%5d s  %s' "$((SECONDS - step_since))" "$step_name")")
  step_name=''
}
# To be called when the script ends, whatever happened: `trap 'report_steps $?' EXIT`.
report_steps() {
  local status=$1
  if [ "$status" -ne 0 ]; then step_name+='  <- failed'; fi
  end_step
  printf '%s\n' "${steps[@]}"
  printf '%5d s  %s in all\n' "$SECONDS" "${0##*/}"
  return "$status"
}

# To be called at the end instead, by scripts that have jobs in the background (scripts/packages.sh).
leave() {
  local status=$?
  trap '' INT TERM
  end_background_jobs
  report_steps "$status"
}
# done_beside JOB LOG : waits for its end, and shows what it has said.
done_beside() {
  local status=0
  wait "$1" || status=$?
  cat "$2"
  return "$status"
}

# For what runs beside something else: takes what that leaves of the processors.
gently() { renice -n 10 "$BASHPID" >/dev/null && "$@"; }

# Of what ctest prints, all but the tests that have passed.
without_passed() { sed -uE '/^ *(Start +[0-9]+:|[0-9]+\/[0-9]+ Test +#[0-9]+: .* Passed )/d'; }
