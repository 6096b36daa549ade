# Settings that do not depend on where the release runs. What an operator chooses is read in runtime.exs.
import Config

config :logger, :console, format: "$date $time [$level] $message\n"

if config_env() == :test do
  # Tests provoke failures on purpose; what they log about them is captured where it is looked at.
  config :logger, level: :critical
end
