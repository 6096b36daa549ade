defmodule FerricStore.Server.ConnectionTest do
  use ExUnit.Case, async: true
  import FerricStore.Test.{Client, Stores}
  alias FerricStore.Server

  setup do
    store = start_store()
    server = start_server(store)
    %{store: store, server: server, port: Server.port(server)}
  end

  describe "input" do
    test "is answered in order, however many commands come at once", %{port: port} do
      client = connect(port)
      count = 5_000
      :ok = :gen_tcp.send(client, for(n <- 1..count, do: encode(["SET", "k#{n}", "#{n}"])))
      assert_bytes(client, String.duplicate("+OK\r\n", count))
      :ok = :gen_tcp.send(client, for(n <- 1..count, do: encode(["GET", "k#{n}"])))
      replies = for n <- 1..count, do: "$#{byte_size("#{n}")}\r\n#{n}\r\n"
      assert_bytes(client, IO.iodata_to_binary(replies))
    end

    test "may be split at any byte", %{port: port} do
      client = connect(port)
      :ok = :inet.setopts(client, nodelay: true)

      for <<byte <- IO.iodata_to_binary([encode(["SET", "a", "b\r\nc"]), "PING\r\n"])>> do
        :ok = :gen_tcp.send(client, <<byte>>)
        Process.sleep(1)
      end

      assert_bytes(client, "+OK\r\n+PONG\r\n")
      assert_reply(client, ["GET", "a"], "$4\r\nb\r\nc\r\n")
    end

    test "of 20 MB in one value comes back whole", %{port: port} do
      client = connect(port)
      value = :crypto.strong_rand_bytes(20_000_000)
      assert_reply(client, ["SET", "big", value], "+OK\r\n")
      :ok = :gen_tcp.send(client, encode(["GET", "big"]))
      assert_bytes(client, "$20000000\r\n" <> value <> "\r\n")
    end

    test "that ends with half a command does no harm", %{port: port, server: server} do
      client = connect(port)
      :ok = :gen_tcp.send(client, "*2\r\n$3\r\nGE")
      :gen_tcp.close(client)
      wait_until(fn -> connections(server) == [] end)
      assert_reply(connect(port), ["PING"], "+PONG\r\n")
    end

    test "that breaks the protocol is answered and ends the connection", %{port: port} do
      client = connect(port)
      :ok = :gen_tcp.send(client, "*1\r\nPING\r\n")
      assert read_line(client) =~ "-ERR Protocol error"
      assert_closed(client)
    end
  end

  describe "the end" do
    test "QUIT is answered, then the server closes", %{port: port} do
      client = connect(port)
      assert_reply(client, ["QUIT"], "+OK\r\n")
      assert_closed(client)
    end

    test "a client that closes its half still gets its replies", %{port: port, server: server} do
      client = connect(port)
      :ok = :gen_tcp.send(client, for(n <- 1..100, do: encode(["SET", "h#{n}", "1"])))
      :ok = :gen_tcp.shutdown(client, :write)
      assert_bytes(client, String.duplicate("+OK\r\n", 100))
      assert_closed(client)
      wait_until(fn -> connections(server) == [] end)
    end

    test "CLIENT KILL ends another client", %{port: port} do
      {killer, victim} = {connect(port), connect(port)}
      assert_reply(killer, ["CLIENT", "KILL", "ID", client_id(victim)], ":1\r\n")
      assert_closed(victim)
      assert_reply(killer, ["PING"], "+PONG\r\n")
    end

    test "CLIENT KILL ends a client that does not read", %{port: port, server: server} do
      victim = connect(port)
      id = client_id(victim)
      [process] = connections(server)
      monitor = Process.monitor(process)
      fill_up(victim)

      killer = connect(port)
      assert_reply(killer, ["CLIENT", "KILL", "ID", id], ":1\r\n")
      assert_receive {:DOWN, ^monitor, :process, ^process, _reason}, 1_000
      wait_until(fn -> sockets_to(victim) == [] end)
    end

    test "SHUTDOWN is not answered; the connection ends when the server has stopped", %{
      store: store
    } do
      test = self()
      server = start_server(store, on_shutdown: fn -> send(test, :shutdown) end)
      client = connect(Server.port(server))
      :ok = :gen_tcp.send(client, encode(["SHUTDOWN"]))
      assert_receive :shutdown, 5_000
      assert {:error, :timeout} = :gen_tcp.recv(client, 0, 100)
      :ok = stop_supervised(server)
      assert_closed(client)
    end
  end

  describe "a client that does not read" do
    test "takes a bounded amount of memory", %{port: port, store: store} do
      :ok = FerricStore.set("mb", String.duplicate("x", 1_000_000), store: store)
      before = :erlang.memory(:binary)
      clients = for _n <- 1..4, do: connect(port)
      Enum.each(clients, &fill_up/1)
      Process.sleep(300)

      # Each may hold one call's replies and 1 MiB of input, not the 2,000 replies it has asked for.
      assert :erlang.memory(:binary) - before < 4 * 16_000_000
    end

    test "is disconnected when the send timeout is over", %{port: port, server: server} do
      client = connect(port)
      assert_reply(client, ["SET", "mb", String.duplicate("x", 1_000_000)], "+OK\r\n")
      [process] = connections(server)
      {:links, links} = Process.info(process, :links)
      [socket] = Enum.filter(links, &is_port/1)
      assert :inet.getopts(socket, [:send_timeout]) == {:ok, [send_timeout: 30_000]}
      :ok = :inet.setopts(socket, send_timeout: 300)
      monitor = Process.monitor(process)
      fill_up(client)
      assert_receive {:DOWN, ^monitor, :process, ^process, _reason}, 5_000
    end

    test "but reads slowly gets everything", %{port: port, server: server} do
      client = connect(port)
      value = String.duplicate("y", 8_000_000)
      assert_reply(client, ["SET", "slow", value], "+OK\r\n")
      [process] = connections(server)
      {:links, links} = Process.info(process, :links)
      [socket] = Enum.filter(links, &is_port/1)
      :ok = :inet.setopts(socket, send_timeout: 1_000)
      :ok = :gen_tcp.send(client, encode(["GET", "slow"]))
      assert_bytes(client, "$8000000\r\n")
      # Longer in all than the timeout, but never without progress for so long.
      for _n <- 1..16,
          do: assert_bytes(client, String.duplicate("y", 500_000)) && Process.sleep(100)

      assert_bytes(client, "\r\n")
    end
  end

  describe "admission" do
    test "one client too many is told so", %{store: _store} do
      store = start_store(max_clients: 2)
      server = start_server(store)
      port = Server.port(server)
      clients = for _n <- 1..2, do: connect(port)
      Enum.each(clients, &assert_reply(&1, ["PING"], "+PONG\r\n"))
      refused = connect(port)
      assert read_line(refused) == "-ERR max number of clients reached"
      assert_closed(refused)

      :gen_tcp.close(hd(clients))
      wait_until(fn -> length(connections(server)) == 1 end)
      assert_reply(connect(port), ["PING"], "+PONG\r\n")
    end

    test "a password is asked for", %{store: _store} do
      port = Server.port(start_server(start_store(password: "sesame")))
      client = connect(port)
      assert_reply(client, ["GET", "a"], "-NOAUTH Authentication required.\r\n")
      :ok = :gen_tcp.send(client, encode(["AUTH", "wrong"]))
      assert read_line(client) =~ "-WRONGPASS"
      assert_reply(client, ["AUTH", "sesame"], "+OK\r\n")
      assert_reply(client, ["GET", "a"], "$-1\r\n")
    end

    test "protected mode refuses other machines unless there is a password" do
      address = outside_address()
      port = Server.port(start_server(start_store(), bind: [address]))
      refused = connect({address, port})
      assert read_line(refused) =~ "-DENIED"
      assert_closed(refused)

      for options <- [[password: "sesame"], [protected_mode: false]] do
        port = Server.port(start_server(start_store(options), bind: [address]))
        client = connect({address, port})
        :ok = :gen_tcp.send(client, encode(["GET", "a"]))
        refute read_line(client) =~ "DENIED"
      end
    end
  end

  test "sockets have the documented options", %{port: port, server: server} do
    client = connect(port)
    assert_reply(client, ["PING"], "+PONG\r\n")
    {:links, links} = Process.info(hd(connections(server)), :links)
    [socket] = Enum.filter(links, &is_port/1)
    {:ok, options} = :inet.getopts(socket, [:nodelay, :keepalive, :recbuf, :sndbuf, :buffer])
    assert options[:nodelay] and options[:keepalive]
    # Linux reports twice what was asked for.
    assert options[:recbuf] in [65_536, 131_072]
    assert options[:sndbuf] in [65_536, 131_072]
    assert options[:buffer] == 65_536
  end

  defp client_id(client) do
    :ok = :gen_tcp.send(client, encode(["CLIENT", "ID"]))
    ":" <> id = read_line(client)
    id
  end

  # Asks for far more than it will read, until the server takes no more input either.
  defp fill_up(client) do
    assert_reply(client, ["SET", "mb", String.duplicate("x", 1_000_000)], "+OK\r\n")
    :ok = :gen_tcp.send(client, List.duplicate(encode(["GET", "mb"]), 2_000))
    Process.sleep(200)
  end

  # The server's ends of a client's connection, of which there is one as long as it is open.
  defp sockets_to(client) do
    {:ok, place} = :inet.sockname(client)

    for socket <- Port.list(), match?({:ok, ^place}, :inet.peername(socket)), do: socket
  end

  defp outside_address do
    {:ok, interfaces} = :inet.getifaddrs()

    addresses =
      for {_name, options} <- interfaces,
          {:addr, {first, _, _, _} = address} <- options,
          first != 127,
          do: address

    case addresses do
      [address | _rest] ->
        address

      [] ->
        flunk("this machine has no address but the loopback one: protected mode cannot be tried")
    end
  end
end
