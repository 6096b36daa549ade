defmodule FerricStore.Test.Client do
  @moduledoc "A client as thin as possible: what is sent and what must come back are bytes."

  import ExUnit.Assertions

  @timeout 10_000

  @doc "Connects to a TCP port of this machine, to an address, or to the path of a Unix socket."
  @spec connect(:inet.port_number() | {:inet.ip_address(), :inet.port_number()} | String.t()) ::
          :inet.socket()
  def connect(port) when is_integer(port), do: connect({{127, 0, 0, 1}, port})
  def connect(path) when is_binary(path), do: open({:local, path}, 0, [:local])
  def connect({address, port}) when tuple_size(address) == 8, do: open(address, port, [:inet6])
  def connect({address, port}), do: open(address, port, [])

  @doc "The bytes of a command."
  @spec encode([iodata()]) :: iodata()
  def encode(arguments) do
    parts =
      for argument <- arguments, do: ["$#{IO.iodata_length(argument)}\r\n", argument, "\r\n"]

    ["*#{length(arguments)}\r\n" | parts]
  end

  @doc "Sends a command and asserts that exactly these bytes come back."
  @spec assert_reply(:inet.socket(), [iodata()], binary()) :: :ok
  def assert_reply(socket, arguments, expected) do
    :ok = :gen_tcp.send(socket, encode(arguments))
    assert_bytes(socket, expected)
  end

  @doc "Asserts that exactly these bytes come."
  @spec assert_bytes(:inet.socket(), binary()) :: :ok
  def assert_bytes(socket, expected) do
    case :gen_tcp.recv(socket, byte_size(expected), @timeout) do
      {:ok, ^expected} ->
        :ok

      {:ok, other} ->
        flunk("expected #{inspect(expected, limit: 200)}, got #{inspect(other, limit: 200)}")

      {:error, reason} ->
        flunk("expected #{inspect(expected, limit: 200)}, got #{inspect(reason)}")
    end
  end

  @doc "The next line, without its end."
  @spec read_line(:inet.socket(), binary()) :: binary()
  def read_line(socket, line \\ "") do
    case :gen_tcp.recv(socket, 1, @timeout) do
      {:ok, "\n"} -> String.trim_trailing(line, "\r")
      {:ok, byte} -> read_line(socket, line <> byte)
    end
  end

  @doc "Asserts that the server closes the connection, sending nothing more."
  @spec assert_closed(:inet.socket(), timeout()) :: :ok
  def assert_closed(socket, timeout \\ @timeout) do
    assert {:error, reason} = :gen_tcp.recv(socket, 0, timeout)
    assert reason in [:closed, :econnreset]
    :ok
  end

  defp open(address, port, options) do
    {:ok, socket} = :gen_tcp.connect(address, port, [:binary, active: false] ++ options, @timeout)
    socket
  end
end
