# Sourced, after environment.sh, by the scripts that test or measure a whole server with the programs of
# native/harness. HARNESS_SERVER chooses the server: the path of a release's start script, or `redis` to try the
# programs themselves out; without it the release is built and used.

# prepare_server: leaves SERVER_OPTION, which every program of the harness understands.
prepare_server() {
  SERVER_OPTION=()
  if [ -n "${HARNESS_SERVER:-}" ]; then
    SERVER_OPTION=(--server "$HARNESS_SERVER")
  else
    MIX_ENV=prod mix release ferricstore --overwrite --quiet
  fi
}

# harness <program> <argument>...: runs a program of the harness, built if need be.
harness() {
  local program="$1"
  shift
  cargo run --quiet --release --locked -p ferric-harness --bin "$program" -- "$@"
}
