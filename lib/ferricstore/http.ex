defmodule FerricStore.HTTP do
  @moduledoc """
  The HTTP port, for those who watch over a store. It listens while the store is still recovering.

  | Path | Answer |
  |---|---|
  | `GET /health/live` | 200 as long as the process runs |
  | `GET /health/ready` | 200, which also says when the disk is full; 503 with the reason while recovering, stopping, or after the log has failed |
  | `GET /metrics` | the store's figures in Prometheus's text format |
  """

  use GenServer
  alias FerricStore.HTTP.{HealthHandler, MetricsHandler}
  alias FerricStore.Server.Listener

  @defaults [
    store: FerricStore,
    name: __MODULE__,
    bind: [{127, 0, 0, 1}],
    port: 6380,
    on_error: nil
  ]

  # Health checks and scrapes are few; more than this are not what the port is for.
  @max_connections 1024

  @doc """
  A child specification. Options: `:store` (its name), `:bind` (addresses as tuples), `:port` (0 for any that is
  free), `:name` of this process, and `:on_error`, called with a message when it cannot listen.
  """
  @spec child_spec(keyword()) :: Supervisor.child_spec()
  def child_spec(options) do
    %{
      id: {__MODULE__, Keyword.get(options, :name, __MODULE__)},
      start: {__MODULE__, :start_link, [options]}
    }
  end

  @doc "Starts to listen; see `child_spec/1` for the options."
  @spec start_link(keyword()) :: GenServer.on_start()
  def start_link(options) do
    options = options |> Keyword.validate!(@defaults) |> Map.new()
    GenServer.start_link(__MODULE__, options, name: options.name)
  end

  @doc "The port it listens on."
  @spec port(GenServer.server()) :: :inet.port_number()
  def port(server \\ __MODULE__), do: GenServer.call(server, :port)

  @impl GenServer
  def init(options) do
    Process.flag(:trap_exit, true)

    case listen(options) do
      {:ok, listeners} ->
        {:ok, listeners}

      {:error, message} ->
        if options.on_error, do: options.on_error.(message)
        {:stop, {:shutdown, message}}
    end
  end

  @impl GenServer
  def handle_call(:port, _from, [listener | _rest] = listeners) do
    {:reply, Listener.port(listener), listeners}
  end

  @impl GenServer
  def handle_info(_exit, listeners), do: {:noreply, listeners}

  @impl GenServer
  def terminate(_reason, listeners), do: Listener.close(listeners, 0)

  defp listen(options) do
    # Cowboy's connection processes supervise those of their requests, and say so to Ranch.
    kind = %{connection_type: :supervisor}
    protocol = {:cowboy_clear, Map.put(kind, :env, %{dispatch: dispatch(options.store)})}
    places = Enum.map(options.bind, &{&1, options.port})

    Listener.open_all(
      options.name,
      places,
      protocol,
      Map.put(kind, :max_connections, @max_connections)
    )
  end

  defp dispatch(store) do
    :cowboy_router.compile([
      {:_,
       [
         {"/health/live", HealthHandler, %{check: :live, store: store}},
         {"/health/ready", HealthHandler, %{check: :ready, store: store}},
         {"/metrics", MetricsHandler, %{store: store}}
       ]}
    ])
  end
end
