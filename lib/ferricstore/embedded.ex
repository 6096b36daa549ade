defmodule FerricStore.Embedded do
  @moduledoc """
  Executes commands in the process that asks, without a socket between it and the engine.

  A calling process has one session per store and database, made when it first needs one and kept in its process
  dictionary; the engine forgets it when the process ends. Nothing is shared between processes, so any number of them
  may call at once.

  The documented functions are in `FerricStore`; this module is what they have in common.
  """

  alias FerricStore.{Native, Store}
  alias FerricStore.Embedded.Argument
  alias FerricStore.Server.Listener

  @typedoc "Which store, by name, and which of its databases (0 to 15)."
  @type target :: [store: Store.name(), db: 0..15]

  @typedoc "What the engine refused to do, in Redis's words, such as `\"WRONGTYPE Operation against a key ...\"`."
  @type error :: {:error, message :: String.t()}

  # They change what a connection is: its database, its user, its protocol. Here no connection lasts from one call to
  # the next, and a session that came out of another database would be a trap.
  @of_connections ~w(AUTH HELLO QUIT RESET SELECT)

  # The longest time that the emulator can wait, in milliseconds.
  @longest_wait 4_294_967_295

  @doc """
  Executes one command, a list of its name and arguments, and returns its reply as a term.

  A write returns when it is as durable as the store promises.
  """
  @spec command([Argument.t()], target()) :: term() | error()
  def command([name | _rest] = arguments, target) do
    name = Argument.to_binary(name)

    if String.upcase(name, :ascii) in @of_connections do
      {:error,
       "ERR #{name} is for connections; the store: and db: options choose where a command goes"}
    else
      execute(arguments, target)
    end
  end

  @doc "As `command/2`, for a command that is known to be one on data."
  @spec execute([Argument.t()], target()) :: term() | error()
  def execute(arguments, target) do
    arguments = Enum.map(arguments, &Argument.to_binary/1)
    {store, database} = parse_target(target)
    {key, session} = session(store, database)
    session |> Native.call(arguments) |> settle(session, key, arguments)
  end

  @doc "A reply of 1 or 0 as a boolean; any other, such as an error, as it is."
  @spec truth(term()) :: term()
  def truth(1), do: true
  def truth(0), do: false
  def truth(reply), do: reply

  defp parse_target([]), do: {FerricStore, 0}

  defp parse_target(target) do
    target = Keyword.validate!(target, store: FerricStore, db: 0)
    {target[:store], target[:db]}
  end

  # What the call did not do yet, and what it wants done.
  defp settle({_reply, _wait, :again}, session, key, arguments) do
    session |> Native.call(arguments) |> settle(session, key, arguments)
  end

  defp settle({_reply, _wait, :dirty}, session, key, arguments) do
    session |> Native.call_dirty(arguments) |> settle(session, key, arguments)
  end

  defp settle({_reply, _wait, :busy}, session, key, arguments) do
    receive do
      :ferric_room -> session |> Native.call(arguments) |> settle(session, key, arguments)
    end
  end

  defp settle({_reply, _wait, :cold}, session, key, arguments) do
    receive do
      :ferric_resident -> session |> Native.call(arguments) |> settle(session, key, arguments)
    end
  end

  defp settle({_reply, _wait, :waiting}, session, key, arguments) do
    receive do
      :ferric_done -> session |> Native.call(arguments) |> settle(session, key, arguments)
    end
  end

  defp settle({_reply, _wait, {:block, timeout}}, session, key, arguments) do
    receive do
      :ferric_unblocked -> session |> Native.call(arguments) |> settle(session, key, arguments)
    after
      longest(timeout) ->
        Native.end_wait(session)
        settle({nil, 0, {:block, :infinity}}, session, key, arguments)
    end
  end

  defp settle({reply, 0, next}, _session, key, _arguments), do: finish(next, reply, key)

  defp settle({reply, position, next}, _session, key, _arguments) do
    case await_durable(position) do
      :ok ->
        finish(next, reply, key)

      {:failed, reason} ->
        {:error,
         "ERR the log could not be synced, what became of this write is unknown: #{reason}"}
    end
  end

  defp longest(:infinity), do: :infinity
  defp longest(timeout), do: min(timeout, @longest_wait)

  defp finish(:read, reply, _key), do: reply

  defp finish({:sleep, milliseconds}, reply, _key) do
    Process.sleep(milliseconds)
    reply
  end

  defp finish({:kill, pids}, reply, _key) do
    Enum.each(pids, &Listener.disconnect/1)
    reply
  end

  defp finish({:shutdown, _save}, _reply, _key) do
    {:error, "ERR a store that is part of an application is stopped by its supervisor"}
  end

  defp finish(:close, reply, key) do
    Process.delete(key)
    reply
  end

  # The caller's mailbox is not ours: only messages of the engine are taken out of it, and all of them.
  defp await_durable(position) do
    receive do
      {:ferric_durable, durable} when durable >= position -> :ok
      {:ferric_durable, _earlier} -> await_durable(position)
      {:ferric_failed, reason} -> {:failed, reason}
    end
  end

  defp session(store, database) do
    handle = Store.handle(store)
    key = {__MODULE__, store, database}

    case Process.get(key) do
      # The same handle: the store has not been restarted since.
      {^handle, session} -> {key, session}
      _none_or_old -> {key, open_session(handle, key, database)}
    end
  end

  defp open_session(handle, key, database) do
    client = %{peer: "embedded", local: "embedded", transport: :embedded, loopback: true}

    case Native.session(handle, client) do
      {:ok, session} ->
        select(session, database)
        Process.put(key, {handle, session})
        session

      {:refused, reply} ->
        raise "the store refuses this process: #{reply}"
    end
  end

  defp select(_session, 0), do: :ok

  defp select(session, database) do
    case Native.call(session, ["SELECT", Argument.to_binary(database)]) do
      {:ok, 0, :read} -> :ok
      {{:error, message}, 0, :read} -> raise ArgumentError, "db: #{inspect(database)}: #{message}"
    end
  end
end
