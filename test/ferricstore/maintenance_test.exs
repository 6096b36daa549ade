defmodule FerricStore.MaintenanceTest do
  use ExUnit.Case, async: true
  import FerricStore.Test.{Client, Stores}
  alias FerricStore.{Server, Store}

  test "a checkpoint is taken, whoever asks" do
    store = start_store()
    :ok = FerricStore.set("a", "1", store: store)
    assert FerricStore.command(store, ["FERRICSTORE.CHECKPOINT"]) == :ok
    client = connect(Server.port(start_server(store)))
    :ok = :gen_tcp.send(client, "FERRICSTORE.CHECKPOINT\r\nGET a\r\n")
    assert_bytes(client, "+OK\r\n$1\r\n1\r\n")
    assert Store.stats(store).checkpoints >= 1
    assert Process.info(self(), :message_queue_len) == {:message_queue_len, 0}
  end

  test "a backup is a store" do
    store = start_store()
    for n <- 1..1_000, do: :ok = FerricStore.set("k#{n}", n, store: store)
    path = Path.join(temporary_directory(), "backup")
    assert FerricStore.command(store, ["FERRICSTORE.BACKUP", path]) == :ok
    :ok = FerricStore.set("later", "x", store: store)

    copy = start_store(data_dir: path)
    assert FerricStore.dbsize(store: copy) == 1_000
    assert FerricStore.get("k77", store: copy) == "77"
  end

  test "a backup does not go where something is" do
    store = start_store()
    directory = temporary_directory()
    File.write!(Path.join(directory, "file"), "mine")

    assert {:error, "ERR " <> _why} =
             FerricStore.command(store, ["FERRICSTORE.BACKUP", directory])

    assert File.ls!(directory) == ["file"]

    assert FerricStore.command(store, ["FERRICSTORE.BACKUP", "relative"]) ==
             {:error, "ERR the path of a backup must be absolute"}
  end

  test "merging is paused and resumed, and says so" do
    store = start_store()
    merge = &FerricStore.command(store, ["FERRICSTORE.MERGE", &1])
    assert merge.("PAUSE") == :ok
    assert merge.("STATUS")["state"] == "paused"
    assert merge.("RESUME") == :ok
    assert merge.("NOW") == :ok
    assert merge.("STATUS")["state"] in ["idle", "running"]
  end
end
