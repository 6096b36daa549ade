defmodule FerricStore.Server do
  @moduledoc """
  Listens for Redis clients, over TCP and on a Unix socket, in front of an open store.

  It starts to listen when the store is open, and not before: a client that could connect earlier would only wait.
  When it stops it closes the listening sockets first, lets every connection finish the command it is executing, and
  then closes those that are left.

  An application that embeds a store can put this process behind it to let Redis clients in:

      children = [
        {FerricStore, data_dir: "data", name: MyStore},
        {FerricStore.Server, store: MyStore, port: 6379, bind: [{127, 0, 0, 1}]}
      ]
  """

  use GenServer
  require Logger
  alias FerricStore.Server.{Address, Connection, Listener}
  alias FerricStore.Store

  @defaults [
    store: FerricStore,
    name: __MODULE__,
    bind: [{127, 0, 0, 1}],
    port: 6379,
    unix_socket: nil,
    on_listening: nil,
    on_error: nil,
    on_shutdown: &System.stop/0
  ]

  # How long connections may take to finish their command when the server stops, in milliseconds.
  @drain_timeout 5_000

  @doc """
  A child specification.

  ## Options

    * `:store` - name of the store, `FerricStore` by default
    * `:bind` - list of IPv4 or IPv6 addresses as tuples, `[{127, 0, 0, 1}]` by default
    * `:port` - TCP port; 0 for any that is free (see `port/1`)
    * `:unix_socket` - path of a Unix socket, none by default
    * `:name` - name of this process, which tells several servers apart
    * `:on_listening` - called with the list of places, as text, when clients can connect
    * `:on_error` - called with a message when it cannot listen, instead of exiting
    * `:on_shutdown` - called when a client sends `SHUTDOWN`; stops the whole virtual machine by default
  """
  @spec child_spec(keyword()) :: Supervisor.child_spec()
  def child_spec(options) do
    %{
      id: {__MODULE__, Keyword.get(options, :name, __MODULE__)},
      start: {__MODULE__, :start_link, [options]},
      # Beyond the drain there is only closing sockets.
      shutdown: @drain_timeout + 5_000
    }
  end

  @doc "Starts the server; see `child_spec/1` for the options."
  @spec start_link(keyword()) :: GenServer.on_start()
  def start_link(options) do
    options = options |> Keyword.validate!(@defaults) |> Map.new()
    GenServer.start_link(__MODULE__, options, name: options.name)
  end

  @doc "The TCP port of the first address the server listens on. Waits until it listens."
  @spec port(GenServer.server()) :: :inet.port_number()
  def port(server \\ __MODULE__), do: GenServer.call(server, :port, :infinity)

  @impl GenServer
  def init(options) do
    # So that terminate/2 runs, and drains, when the supervisor stops this process.
    Process.flag(:trap_exit, true)
    {:ok, Map.put(options, :listeners, []), {:continue, :listen}}
  end

  @impl GenServer
  def handle_continue(:listen, state) do
    :ok = Store.await(state.store)

    case listen(state) do
      {:ok, listeners} ->
        if state.on_listening,
          do: state.on_listening.(Enum.map(listeners, &Address.to_text(&1.place)))

        {:noreply, %{state | listeners: listeners}}

      {:error, message} ->
        fail(message, state)
    end
  end

  @impl GenServer
  def handle_call(:port, _from, %{listeners: [listener | _rest]} = state) do
    {:reply, Listener.port(listener), state}
  end

  @impl GenServer
  def handle_info({:EXIT, _port, _reason}, state), do: {:noreply, state}
  def handle_info(_other, state), do: {:noreply, state}

  @impl GenServer
  def terminate(_reason, state) do
    if state.listeners != [], do: Store.announce_stop(state.store)
    Listener.close(state.listeners, @drain_timeout)
  end

  defp listen(state) do
    protocol = {Connection, %{store: Store.handle(state.store), stop: state.on_shutdown}}

    # The store counts clients, and turns one too many away with Redis's message; Ranch would let it hang.
    options = %{max_connections: :infinity, shutdown: :brutal_kill}
    Listener.open_all(state.name, places(state), protocol, options)
  end

  defp places(%{bind: addresses, port: port, unix_socket: path}) do
    local = if path, do: [{:local, path}], else: []
    Enum.map(addresses, &{&1, port}) ++ local
  end

  defp fail(message, %{on_error: nil} = state), do: {:stop, {:shutdown, message}, state}

  defp fail(message, %{on_error: on_error} = state) do
    on_error.(message)
    {:noreply, state}
  end
end
