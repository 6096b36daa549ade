defmodule FerricStore.Application do
  @moduledoc """
  The OTP application.

  In a release, where `config/runtime.exs` sets `serve: true`, it runs one store with its HTTP port and its
  listeners. Everywhere else it starts empty: an application that embeds FerricStore starts its own stores below
  its own supervisor (see `FerricStore`).

  The children start in the order of the list and stop in the reverse order, which is what a clean stop is:
  the listeners finish the commands that have arrived, then the HTTP port goes, then the store syncs its log.
  """

  use Application
  require Logger

  @impl Application
  def start(_type, _arguments) do
    children = if Application.get_env(:ferricstore, :serve, false), do: serving(), else: []

    # If one of them dies, those that were started after it hold its sessions and have to go with it.
    Supervisor.start_link(children, strategy: :rest_for_one, name: FerricStore.Supervisor)
  end

  defp serving do
    for warning <- Application.get_env(:ferricstore, :warnings, []), do: Logger.warning(warning)

    store = [name: FerricStore, background: true, on_open_error: &abort/1]
    server = [store: FerricStore, on_listening: &announce/1, on_error: &abort/1]

    [
      {FerricStore.Store, store ++ Application.fetch_env!(:ferricstore, :store)},
      {FerricStore.HTTP,
       [store: FerricStore, on_error: &abort/1] ++ Application.fetch_env!(:ferricstore, :http)},
      {FerricStore.Server, server ++ Application.fetch_env!(:ferricstore, :server)}
    ]
  end

  # One line for the operator instead of the reports of a dozen processes that fail after each other.
  defp abort(message) do
    IO.puts(:stderr, "FerricStore cannot start: #{message}")
    System.halt(1)
  end

  defp announce(places) do
    stats = FerricStore.Store.stats(FerricStore)

    IO.puts(
      "FerricStore #{stats.version} is ready: listening on #{Enum.join(places, ", ")}; " <>
        "data directory #{stats.data_dir}, durability #{stats.durability}, I/O back end #{stats.io}, " <>
        "memory budget #{div(stats.max_memory, 1_048_576)} MiB, " <>
        "recovery #{stats.recovery}, #{stats.recovery_ms} ms"
    )
  end
end
