defmodule FerricStore.StoreTest do
  use ExUnit.Case, async: true
  import FerricStore.Test.Stores
  alias FerricStore.Store

  describe "starting" do
    test "wants a data directory" do
      assert_raise ArgumentError, ~r/data_dir/, fn -> FerricStore.start_link([]) end
    end

    test "refuses options it does not know" do
      assert_raise ArgumentError, ~r/durabilty/, fn ->
        FerricStore.start_link(data_dir: "/nowhere", durabilty: :async)
      end
    end

    test "refuses a budget and a compression that cannot be" do
      Process.flag(:trap_exit, true)
      directory = temporary_directory()

      for {option, text} <- [
            {{:max_memory, 1_000_000}, "max_memory must be 0 or at least 16777216 bytes"},
            {{:compression, :gzip}, "compression must be :none, :lz4 or :zstd"}
          ] do
        assert {:error, {:config, ^text}} =
                 FerricStore.start_link([option, name: __MODULE__, data_dir: directory])
      end
    end

    test "fails with a reason when the directory is in use" do
      directory = temporary_directory()
      start_store(data_dir: directory)
      Process.flag(:trap_exit, true)

      assert {:error, {:locked, message}} =
               FerricStore.start_link(name: __MODULE__, data_dir: directory)

      assert message =~ directory
    end

    test "in the background tells its owner what is wrong" do
      directory = temporary_directory()
      start_store(data_dir: directory)
      test = self()

      options = [
        name: Module.concat(__MODULE__, Background),
        data_dir: directory,
        background: true,
        on_open_error: &send(test, {:failed, &1})
      ]

      Process.flag(:trap_exit, true)
      assert {:ok, _pid} = Store.start_link(options)
      assert_receive {:failed, message}, 5_000
      assert message =~ directory
    end

    test "in the background can be waited for" do
      store = start_store(background: true)
      assert Store.await(store) == :ok
      assert Store.status(store) == :running
    end
  end

  describe "names" do
    test "one that is not open is an error of the caller" do
      assert_raise ArgumentError, ~r/no open FerricStore is called :nobody/, fn ->
        FerricStore.get("a", store: :nobody)
      end

      assert Store.status(:nobody) == :recovering
    end

    test "keep stores apart" do
      {first, second} = {start_store(), start_store()}
      assert FerricStore.set("a", "first", store: first) == :ok
      assert FerricStore.get("a", store: second) == nil
      assert FerricStore.command(first, ["GET", "a"]) == "first"
    end
  end

  describe "stopping" do
    test "keeps what was written" do
      directory = temporary_directory()
      store = start_store(data_dir: directory)
      for n <- 1..100, do: :ok = FerricStore.set("key:#{n}", n, store: store)
      :ok = stop_supervised(store)

      assert_raise ArgumentError, fn -> FerricStore.get("key:1", store: store) end

      again = start_store(data_dir: directory)
      assert FerricStore.dbsize(store: again) == 100
      assert FerricStore.get("key:77", store: again) == "77"
    end

    test "keeps what an async store had only in memory" do
      directory = temporary_directory()
      store = start_store(data_dir: directory, durability: :async)
      :ok = FerricStore.set("a", "1", store: store)
      :ok = stop_supervised(store)
      assert FerricStore.get("a", store: start_store(data_dir: directory)) == "1"
    end

    test "by force leaves nothing that keeps the supervisor from starting it again" do
      store = start_store()
      :ok = FerricStore.set("a", "1", store: store)
      pid = Process.whereis(Module.concat(Store, store))
      monitor = Process.monitor(pid)
      Process.exit(pid, :kill)
      assert_receive {:DOWN, ^monitor, :process, ^pid, :killed}
      wait_until(fn -> Process.whereis(Module.concat(Store, store)) not in [nil, pid] end)
      :ok = Store.await(store)
      assert FerricStore.get("a", store: store) == "1"
    end

    test "is announced to those who ask for the status" do
      store = start_store()
      assert Store.status(store) == :running
      Store.announce_stop(store)
      assert Store.status(store) == :stopping
    end
  end
end
