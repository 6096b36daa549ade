defmodule FerricStore.Server.WaitingTest do
  use ExUnit.Case, async: true
  import FerricStore.Test.{Client, Stores}
  alias FerricStore.Server

  setup do
    store = start_store()
    %{store: store, port: Server.port(start_server(store))}
  end

  defp send_command(client, arguments), do: :ok = :gen_tcp.send(client, encode(arguments))

  defp await_blocked(client, count) do
    wait_until(fn ->
      send_command(client, ["INFO", "clients"])
      "$" <> length = read_line(client)
      {:ok, text} = :gen_tcp.recv(client, String.to_integer(length) + 2, 5_000)
      text =~ "blocked_clients:#{count}\r\n"
    end)
  end

  test "a waiting client gets what another one pushes", %{port: port} do
    [waiting, other] = [connect(port), connect(port)]
    send_command(waiting, ["BLPOP", "queue", "0"])
    await_blocked(other, 1)
    assert_reply(other, ["RPUSH", "queue", "job"], ":1\r\n")
    assert_reply(other, ["EXISTS", "queue"], ":0\r\n")
    assert_bytes(waiting, "*2\r\n$5\r\nqueue\r\n$3\r\njob\r\n")
    assert_reply(waiting, ["PING"], "+PONG\r\n")
  end

  test "what a client sends while it waits is answered afterwards", %{port: port} do
    [waiting, other] = [connect(port), connect(port)]
    send_command(waiting, ["BLPOP", "queue", "0"])
    await_blocked(other, 1)
    send_command(waiting, ["PING"])
    assert_reply(other, ["RPUSH", "queue", "job"], ":1\r\n")
    assert_bytes(waiting, "*2\r\n$5\r\nqueue\r\n$3\r\njob\r\n+PONG\r\n")
  end

  test "a wait ends with its time, or when the client goes", %{port: port} do
    [waiting, other] = [connect(port), connect(port)]
    assert_reply(waiting, ["BLPOP", "queue", "0.05"], "*-1\r\n")
    assert_reply(waiting, ["WAIT", "1", "20"], ":0\r\n")
    send_command(waiting, ["BLPOP", "queue", "0"])
    await_blocked(other, 1)
    :gen_tcp.close(waiting)
    await_blocked(other, 0)
    assert_reply(other, ["RPUSH", "queue", "job"], ":1\r\n")
    assert_reply(other, ["LLEN", "queue"], ":1\r\n")
  end

  test "a thousand waiting clients get one element each", %{port: port} do
    other = connect(port)

    waiting =
      for _n <- 1..1_000 do
        client = connect(port)
        send_command(client, ["BLPOP", "queue", "0"])
        client
      end

    await_blocked(other, 1_000)

    send_command(other, ["RPUSH", "queue" | for(n <- 1..1_000, do: "#{n}")])
    assert_bytes(other, ":1000\r\n")
    served = for client <- waiting, do: read_reply(client)
    assert Enum.sort(served) == Enum.to_list(1..1_000)
  end

  test "the embedded API waits, too", %{store: store} do
    waiting = Task.async(fn -> FerricStore.command(["BLPOP", "queue", "5"], store: store) end)
    Process.sleep(20)
    1 = FerricStore.command(["RPUSH", "queue", "job"], store: store)
    assert Task.await(waiting) == ["queue", "job"]
    assert FerricStore.command(["BLPOP", "queue", "0.02"], store: store) == nil
  end

  test "a transaction is done as a whole", %{port: port} do
    [client, other] = [connect(port), connect(port)]
    assert_reply(client, ["WATCH", "balance"], "+OK\r\n")
    assert_reply(client, ["MULTI"], "+OK\r\n")
    assert_reply(client, ["INCRBY", "balance", "5"], "+QUEUED\r\n")
    assert_reply(client, ["RPUSH", "entries", "5"], "+QUEUED\r\n")
    assert_reply(other, ["EXISTS", "balance", "entries"], ":0\r\n")
    assert_reply(client, ["EXEC"], "*2\r\n:5\r\n:1\r\n")
    assert_reply(client, ["WATCH", "balance"], "+OK\r\n")
    assert_reply(other, ["INCR", "balance"], ":6\r\n")
    assert_reply(client, ["MULTI"], "+OK\r\n")
    assert_reply(client, ["INCR", "balance"], "+QUEUED\r\n")
    assert_reply(client, ["EXEC"], "*-1\r\n")
  end

  defp read_reply(client) do
    "*2" = read_line(client)
    "$5" = read_line(client)
    "queue" = read_line(client)
    "$" <> _length = read_line(client)
    String.to_integer(read_line(client))
  end
end
