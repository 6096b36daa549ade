defmodule FerricStore.Server.Listener do
  @moduledoc """
  A listening socket and the acceptors behind it.

  The socket belongs to the process that opens the listener, so it is closed when that process ends for whatever
  reason. Ranch accepts from it and starts a protocol process for each connection.
  """

  alias FerricStore.Server.{Address, UnixSocket}

  @enforce_keys [:reference, :socket, :place]
  defstruct @enforce_keys

  @type t :: %__MODULE__{reference: term(), socket: :inet.socket(), place: Address.t()}

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
  """
  @spec open(term(), Address.t(), module(), term()) ::
          {:ok, t()} | {:error, message :: String.t()}
  def open(reference, place, protocol, argument) do
    with {:ok, socket} <- listen(place),
         :ok <- start(reference, socket, protocol, argument) do
      {:ok, %__MODULE__{reference: reference, socket: socket, place: actual_place(place, socket)}}
    else
      {:error, reason} ->
        {:error, "cannot listen on #{Address.to_text(place)}: #{explain(reason)}"}
    end
  end

  @doc "A socket that listens at `place`, with the options every socket of the server has."
  @spec listen(Address.t()) :: {:ok, :inet.socket()} | {:error, :inet.posix() | String.t()}
  def listen({:local, path}) do
    with :ok <- UnixSocket.clear(path),
         {:ok, socket} <- :ranch_tcp.listen([{:ip, {:local, path}}, {:port, 0} | unix_options()]),
         :ok <- UnixSocket.restrict(path) do
      {:ok, socket}
    end
  end

  def listen({address, port}) do
    :ranch_tcp.listen(
      [{:ip, address}, {:port, port} | family_options(address)] ++ @socket_options
    )
  end

  @doc "What went wrong, in words."
  @spec explain(:inet.posix() | String.t() | term()) :: String.t()
  def explain(message) when is_binary(message), do: message

  def explain(reason) do
    case :inet.format_error(reason) do
      'unknown POSIX error' -> inspect(reason)
      text -> to_string(text)
    end
  end

  @doc "The TCP port the listener has; 0 for a Unix socket."
  @spec port(t()) :: :inet.port_number()
  def port(%__MODULE__{place: {:local, _path}}), do: 0
  def port(%__MODULE__{place: {_address, port}}), do: port

  @doc """
  Stops listening, asks the connections to end after the command they are executing, waits `timeout` milliseconds
  for them, and ends the rest.
  """
  @spec close([t()], non_neg_integer()) :: :ok
  def close(listeners, timeout) do
    Enum.each(listeners, &stop_accepting/1)
    drain(Enum.flat_map(listeners, &:ranch.procs(&1.reference, :connections)), timeout)
    Enum.each(listeners, &:ranch.stop_listener(&1.reference))
  end

  defp start(reference, socket, protocol, argument) do
    options = %{
      socket: socket,
      # The store counts clients and turns one too many away with Redis's message; Ranch would let it hang.
      max_connections: :infinity,
      shutdown: :brutal_kill
    }

    _ = :ranch.stop_listener(reference)

    case :ranch.start_listener(reference, :ranch_tcp, options, protocol, argument) do
      {:ok, _pid} -> :ok
      {:error, reason} -> {:error, reason}
    end
  end

  defp stop_accepting(%__MODULE__{place: place} = listener) do
    :ranch.suspend_listener(listener.reference)
    :gen_tcp.close(listener.socket)
    with {:local, path} <- place, do: File.rm(path)
  end

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

  defp actual_place({:local, path}, _socket), do: {:local, path}

  defp actual_place({address, 0}, socket) do
    {:ok, port} = :inet.port(socket)
    {address, port}
  end

  defp actual_place(place, _socket), do: place

  # Without it the IPv6 wildcard address would take the IPv4 port as well, and 0.0.0.0 beside :: would fail.
  defp family_options(address) when tuple_size(address) == 8, do: [:inet6, ipv6_v6only: true]
  defp family_options(_address), do: []

  # Options of TCP mean nothing to a Unix socket.
  defp unix_options, do: Keyword.drop(@socket_options, [:nodelay, :keepalive])
end
