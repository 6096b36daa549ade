defmodule FerricStore.NativeTest do
  # Alone, because it watches all schedulers.
  use ExUnit.Case, async: false
  import FerricStore.Test.{Client, Stores}
  alias FerricStore.{Native, Server, Store}

  # The engine yields after about a millisecond. In microseconds, with room for a slow machine.
  @long_call 5_000
  # A machine with other work takes the processor away from us at times, but not in all of so many rounds.
  @rounds 10
  # For the same reason the emulator's own measure, which sees everything, is only good for gross cases. Milliseconds.
  @long_schedule 200

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

  describe "no call occupies a scheduler for long:" do
    for {name, input} <- [
          pipeline: quote(do: for(n <- 1..5_000, do: encode(["SET", "k#{n}", "value"]))),
          multi_key: quote(do: encode(["MSET" | for(n <- 1..20_000, do: "k#{div(n, 2)}")])),
          large_value: quote(do: encode(["SET", "large", String.duplicate("v", 8_000_000)])),
          large_reply: quote(do: List.duplicate(encode(["GET", "large"]), 20)),
          all_keys: quote(do: encode(["KEYS", "*"])),
          subsequence: quote(do: encode(["LCS", "left", "right"]))
        ] do
      test name do
        session = loaded_session()
        input = IO.iodata_to_binary(unquote(input))
        rounds = for _round <- 1..@rounds, do: longest_call(session, input)
        assert Enum.min(rounds) < @long_call
      end
    end

    test "as the emulator sees it" do
      port = Server.port(start_server(start_store()))
      :erlang.system_monitor(self(), [{:long_schedule, @long_schedule}])
      load(port)
      :erlang.system_monitor(:undefined)
      assert collect([]) == []
    end
  end

  defp loaded_session do
    store = start_store()
    :ok = FerricStore.mset(for(n <- 1..20_000, do: {"k#{n}", n}), store: store)
    :ok = FerricStore.mset(%{"left" => random_text(), "right" => random_text()}, store: store)
    :ok = FerricStore.set("large", String.duplicate("v", 4_000_000), store: store)
    client = %{peer: "test", local: "test", transport: :embedded, loopback: true}
    {:ok, session} = Native.session(Store.handle(store), client)
    session
  end

  defp random_text, do: for(_n <- 1..3_000, into: "", do: <<Enum.random(?a..?d)>>)

  # Microseconds of the longest call on a normal scheduler while the input is executed, read by read.
  defp longest_call(session, <<read::binary-size(65_536), rest::binary>>) do
    max(execute(session, read), longest_call(session, rest))
  end

  defp longest_call(session, last_read), do: execute(session, last_read)

  defp execute(session, read), do: step(session, :timer.tc(Native, :execute, [session, read]), 0)

  defp step(session, {time, {_replies, wait, next}}, longest) do
    if wait > 0, do: await(wait)
    longest = max(time, longest)

    case next do
      :read -> longest
      :again -> max(longest, execute(session, ""))
      :dirty -> step(session, {0, Native.execute_dirty(session, "")}, longest)
      :busy -> await_room(session, longest)
    end
  end

  defp await_room(session, longest) do
    receive do
      :ferric_room -> max(longest, execute(session, ""))
    end
  end

  defp await(position) do
    receive do
      {:ferric_durable, durable} when durable >= position -> :ok
    end
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
