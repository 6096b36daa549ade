# The only place that reads the environment. Which variables there are, what they allow and what they mean is in
# FerricStore.Config.Environment.
#
# A release (MIX_ENV=prod) serves; under `mix test` and `iex -S mix` nothing listens, and no store is opened, unless
# FERRICSTORE_PORT asks for it. An application that has FerricStore as a dependency never gets here.
import Config

environment = System.get_env()
asked? = config_env() == :dev and Map.has_key?(environment, "FERRICSTORE_PORT")

if config_env() == :prod or asked? do
  case FerricStore.Config.Environment.parse(environment) do
    {:ok, settings} ->
      config :ferricstore, [{:serve, true} | settings]

    {:error, message} ->
      # Nothing has started yet: an exception would only bury the message under a stack trace.
      IO.puts(:stderr, "FerricStore cannot start: #{message}")
      System.halt(1)
  end
end
