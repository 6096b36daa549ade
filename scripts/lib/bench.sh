# Sourced, after environment.sh, by the scripts that measure: what they share.
# Gives them a directory for data, DATA, on the disk of the checkout, which goes when the script ends, and `measured`.

DATA=""
CHILD=""

# The programs are children and not in the foreground: only so can a signal end them, and with them, since the kernel
# ties those to their parent, the servers they have started.
end() {
  if [ -n "$CHILD" ]; then
    kill -TERM "$CHILD" 2>/dev/null || true
    wait "$CHILD" 2>/dev/null || true
  fi
  if [ -n "$DATA" ]; then rm -rf "$DATA"; fi
}

# prepare_data: makes DATA, and sees to it that everything is tidied up however the script ends.
prepare_data() {
  mkdir -p target/harness
  DATA="$(mktemp -d "$ROOT/target/harness/measured.XXXXXX")"
  trap end EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

# measured <command> <argument>...: runs it; a signal for this script ends it.
measured() {
  local status=0
  "$@" &
  CHILD=$!
  wait "$CHILD" || status=$?
  CHILD=""
  return "$status"
}

# built <program>: the path of a program of native/harness, built if need be.
built() {
  cargo build --quiet --release --locked -p ferric-harness --bin "$1" >&2
  printf '%s\n' "${CARGO_TARGET_DIR:-$ROOT/target}/release/$1"
}

# show_help <script>: prints the comment at a script's beginning, if its caller asked for it.
show_help() {
  local script="$1" word
  shift
  for word in "$@"; do
    if [ "$word" = --help ] || [ "$word" = -h ]; then
      sed -n '2,/^[^#]/{/^#/{s/^# \{0,1\}//;p}}' "$script"
      exit 0
    fi
  done
}
