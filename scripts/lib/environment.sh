# Sourced by the scripts that build or run FerricStore: what every one of them needs to know about its surroundings.
# Expects nothing; leaves ROOT (the checkout), the working directory there, and an environment in which mix and
# cargo work even when a bare init system or container started us (no HOME, no locale, no PATH to cargo).

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)"
cd "$ROOT"

if [ -z "${HOME:-}" ]; then
  HOME="$(getent passwd "$(id -u)" | cut -d: -f6)"
  export HOME="${HOME:-/}"
fi

# What the caller's shell may have set for another project would lead mix elsewhere.
unset MIX_ENV MIX_BUILD_PATH MIX_TARGET MIX_EXS

# Elixir insists on UTF-8 file names and output, and Debian's default locale is plain ASCII.
export LC_ALL=C.UTF-8
export ELIXIR_ERL_OPTIONS="${ELIXIR_ERL_OPTIONS:-+fnu}"

# rustup installs here without touching the PATH of shells that are already open.
if ! command -v cargo >/dev/null 2>&1; then
  PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
  export PATH
fi

# fail <message>: says why on stderr and ends the script.
fail() {
  printf '%s: %s\n' "$(basename "$0")" "$1" >&2
  exit 1
}
