defmodule FerricStore.Store do
  @moduledoc """
  The process that owns an open store: it opens it, hands its handle to whoever asks by name, watches it for a failed
  log, and closes it when it is told to stop.

  Commands do not pass through this process. They run in the process of the connection, or of the caller.
  """

  use GenServer
  require Logger
  alias FerricStore.Native
  alias FerricStore.Store.Messenger

  @typedoc "Name of a store: the atom given as `name:` when it was started."
  @type name :: atom()

  @typedoc """
  What a store can do at the moment. One that is `:paused` refuses writes until, say, its disk has room again, and goes
  on by itself then; one that has `:failed` refuses them until it is opened again. Both serve reads.
  """
  @type status ::
          :running
          | :recovering
          | :stopping
          | {:paused, reason :: String.t()}
          | {:failed, reason :: String.t()}

  # What the engine is told; what this process itself needs is listed in `init/1`.
  @engine_defaults [
    data_dir: nil,
    shards: 0,
    durability: :quorum,
    io: :auto,
    password: nil,
    max_clients: 10_000,
    protected_mode: true,
    port: 0,
    unix_socket: nil,
    segment_size: 64 * 1024 * 1024,
    max_memory: 0,
    compression: :lz4,
    merge_rate: 128 * 1024 * 1024
  ]

  # Databases of Redis, 0 to 15.
  @databases 16

  # How often to look whether the log has failed, in milliseconds: async writers hear of it from nobody else.
  @watch_interval 1_000

  # Recovery of a large log and the last sync may both take long; neither must be cut short by the supervisor.
  @shutdown_timeout 60_000

  @doc """
  A child specification, with the store's name as its id.

  ## Options

    * `:data_dir` - directory of the data, created if it does not exist; the only one that is required
    * `:name` - an atom, `FerricStore` by default
    * `:durability` - `:quorum` (the default: a write is on disk before it is acknowledged) or `:async`
    * `:shards` - number of shards; 0, the default, for one per CPU
    * `:io` - `:auto` (the default), `:uring` or `:posix`
    * `:segment_size` - bytes per file of the log, 64 MiB by default
    * `:max_memory` - bytes of memory for the index, the log's buffers and the data kept in memory; at least 16 MiB.
      0, the default, is 60 % of the machine's memory, or of what the process's control group may use. Data beyond it
      stays on disk and is read when it is asked for: nothing is ever evicted
    * `:compression` - `:lz4` (the default), `:zstd` or `:none`: how values are stored when old data is merged
    * `:merge_rate` - bytes a second that merging writes at most, 128 MiB by default; 0 for no limit
    * `:password`, `:max_clients`, `:protected_mode`, `:port`, `:unix_socket` - what clients of `FerricStore.Server`
      and `INFO` meet
    * `:background` - return before recovery is done; the store is usable when `await/2` returns
    * `:on_open_error` - called with a message when a store that opens in the background cannot be opened
  """
  @spec child_spec(keyword()) :: Supervisor.child_spec()
  def child_spec(options) do
    %{
      id: {__MODULE__, Keyword.get(options, :name, FerricStore)},
      start: {__MODULE__, :start_link, [options]},
      shutdown: @shutdown_timeout
    }
  end

  @doc "Starts and opens a store; see `child_spec/1` for the options. Raises `ArgumentError` for wrong ones."
  @spec start_link(keyword()) :: GenServer.on_start()
  def start_link(options) do
    own_defaults = [name: FerricStore, background: false, on_open_error: nil]

    {own, engine} =
      options
      |> Keyword.validate!(own_defaults ++ @engine_defaults)
      |> Keyword.split(Keyword.keys(own_defaults))

    own = Map.new(own)

    GenServer.start_link(__MODULE__, Map.put(own, :engine, engine_options(engine)),
      name: process_name(own.name)
    )
  end

  @doc """
  The handle of an open store, for `FerricStore.Native`.

  Raises `ArgumentError` if no store of this name is open.
  """
  @spec handle(name()) :: Native.store()
  def handle(name) do
    case :persistent_term.get({__MODULE__, name}, nil) do
      nil ->
        raise ArgumentError,
              "no open FerricStore is called #{inspect(name)}: has it been started?"

      handle ->
        handle
    end
  end

  @doc "Waits until a store that opens in the background is open. Exits if it cannot be opened."
  @spec await(name(), timeout()) :: :ok
  def await(name, timeout \\ :infinity), do: GenServer.call(process_name(name), :await, timeout)

  @doc "What the store called `name` can do now."
  @spec status(name()) :: status()
  def status(name) do
    case :persistent_term.get({__MODULE__, name, :status}, :recovering) do
      :open -> engine_status(Native.stats(handle(name)))
      status -> status
    end
  end

  @doc "Says that the store is about to stop, for those who ask for its `status/1`."
  @spec announce_stop(name()) :: :ok
  def announce_stop(name), do: :persistent_term.put({__MODULE__, name, :status}, :stopping)

  @doc "The store's figures; see `FerricStore.Native.stats/1`."
  @spec stats(name()) :: map()
  def stats(name), do: Native.stats(handle(name))

  @impl GenServer
  def init(%{background: background} = state) do
    # So that terminate/2 runs, and closes the store, when the supervisor stops this process.
    Process.flag(:trap_exit, true)
    state = Map.merge(state, %{handle: nil, messenger: nil, paused: false})

    if background do
      {:ok, state, {:continue, :open}}
    else
      case open(state) do
        {:ok, state} -> {:ok, state}
        {:error, {_kind, _message} = reason} -> {:stop, reason}
      end
    end
  end

  @impl GenServer
  def handle_continue(:open, state) do
    case open(state) do
      {:ok, state} ->
        {:noreply, state}

      {:error, {_kind, message} = reason} ->
        if state.on_open_error, do: state.on_open_error.(message)
        {:stop, {:shutdown, reason}, state}
    end
  end

  @impl GenServer
  def handle_call(:await, _from, state), do: {:reply, :ok, state}

  @impl GenServer
  def handle_info(:watch, state) do
    case engine_status(Native.stats(state.handle)) do
      {:failed, reason} ->
        Logger.critical(
          "the log of #{state.engine.data_dir} could not be synced (#{reason}): no write is acknowledged any more; " <>
            "reads go on. Restart once the disk is in order"
        )

        {:noreply, state}

      status ->
        watch()
        {:noreply, note_pause(status, state)}
    end
  end

  def handle_info({:EXIT, _from, reason}, state), do: {:stop, reason, state}
  def handle_info(_other, state), do: {:noreply, state}

  @impl GenServer
  def terminate(_reason, %{handle: nil}), do: :ok

  def terminate(_reason, %{handle: handle, name: name, engine: engine} = state) do
    :persistent_term.erase({__MODULE__, name, :status})
    :persistent_term.erase({__MODULE__, name})

    case Native.close(handle) do
      :ok -> :ok
      {:error, message} -> Logger.error("closing #{engine.data_dir}: #{message}")
    end

    Messenger.flush(state.messenger)
  end

  defp open(%{engine: engine, name: name} = state) do
    close_leftover(name)

    messenger = Messenger.start_link()

    with {:ok, handle} <- Native.open(Map.put(engine, :messenger, messenger)) do
      :persistent_term.put({__MODULE__, name}, handle)
      :persistent_term.put({__MODULE__, name, :status}, :open)
      watch()
      {:ok, %{state | handle: handle, messenger: messenger}}
    end
  end

  # A predecessor that was killed could not close its store, and the name still holds it and the directory's lock.
  defp close_leftover(name) do
    case :persistent_term.get({__MODULE__, name}, nil) do
      nil -> :ok
      handle -> Native.close(handle)
    end
  end

  defp watch, do: Process.send_after(self(), :watch, @watch_interval)

  # One line when writing stops, and one when it goes on.
  defp note_pause({:paused, reason}, %{paused: false} = state) do
    Logger.error(
      "writes to #{state.engine.data_dir} are refused: #{reason}. Reads go on, and writes will when there is room"
    )

    %{state | paused: true}
  end

  defp note_pause(:running, %{paused: true} = state) do
    Logger.notice("writes to #{state.engine.data_dir} are accepted again")
    %{state | paused: false}
  end

  defp note_pause(_same, state), do: state

  defp engine_status(%{state: :running}), do: :running
  defp engine_status(%{state: :paused, paused: reason}), do: {:paused, reason}
  defp engine_status(%{state: :failed, failure: failure}), do: {:failed, failure || "unknown"}

  defp engine_options(options) do
    data_dir = options[:data_dir] || raise ArgumentError, "FerricStore needs a data_dir: option"

    options
    |> Map.new()
    |> Map.merge(%{
      data_dir: Path.expand(data_dir),
      databases: @databases,
      version: to_string(Application.spec(:ferricstore, :vsn))
    })
  end

  defp process_name(name), do: Module.concat(__MODULE__, name)
end
