defmodule FerricStore.Server.PubSubTest do
  use ExUnit.Case, async: true
  import FerricStore.Test.{Client, Stores}
  alias FerricStore.Server

  setup do
    store = start_store()
    server = start_server(store)
    %{server: server, port: Server.port(server)}
  end

  defp subscribe(port, channel) do
    client = connect(port)
    assert_reply(client, ["SUBSCRIBE", channel], confirmation("*", "subscribe", channel, 1))
    client
  end

  defp subscribe3(port, channel) do
    client = connect(port)
    :ok = :gen_tcp.send(client, [encode(["HELLO", "3"]), encode(["ECHO", "ready"])])
    read_until(client, "ready\r\n")
    assert_reply(client, ["SUBSCRIBE", channel], confirmation(">", "subscribe", channel, 1))
    client
  end

  defp read_until(client, ending, seen \\ "") do
    {:ok, data} = :gen_tcp.recv(client, 0, 10_000)
    unless String.ends_with?(seen <> data, ending), do: read_until(client, ending, seen <> data)
  end

  defp confirmation(kind, command, name, count),
    do: "#{kind}3\r\n#{bulk(command)}#{bulk(name)}:#{count}\r\n"

  defp message(kind, channel, text),
    do: "#{kind}3\r\n#{bulk("message")}#{bulk(channel)}#{bulk(text)}"

  defp bulk(text), do: "$#{byte_size(text)}\r\n#{text}\r\n"

  test "messages reach every subscriber, in order, in its protocol", %{port: port} do
    two = for _n <- 1..20, do: subscribe(port, "news")
    three = for _n <- 1..20, do: subscribe3(port, "news")
    publisher = connect(port)
    count = 500
    :ok = :gen_tcp.send(publisher, for(n <- 1..count, do: encode(["PUBLISH", "news", "#{n}"])))
    assert_bytes(publisher, String.duplicate(":40\r\n", count))
    expected = fn kind -> Enum.map_join(1..count, &message(kind, "news", "#{&1}")) end
    Enum.each(two, &assert_bytes(&1, expected.("*")))
    Enum.each(three, &assert_bytes(&1, expected.(">")))
  end

  test "a subscriber that is gone is forgotten", %{port: port} do
    client = subscribe(port, "news")
    publisher = connect(port)
    assert_reply(publisher, ["PUBLISH", "news", "a"], ":1\r\n")
    :gen_tcp.close(client)

    wait_until(fn ->
      :ok = :gen_tcp.send(publisher, encode(["PUBLISH", "news", "b"]))
      read_line(publisher) == ":0"
    end)
  end

  test "a client that waits for a key gets messages meanwhile", %{port: port} do
    client = subscribe3(port, "news")
    :ok = :gen_tcp.send(client, encode(["BLPOP", "list", "0"]))
    other = connect(port)
    assert_reply(other, ["PUBLISH", "news", "a"], ":1\r\n")
    assert_bytes(client, message(">", "news", "a"))
    assert_reply(other, ["PUBLISH", "news", "b"], ":1\r\n")
    assert_bytes(client, message(">", "news", "b"))
    assert_reply(other, ["RPUSH", "list", "x"], ":1\r\n")
    assert_bytes(client, "*2\r\n" <> bulk("list") <> bulk("x"))
  end

  test "nothing comes after the reply to UNSUBSCRIBE", %{port: port} do
    publisher = connect(port)

    flood =
      Task.async(fn ->
        for _n <- 1..50,
            do: :gen_tcp.send(publisher, List.duplicate(encode(["PUBLISH", "c", "m"]), 100))

        read_all(publisher, 5_000)
      end)

    for _n <- 1..50 do
      client = subscribe(port, "c")
      :ok = :gen_tcp.send(client, [encode(["UNSUBSCRIBE"]), encode(["ECHO", "end"])])
      assert read_messages(client) == confirmation("*", "unsubscribe", "c", 0) <> bulk("end")
      :gen_tcp.close(client)
    end

    Task.await(flood, 30_000)
  end

  # What is left when the messages at the beginning are taken away.
  defp read_messages(client, seen \\ "") do
    message = message("*", "c", "m")

    if String.ends_with?(seen, bulk("end")) do
      String.replace(seen, ~r/^(#{Regex.escape(message)})*/, "")
    else
      {:ok, data} = :gen_tcp.recv(client, 0, 10_000)
      read_messages(client, seen <> data)
    end
  end

  defp read_all(_client, 0), do: :ok

  defp read_all(client, lines) do
    read_line(client)
    read_all(client, lines - 1)
  end

  test "a subscriber that does not read is disconnected, and others are served", context do
    %{port: port, server: server} = context
    publisher = connect(port)
    limit = ["CONFIG", "SET", "client-output-buffer-limit", "pubsub 2mb 0 0"]
    assert_reply(publisher, limit, "+OK\r\n")
    _slow = subscribe(port, "news")
    reader = subscribe(port, "news")
    wait_until(fn -> length(connections(server)) == 3 end)
    text = String.duplicate("x", 100_000)

    wait_until(
      fn ->
        :ok = :gen_tcp.send(publisher, encode(["PUBLISH", "news", text]))
        assert_bytes(reader, message("*", "news", text))
        read_line(publisher) == ":1"
      end,
      50_000
    )

    wait_until(fn -> length(connections(server)) == 2 end)
    assert_reply(publisher, ["PING"], "+PONG\r\n")
  end
end
