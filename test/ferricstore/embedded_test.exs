defmodule FerricStore.EmbeddedTest do
  use ExUnit.Case, async: true
  import FerricStore.Test.Stores

  setup do
    %{store: start_store()}
  end

  test "many processes count without losing one", %{store: store} do
    1..20
    |> Task.async_stream(fn _n -> for _k <- 1..50, do: FerricStore.incr("n", store: store) end)
    |> Stream.run()

    assert FerricStore.get("n", store: store) == "1000"
  end

  test "databases of one process do not mix", %{store: store} do
    for db <- 0..15, do: :ok = FerricStore.set("db", db, store: store, db: db)

    for db <- 0..15,
        do: assert(FerricStore.get("db", store: store, db: db) == Integer.to_string(db))
  end

  test "a database that does not exist is an error of the caller", %{store: store} do
    assert_raise ArgumentError, ~r/db: 16/, fn -> FerricStore.get("a", store: store, db: 16) end
  end

  test "an option that does not exist is an error of the caller", %{store: store} do
    assert_raise ArgumentError, ~r/:exp/, fn -> FerricStore.set("a", 1, exp: 10, store: store) end
    assert_raise ArgumentError, ~r/:database/, fn -> FerricStore.get("a", database: 1) end
  end

  for command <- ~w(SELECT select AUTH HELLO RESET QUIT) do
    test "#{command} is refused, for a session outlives the call", %{store: store} do
      assert {:error, "ERR " <> message} =
               FerricStore.command([unquote(command), "1"], store: store)

      assert message =~ "db:"
    end
  end

  test "errors come as the engine words them", %{store: store} do
    assert {:error, "ERR unknown command" <> _rest} =
             FerricStore.command(["NOSUCH"], store: store)

    assert {:error, "ERR syntax error"} =
             FerricStore.set("a", 1, nx: true, xx: true, store: store)

    assert {:error, "ERR wrong number of arguments" <> _rest} =
             FerricStore.command(["GET"], store: store)
  end

  test "values of many kinds and sizes come back as the bytes they are", %{store: store} do
    for size <- [0, 1, 63, 64, 65, 4_096, 100_000, 5_000_000] do
      value = :crypto.strong_rand_bytes(size)
      assert FerricStore.set("v", value, store: store) == :ok
      assert FerricStore.get("v", store: store) == value
    end

    assert FerricStore.set("v", ["io", [?d | "ata"]], store: store) == :ok
    assert FerricStore.get("v", store: store) == "iodata"
    assert FerricStore.set(<<0, 255>>, 1.5, store: store) == :ok
    assert FerricStore.get(<<0, 255>>, store: store) == "1.5"
  end

  test "a restarted store is found again by a process that used it before" do
    directory = temporary_directory()
    store = start_store(data_dir: directory)
    :ok = FerricStore.set("a", 1, store: store)
    :ok = stop_supervised(store)
    start_store(name: store, data_dir: directory)
    assert FerricStore.get("a", store: store) == "1"
  end

  test "the engine forgets the sessions of processes that have ended", %{store: store} do
    connections = fn -> store |> FerricStore.stats() |> Map.fetch!(:connections) end
    before = connections.()

    for _n <- 1..50 do
      Task.await(Task.async(fn -> FerricStore.set("a", 1, store: store) end))
    end

    wait_until(fn -> connections.() <= before + 1 end)
  end

  test "other messages in the caller's mailbox stay there", %{store: store} do
    send(self(), :mine)
    for n <- 1..20, do: :ok = FerricStore.set("a", n, store: store)
    assert_received :mine
    refute_received _anything_else
  end

  test "a long scan meets every key once the stream is unique", %{store: store} do
    :ok = FerricStore.mset(for(n <- 1..2_000, do: {"k:#{n}", n}), store: store)
    keys = FerricStore.scan_stream(store: store, count: 100)
    assert keys |> Enum.uniq() |> length() == 2_000
    assert keys |> Stream.take(3) |> Enum.count() == 3
  end

  test "a failing step of a scan raises", %{store: store} do
    assert_raise ArgumentError, fn ->
      Enum.to_list(FerricStore.scan_stream(store: store, count: 0))
    end
  end

  test "SHUTDOWN does not stop the application", %{store: store} do
    assert {:error, message} = FerricStore.command(["SHUTDOWN", "NOSAVE"], store: store)
    assert message =~ "supervisor"
    assert FerricStore.command(["PING"], store: store) == "PONG"
  end
end
