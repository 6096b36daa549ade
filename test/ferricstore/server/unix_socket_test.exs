defmodule FerricStore.Server.UnixSocketTest do
  use ExUnit.Case, async: true
  import FerricStore.Test.{Client, Stores}
  alias FerricStore.Server.UnixSocket

  setup do
    directory = temporary_directory()
    %{path: Path.join(directory, "s"), store: start_store()}
  end

  test "serves commands, to its owner only, and goes with the server", %{path: path, store: store} do
    server = start_server(store, unix_socket: path)
    FerricStore.Server.port(server)

    assert Bitwise.band(File.stat!(path).mode, 0o777) == 0o700
    client = connect(path)
    assert_reply(client, ["SET", "a", "1"], "+OK\r\n")
    assert_reply(client, ["GET", "a"], "$1\r\n1\r\n")

    :ok = stop_supervised(server)
    assert_closed(client)
    refute File.exists?(path)
  end

  test "takes the place of a socket that nobody listens on any more", %{path: path, store: store} do
    {:ok, dead} = :gen_tcp.listen(0, ip: {:local, path})
    :gen_tcp.close(dead)
    assert File.exists?(path)

    FerricStore.Server.port(start_server(store, unix_socket: path))
    assert_reply(connect(path), ["PING"], "+PONG\r\n")
  end

  test "leaves a socket alone that somebody listens on", %{path: path} do
    {:ok, _alive} = :gen_tcp.listen(0, ip: {:local, path})
    assert UnixSocket.clear(path) == {:error, :eaddrinuse}
    assert File.exists?(path)
  end

  test "leaves a file alone that is no socket", %{path: path} do
    File.write!(path, "precious")
    assert {:error, message} = UnixSocket.clear(path)
    assert message =~ "not a socket"
    assert File.read!(path) == "precious"
  end
end
