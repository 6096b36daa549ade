defmodule FerricStore.Server.Connection do
  @moduledoc """
  One client: a process that reads from its socket, lets the engine execute what it read, and sends the replies.

  A plain loop instead of a generic server, because every message of every client passes through it.

  What bounds the memory of a connection: the socket hands over at most #{16} reads of 64 KiB before it has to be
  asked again, an unfinished command waits inside the session under the engine's limits, and nothing more is executed
  while replies wait, for the log to be synced or for the client to read them.
  """

  @behaviour :ranch_protocol

  alias FerricStore.Native
  alias FerricStore.Server.Address

  @typedoc "What a listener gives to its connections: the store, and the function that stops the whole server."
  @type argument :: %{store: Native.store(), stop: (() -> term())}

  # Messages from the socket before it turns passive.
  @reads 16

  # A reply goes out in pieces of this many bytes, each with the socket's whole send timeout: a client that reads
  # slowly is served, one that does not read at all is disconnected.
  @piece 1_048_576

  # A process that hardly keeps anything alive between two messages can collect its garbage often and at no cost; what
  # it would otherwise hold on to are the 64 KiB buffers of its last reads. In words of memory, 64 KiB.
  @binary_heap 8_192

  @impl :ranch_protocol
  def start_link(reference, transport, argument) do
    pid =
      :proc_lib.spawn_opt(__MODULE__, :init, [reference, transport, argument], [
        :link,
        min_bin_vheap_size: @binary_heap,
        fullsweep_after: 16
      ])

    {:ok, pid}
  end

  @doc false
  def init(reference, _transport, argument) do
    {:ok, socket} = :ranch.handshake(reference)

    with {:ok, client} <- describe(socket),
         {:ok, session} <- Native.session(argument.store, client),
         :ok <- :inet.setopts(socket, active: @reads) do
      loop(socket, session, argument.stop)
    else
      {:refused, reply} ->
        send_all(socket, reply)
        :gen_tcp.close(socket)

      {:error, _reason} ->
        :gen_tcp.close(socket)
    end
  end

  @doc "Ends a client's connection at once, even one that is blocked in sending."
  @spec kill(pid()) :: true
  def kill(pid), do: Process.exit(pid, {:shutdown, :killed})

  defp loop(socket, session, stop) do
    receive do
      {:tcp, ^socket, data} ->
        session |> Native.execute(data) |> finish(socket, session, stop)

      {:tcp_passive, ^socket} ->
        case :inet.setopts(socket, active: @reads) do
          :ok -> loop(socket, session, stop)
          {:error, _reason} -> close(socket, session)
        end

      {:tcp_closed, ^socket} ->
        close(socket, session)

      {:tcp_error, ^socket, _reason} ->
        close(socket, session)

      :ferric_stop ->
        close(socket, session)

      # News of the log that came after the wait for it was over.
      _other ->
        loop(socket, session, stop)
    end
  end

  # Sends the replies when they may be sent, then does what the engine asked for.
  defp finish({replies, 0, next}, socket, session, stop) do
    case send_all(socket, replies) do
      :ok -> proceed(next, socket, session, stop)
      {:error, _reason} -> close(socket, session)
    end
  end

  defp finish({replies, position, next}, socket, session, stop) do
    case await_durable(position) do
      :ok -> finish({replies, 0, next}, socket, session, stop)
      # Nobody knows which of the writes will be there after a restart: a reply of either kind might be a lie.
      :failed -> close(socket, session)
    end
  end

  defp proceed(:read, socket, session, stop), do: loop(socket, session, stop)
  defp proceed(:again, socket, session, stop), do: continue(socket, session, stop)
  defp proceed(:close, socket, session, _stop), do: close(socket, session)

  defp proceed(:dirty, socket, session, stop) do
    session |> Native.execute_dirty("") |> finish(socket, session, stop)
  end

  defp proceed(:busy, socket, session, stop) do
    receive do
      :ferric_room -> continue(socket, session, stop)
    end
  end

  defp proceed({:sleep, milliseconds}, socket, session, stop) do
    Process.sleep(milliseconds)
    continue(socket, session, stop)
  end

  defp proceed({:kill, pids}, socket, session, stop) do
    Enum.each(pids, &kill/1)
    continue(socket, session, stop)
  end

  # The client gets no reply: it sees the connection end, and that is when the server has stopped listening.
  # Both kinds are the same here, since the log is the store and is synced in any case.
  defp proceed({:shutdown, _save}, socket, session, stop) do
    stop.()

    receive do
      :ferric_stop -> close(socket, session)
    end
  end

  defp continue(socket, session, stop) do
    session |> Native.execute("") |> finish(socket, session, stop)
  end

  # Cheap although it looks through the mailbox: the socket is passive after @reads messages, so no more are there.
  defp await_durable(position) do
    receive do
      {:ferric_durable, durable} when durable >= position -> :ok
      {:ferric_durable, _earlier} -> await_durable(position)
      {:ferric_failed, _reason} -> :failed
    end
  end

  defp send_all(_socket, ""), do: :ok

  defp send_all(socket, replies) when byte_size(replies) > @piece do
    <<piece::binary-size(@piece), rest::binary>> = replies
    with :ok <- :gen_tcp.send(socket, piece), do: send_all(socket, rest)
  end

  defp send_all(socket, replies), do: :gen_tcp.send(socket, replies)

  defp close(socket, session) do
    Native.session_close(session)
    :gen_tcp.close(socket)
  end

  defp describe(socket) do
    with {:ok, peer} <- :inet.peername(socket),
         {:ok, local} <- :inet.sockname(socket) do
      {:ok, client(peer, local)}
    end
  end

  defp client({:local, _unnamed}, {:local, path}) do
    text = Address.to_text({:local, path})
    %{peer: text <> ":0", local: text <> ":0", transport: :unix, loopback: true}
  end

  defp client(peer, local) do
    %{
      peer: Address.to_text(peer),
      local: Address.to_text(local),
      transport: :tcp,
      loopback: Address.loopback?(peer)
    }
  end
end
