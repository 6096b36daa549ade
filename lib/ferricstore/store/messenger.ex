defmodule FerricStore.Store.Messenger do
  @moduledoc """
  Passes the engine's news on to the processes that wait for it.

  The engine's threads tell this process once per group commit, and once per group of records fetched from disk, who
  waited for it. Passing that on from here costs a fraction of what the same messages cost from a thread that is none
  of the virtual machine's own.
  """

  require Logger
  alias FerricStore.Server.Listener

  @doc "Starts the messenger of a store, linked to the process that owns the store."
  @spec start_link() :: pid()
  def start_link do
    # Ahead of the connections: they wait for what it has to say.
    :proc_lib.spawn_opt(__MODULE__, :loop, [], [:link, priority: :high])
  end

  @doc """
  Returns when everything that the engine has said so far has been passed on. A store that is closed waits for this
  before it ends, and this process with it: somebody may wait for the last news.
  """
  @spec flush(pid()) :: :ok
  def flush(messenger) do
    monitor = Process.monitor(messenger)
    send(messenger, {:flush, self(), monitor})

    receive do
      {:flushed, ^monitor} -> :ok
      {:DOWN, ^monitor, :process, ^messenger, _reason} -> :ok
    end

    Process.demonitor(monitor, [:flush])
    :ok
  end

  @doc false
  def loop do
    receive do
      {:flush, pid, monitor} ->
        send(pid, {:flushed, monitor})

      {:ferric_durable, position, pids} ->
        tell(pids, {:ferric_durable, position})

      {:ferric_room, pids} ->
        tell(pids, :ferric_room)

      {:ferric_resident, pids} ->
        tell(pids, :ferric_resident)

      {:ferric_done, pids} ->
        tell(pids, :ferric_done)

      {:ferric_overflow, pid} ->
        # In a process of its own: whoever is to be disconnected may be slow to answer.
        spawn(fn -> disconnect(pid) end)
    end

    __MODULE__.loop()
  end

  defp disconnect(pid) do
    Logger.warning(
      "a client is disconnected: more messages wait for it than client-output-buffer-limit allows"
    )

    Listener.disconnect(pid)
  end

  defp tell(pids, message), do: Enum.each(pids, &send(&1, message))
end
