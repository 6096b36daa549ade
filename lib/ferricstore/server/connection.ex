defmodule FerricStore.Server.Connection do
  @moduledoc """
  One client: a process that reads from its socket, lets the engine execute what it read, and sends the replies.

  A plain loop instead of a generic server, because every message of every client passes through it.

  What bounds the memory of a connection: the socket may have at most 16 reads of 64 KiB waiting in the mailbox, an
  unfinished command waits inside the session under the engine's limits, and nothing more is executed while replies
  wait, for the log to be synced or for the client to read them. Messages that are published to the client wait inside
  the session too, under `client-output-buffer-limit`; the process is told once, by `:ferric_mail`, that there are some.
  """

  @behaviour :ranch_protocol

  alias FerricStore.Native
  alias FerricStore.Server.{Address, Listener}

  @typedoc "What a listener gives to its connections: the store, and the function that stops the whole server."
  @type argument :: %{store: Native.store(), stop: (() -> term())}

  # taken: messages taken from the socket since it was last allowed more
  @enforce_keys [:socket, :session, :stop]
  defstruct [:socket, :session, :stop, taken: 0]

  # Reads the socket may be ahead of us. It is allowed more when half of them are used up: if it ever had to stop, the
  # emulator would take it out of the scheduler's poll set, where reading is cheapest.
  @reads 16
  @refill 8

  # A reply goes out in pieces of this many bytes, each with the socket's whole send timeout: a client that reads
  # slowly is served, one that does not read at all is disconnected.
  @piece 1_048_576

  # A process that hardly keeps anything alive between two messages can collect its garbage often and at no cost; what
  # it would otherwise hold on to are the buffers of its last reads. In words of memory, 64 KiB.
  @binary_heap 8_192

  # The longest time that the emulator can wait, in milliseconds: seven weeks.
  @longest_wait 4_294_967_295

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
      loop(%__MODULE__{socket: socket, session: session, stop: argument.stop})
    else
      {:refused, reply} ->
        send_all(socket, reply)
        :gen_tcp.close(socket)

      {:error, _reason} ->
        :gen_tcp.close(socket)
    end
  end

  defp loop(%__MODULE__{socket: socket, taken: @refill} = state) do
    case :inet.setopts(socket, active: @refill) do
      :ok -> loop(%{state | taken: 0})
      {:error, _reason} -> close(state)
    end
  end

  defp loop(%__MODULE__{socket: socket, session: session, taken: taken} = state) do
    receive do
      {:tcp, ^socket, data} ->
        session |> Native.execute(data) |> finish(%{state | taken: taken + 1})

      :ferric_mail ->
        continue(state)

      {:tcp_closed, ^socket} ->
        close(state)

      {:tcp_error, ^socket, _reason} ->
        close(state)

      :ferric_stop ->
        close(state)

      # The socket has used up its reads, and gets more when we have used up half of them; or news of the log that
      # came after the wait for it was over.
      _other ->
        loop(state)
    end
  end

  # Sends the replies when they may be sent, then does what the engine asked for.
  defp finish({replies, 0, next}, state) do
    case send_all(state.socket, replies) do
      :ok -> proceed(next, state)
      {:error, _reason} -> close(state)
    end
  end

  defp finish({replies, position, next}, state) do
    case await_durable(position) do
      :ok -> finish({replies, 0, next}, state)
      # Nobody knows which of the writes will be there after a restart: a reply of either kind might be a lie.
      :failed -> close(state)
    end
  end

  defp proceed(:read, state), do: loop(state)
  defp proceed(:again, state), do: continue(state)
  defp proceed(:dirty, state), do: state.session |> Native.execute_dirty("") |> finish(state)
  defp proceed(:close, state), do: close(state)

  defp proceed(:busy, state) do
    receive do
      :ferric_room -> continue(state)
    end
  end

  defp proceed(:cold, state) do
    receive do
      :ferric_resident -> continue(state)
    end
  end

  defp proceed(:waiting, state) do
    receive do
      :ferric_done -> continue(state)
    end
  end

  defp proceed({:block, timeout}, state), do: await_key(state, timeout)

  defp proceed({:sleep, milliseconds}, state) do
    Process.sleep(milliseconds)
    continue(state)
  end

  defp proceed({:kill, pids}, state) do
    Enum.each(pids, &Listener.disconnect/1)
    continue(state)
  end

  # The client gets no reply: it sees the connection end, and that is when the server has stopped listening.
  # Both kinds are the same here, since the log is the store and is synced in any case.
  defp proceed({:shutdown, _save}, state) do
    state.stop.()

    receive do
      :ferric_stop -> close(state)
    end
  end

  # What the client sends meanwhile stays in the mailbox, which is bounded by the socket's reads.
  defp await_key(%__MODULE__{socket: socket, session: session} = state, timeout) do
    receive do
      :ferric_unblocked -> continue(state)
      :ferric_mail -> continue(state)
      {:tcp_closed, ^socket} -> close(state)
      {:tcp_error, ^socket, _reason} -> close(state)
      :ferric_stop -> close(state)
    after
      longest(timeout) ->
        # The message comes, from whoever ends the wait first.
        Native.end_wait(session)
        await_key(state, :infinity)
    end
  end

  defp longest(:infinity), do: :infinity
  defp longest(timeout), do: min(timeout, @longest_wait)

  defp continue(state), do: state.session |> Native.execute("") |> finish(state)

  # Cheap although it looks through the mailbox, because the socket cannot be further ahead than its @reads.
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

  defp close(%__MODULE__{socket: socket, session: session}) do
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
    text = Address.to_text({:local, path}) <> ":0"
    %{peer: text, local: text, transport: :unix, loopback: true}
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
