defmodule FerricStore.Server.Listener do
  @moduledoc """
  A listening socket and the acceptors behind it: Ranch accepts from it and starts a protocol process for each
  connection.
  """

  alias FerricStore.Server.{Address, UnixSocket}

  @enforce_keys [:reference, :place]
  defstruct @enforce_keys

  @type t :: %__MODULE__{reference: term(), place: Address.t()}

  # A client that reads nothing for this long, while a reply waits for it, is disconnected. Milliseconds.
  @send_timeout 30_000

  @socket_options [
    nodelay: true,
    recbuf: 65_536,
    sndbuf: 65_536,
    backlog: 1024,
    keepalive: true,
    # One message to a connection holds at most this much. Follows recbuf otherwise, which Linux doubles.
    buffer: 65_536,
    # A client that has sent its last command, and said so by closing its half, still gets the replies.
    exit_on_close: false,
    send_timeout: @send_timeout,
    send_timeout_close: true
  ]

  @doc """
  Listens at `place` and starts `protocol`, a `:ranch_protocol`, with `argument` for each connection.

  `reference` tells listeners apart; one that is left over under the same reference is ended first.
  `options` are Ranch's transport options, where they differ from its defaults.
  """
  @spec open(term(), Address.t(), {module(), argument :: term()}, map()) ::
          {:ok, t()} | {:error, message :: String.t()}
  def open(reference, place, protocol, options) do
    with :ok <- prepare(place),
         :ok <- start(reference, Map.put(options, :socket_opts, socket_options(place)), protocol),
         :ok <- restrict(place) do
      {:ok, %__MODULE__{reference: reference, place: actual_place(place, reference)}}
    else
      {:error, reason} ->
        {:error, "cannot listen on #{Address.to_text(place)}: #{explain(reason)}"}
    end
  end

  @doc "Opens a listener at each of `places`, or none; see `open/4`."
  @spec open_all(term(), [Address.t()], {module(), argument :: term()}, map()) ::
          {:ok, [t()]} | {:error, message :: String.t()}
  def open_all(name, places, protocol, options) do
    places
    |> Enum.with_index()
    |> Enum.reduce_while({:ok, []}, fn {place, index}, {:ok, opened} ->
      case open({name, index}, place, protocol, options) do
        {:ok, listener} ->
          {:cont, {:ok, opened ++ [listener]}}

        {:error, message} ->
          close(opened, 0)
          {:halt, {:error, message}}
      end
    end)
  end

  @doc "The TCP port the listener has; 0 for a Unix socket."
  @spec port(t()) :: :inet.port_number()
  def port(%__MODULE__{place: {:local, _path}}), do: 0
  def port(%__MODULE__{place: {_address, port}}), do: port

  @doc """
  Stops listening, asks the connections with the message `:ferric_stop` to end after the command they are executing,
  waits `timeout` milliseconds for them, and ends the rest. With a timeout of 0 they are not asked.
  """
  @spec close([t()], non_neg_integer()) :: :ok
  def close(listeners, timeout) do
    Enum.each(listeners, &stop_accepting/1)
    drain(connections(listeners), timeout)
    Enum.each(connections(listeners), &disconnect/1)
    Enum.each(listeners, &:ranch.stop_listener(&1.reference))
  end

  @doc """
  Ends a connection's process at once, even while it is blocked in sending.

  What its socket has not sent yet is dropped. Otherwise the emulator would keep the socket until a peer that may
  never read has read it, and would not halt before.
  """
  @spec disconnect(pid()) :: true
  def disconnect(pid) do
    with {:links, links} <- Process.info(pid, :links) do
      for socket <- links,
          is_port(socket),
          unsent?(socket),
          do: :inet.setopts(socket, linger: {true, 0})
    end

    Process.exit(pid, {:shutdown, :disconnected})
  end

  defp connections(listeners),
    do: Enum.flat_map(listeners, &:ranch.procs(&1.reference, :connections))

  defp unsent?(socket),
    do: match?({:queue_size, size} when size > 0, Port.info(socket, :queue_size))

  # Ranch would report a place that is taken as a failure of several of its processes. Trying it first leaves one
  # sentence to be said about it.
  defp prepare(place) do
    with :ok <- clear(place),
         {:ok, socket} <- :gen_tcp.listen(0, [{:reuseaddr, true} | socket_options(place)]) do
      :gen_tcp.close(socket)
      clear(place)
    end
  end

  defp clear({:local, path}), do: UnixSocket.clear(path)
  defp clear({_address, _port}), do: :ok

  defp restrict({:local, path}), do: UnixSocket.restrict(path)
  defp restrict({_address, _port}), do: :ok

  defp explain(message) when is_binary(message), do: message

  defp explain(reason) do
    case :inet.format_error(reason) do
      ~c"unknown POSIX error" -> inspect(reason)
      text -> to_string(text)
    end
  end

  defp start(reference, options, {module, argument} = protocol) do
    case :ranch.start_listener(reference, :ranch_tcp, options, module, argument) do
      {:ok, _pid} ->
        :ok

      # A predecessor was killed before it could end its listener; its socket is closed already.
      {:error, {:already_started, _pid}} ->
        :ok = :ranch.stop_listener(reference)
        start(reference, options, protocol)

      {:error, reason} ->
        {:error, reason}
    end
  end

  defp stop_accepting(%__MODULE__{place: place} = listener) do
    :ranch.suspend_listener(listener.reference)
    with {:local, path} <- place, do: File.rm(path)
  end

  defp drain(_connections, 0), do: :ok

  defp drain(connections, timeout) do
    monitors = for pid <- connections, do: Process.monitor(pid)
    for pid <- connections, do: send(pid, :ferric_stop)
    timer = Process.send_after(self(), :drain_timeout, timeout)
    await_ends(monitors)
    Process.cancel_timer(timer)
  end

  defp await_ends([]), do: :ok

  defp await_ends([monitor | rest]) do
    receive do
      {:DOWN, ^monitor, :process, _pid, _reason} -> await_ends(rest)
      :drain_timeout -> :ok
    end
  end

  # Port 0 was any that is free; the socket knows which one it got.
  defp actual_place({:local, path}, _reference), do: {:local, path}
  defp actual_place({_address, _port}, reference), do: :ranch.get_addr(reference)

  # Options of TCP mean nothing to a Unix socket.
  defp socket_options({:local, path}) do
    [{:ip, {:local, path}} | Keyword.drop(@socket_options, [:nodelay, :keepalive])]
  end

  # Without the option the IPv6 wildcard address would take the IPv4 port as well, and 0.0.0.0 beside :: would fail.
  defp socket_options({address, port}) when tuple_size(address) == 8 do
    [:inet6, {:ip, address}, {:port, port}, {:ipv6_v6only, true} | @socket_options]
  end

  defp socket_options({address, port}), do: [{:ip, address}, {:port, port} | @socket_options]
end
