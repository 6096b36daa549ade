defmodule FerricStore.LargerThanMemoryTest do
  use ExUnit.Case, async: true
  import FerricStore.Test.{Client, Stores}
  alias FerricStore.{Server, Store}

  @keys 30_000
  @value_bytes 1_000

  # 30 MB of values, and a budget of 16 MiB of which the cache gets a part.
  setup do
    store = start_store(max_memory: 16 * 1024 * 1024, segment_size: 1024 * 1024)

    0..(@keys - 1)
    |> Enum.chunk_every(500)
    |> Enum.each(fn chunk ->
      :ok = FerricStore.mset(for(n <- chunk, do: {"k#{n}", value(n)}), store: store)
    end)

    wait_until(fn -> Store.stats(store).cold_segments > 10 end)
    %{store: store}
  end

  test "every key is there, in any order, and memory stays within the budget", %{store: store} do
    for n <- Enum.shuffle(Enum.take_every(0..(@keys - 1), 7)) do
      assert {n, FerricStore.get("k#{n}", store: store)} == {n, value(n)}
    end

    assert FerricStore.get("k#{@keys}", store: store) == nil
    # Nothing of the engine's news is left in the mailbox of who called.
    assert Process.info(self(), :message_queue_len) == {:message_queue_len, 0}

    stats = Store.stats(store)
    assert stats.tier_cold_reads > 1_000
    assert stats.memory_bytes < stats.max_memory + 1024 * 1024
    assert length(FerricStore.keys("*", store: store)) == @keys
  end

  test "a pipeline is answered in order", %{store: store} do
    client = connect(Server.port(start_server(store)))
    numbers = for _n <- 1..600, do: :rand.uniform(@keys) - 1

    :ok =
      :gen_tcp.send(client, [
        for(n <- numbers, do: [encode(["GET", "k#{n}"]), encode(["ECHO", "#{n}"])]),
        encode(["APPEND", "k5", "!"]),
        encode(["STRLEN", "k5"])
      ])

    for n <- numbers do
      assert_bytes(client, "$#{@value_bytes}\r\n#{value(n)}\r\n")
      assert_bytes(client, bulk("#{n}"))
    end

    assert_bytes(client, ":#{@value_bytes + 1}\r\n:#{@value_bytes + 1}\r\n")
  end

  test "processes that end while they wait do no harm", %{store: store} do
    pids =
      for n <- 1..200 do
        spawn(fn ->
          for m <- 1..1_000, do: FerricStore.get("k#{rem(n * 149 + m * 31, @keys)}", store: store)
        end)
      end

    Process.sleep(20)
    for pid <- pids, do: Process.exit(pid, :kill)
    for n <- 0..(@keys - 1)//101, do: assert(FerricStore.get("k#{n}", store: store) == value(n))
  end

  test "a store that is closed lets nobody wait", %{store: store} do
    tasks =
      for n <- 1..50 do
        Task.async(fn ->
          try do
            for m <- 1..2_000,
                do: FerricStore.get("k#{rem(n * 149 + m * 31, @keys)}", store: store)
          rescue
            # The store has gone.
            ArgumentError -> :closed
          end
        end)
      end

    Process.sleep(20)
    :ok = stop_supervised(store)
    assert length(Task.await_many(tasks, 10_000)) == 50
  end

  defp value(n), do: String.pad_leading("#{n}", @value_bytes, "0")

  defp bulk(text), do: "$#{byte_size(text)}\r\n#{text}\r\n"
end
