defmodule FerricStore.NativeTest do
  # Alone, because it watches all schedulers.
  use ExUnit.Case, async: false
  import FerricStore.Test.{Client, Stores}
  alias FerricStore.{Native, Server, Store}

  # Milliseconds a process may occupy a scheduler. The engine yields after about one; the rest is for a machine that
  # takes the processor away from us.
  @long 20
  @rounds 3

  test "says which version it is" do
    assert Native.version() == to_string(Application.spec(:ferricstore, :vsn))
  end

  test "rejects what is not a store or a session, and survives" do
    for wrong <- [:store, "store", make_ref(), 1] do
      assert_raise ArgumentError, fn -> Native.stats(wrong) end
      assert_raise ArgumentError, fn -> Native.execute(wrong, "PING\r\n") end
      assert_raise ArgumentError, fn -> Native.call(wrong, ["PING"]) end
      assert_raise ArgumentError, fn -> Native.close(wrong) end
    end

    handle = Store.handle(start_store())
    assert_raise ArgumentError, fn -> Native.execute(handle, "PING\r\n") end
    assert_raise ArgumentError, fn -> Native.session(handle, %{}) end
    assert_raise ArgumentError, fn -> Native.open(%{}) end
    assert is_map(Native.stats(handle))
  end

  test "a closed session does nothing any more" do
    handle = Store.handle(start_store())
    client = %{peer: "test", local: "test", transport: :embedded, loopback: true}
    {:ok, session} = Native.session(handle, client)
    assert {"PONG", 0, :read} = Native.call(session, ["PING"])
    assert Native.session_close(session) == :ok
    assert_raise ArgumentError, fn -> Native.call(session, ["PING"]) end
    assert Native.session_close(session) == :ok
  end

  test "no call occupies a scheduler for long" do
    port = Server.port(start_server(start_store()))

    # One clean round is proof enough; a call that is really long shows in all of them.
    assert Enum.any?(1..@rounds, fn _round -> long_calls(fn -> load(port) end) == [] end)
  end

  defp long_calls(work) do
    :erlang.system_monitor(self(), [{:long_schedule, @long}])
    work.()
    :erlang.system_monitor(:undefined)
    collect([])
  end

  defp collect(found) do
    receive do
      {:monitor, pid, :long_schedule, info} when is_pid(pid) -> collect([info | found])
      {:monitor, _port, :long_schedule, _info} -> collect(found)
    after
      0 -> found
    end
  end

  defp load(port) do
    1..8
    |> Task.async_stream(fn n -> client_load(connect(port), n) end,
      max_concurrency: 8,
      timeout: 60_000
    )
    |> Stream.run()
  end

  defp client_load(client, n) do
    value = String.duplicate("v", 100)
    sets = for k <- 1..2_000, do: encode(["SET", "load:#{n}:#{k}", value])
    :ok = :gen_tcp.send(client, sets)
    assert_bytes(client, String.duplicate("+OK\r\n", 2_000))
    :ok = :gen_tcp.send(client, for(k <- 1..2_000, do: encode(["GET", "load:#{n}:#{k}"])))
    assert_bytes(client, String.duplicate("$100\r\n#{value}\r\n", 2_000))
    # Long commands, which belong on dirty schedulers or in slices.
    assert_reply(client, ["SET", "big:#{n}", String.duplicate("b", 4_000_000)], "+OK\r\n")
    :ok = :gen_tcp.send(client, encode(["KEYS", "nothing*"]))
    assert_bytes(client, "*0\r\n")
    :ok = :gen_tcp.send(client, encode(["MGET" | for(k <- 1..2_000, do: "load:#{n}:#{k}")]))
    assert_bytes(client, "*2000\r\n" <> String.duplicate("$100\r\n#{value}\r\n", 2_000))
    :gen_tcp.close(client)
  end
end
