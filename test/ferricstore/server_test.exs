defmodule FerricStore.ServerTest do
  use ExUnit.Case, async: true
  import FerricStore.Test.{Client, Stores}
  alias FerricStore.{Server, Store}

  test "listens on several addresses, IPv6 among them" do
    store = start_store()
    test = self()
    addresses = [{127, 0, 0, 1}, {0, 0, 0, 0, 0, 0, 0, 1}]
    server = start_server(store, bind: addresses, on_listening: &send(test, {:places, &1}))
    assert_receive {:places, ["127.0.0.1:" <> _port, "[::1]:" <> ipv6_port]}, 5_000

    assert_reply(connect(Server.port(server)), ["PING"], "+PONG\r\n")
    ipv6 = {{0, 0, 0, 0, 0, 0, 0, 1}, String.to_integer(ipv6_port)}
    assert_reply(connect(ipv6), ["PING"], "+PONG\r\n")
  end

  test "says in one sentence that its port is taken" do
    store = start_store()
    port = Server.port(start_server(store))
    test = self()
    start_server(store, port: port, on_error: &send(test, {:error, &1}))
    assert_receive {:error, message}, 5_000
    assert message == "cannot listen on 127.0.0.1:#{port}: address already in use"
  end

  test "can be started again on its port, with clients left over from before" do
    # Another server must not get the port in between: the address is its own, and the port is below those that the
    # system gives to who asks for any.
    address = {127, 0, 77, 1}
    port = 20_000 + :rand.uniform(10_000)
    store = start_store()
    server = start_server(store, bind: [address], port: port)
    assert Server.port(server) == port
    client = connect({address, port})
    assert_reply(client, ["PING"], "+PONG\r\n")
    :ok = stop_supervised(server)
    assert_closed(client)

    assert Server.port(start_server(store, name: server, bind: [address], port: port)) == port
    assert_reply(connect({address, port}), ["PING"], "+PONG\r\n")
  end

  test "a server that was killed is replaced" do
    store = start_store()
    server = start_server(store)
    port = Server.port(server)
    pid = Process.whereis(server)
    Process.exit(pid, :kill)
    wait_until(fn -> Process.whereis(server) not in [nil, pid] end)
    assert_reply(connect(Server.port(server)), ["PING"], "+PONG\r\n")
    assert port != 0
  end

  describe "a graceful stop" do
    test "loses no write that was acknowledged, and answers no write that was lost" do
      directory = temporary_directory()
      store = start_store(data_dir: directory)
      server = start_server(store)
      port = Server.port(server)
      writers = for n <- 1..8, do: Task.async(fn -> write_until_closed(connect(port), n, 0) end)
      Process.sleep(300)

      :ok = stop_supervised(server)
      :ok = stop_supervised(store)
      acknowledged = Task.await_many(writers, 10_000)
      assert Enum.sum(acknowledged) > 0

      again = start_store(data_dir: directory)

      for {last, n} <- Enum.with_index(acknowledged, 1) do
        stored = String.to_integer(FerricStore.get("writer:#{n}", store: again) || "0")
        assert stored in last..(last + 1)
      end
    end

    test "is announced before the connections end" do
      store = start_store()
      server = start_server(store)
      Server.port(server)
      :ok = stop_supervised(server)
      assert Store.status(store) == :stopping
    end
  end

  # Returns the last number whose write was acknowledged.
  defp write_until_closed(client, writer, last) do
    with :ok <- :gen_tcp.send(client, encode(["SET", "writer:#{writer}", "#{last + 1}"])),
         {:ok, "+OK\r\n"} <- :gen_tcp.recv(client, 5, 10_000) do
      write_until_closed(client, writer, last + 1)
    else
      {:error, _closed} -> last
    end
  end
end
