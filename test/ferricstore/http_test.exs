defmodule FerricStore.HTTPTest do
  use ExUnit.Case, async: true
  import FerricStore.Test.Stores
  alias FerricStore.{HTTP, Store}

  doctest FerricStore.HTTP.HealthHandler

  test "a store that runs is live and ready" do
    port = start_http(start_store())
    assert {200, ~s({"status":"live"}\n)} = get(port, "/health/live")
    assert {200, ~s({"status":"ready"}\n)} = get(port, "/health/ready")
  end

  test "a store that is not open yet is live, but not ready" do
    port = start_http(:not_open_yet)
    assert {200, _body} = get(port, "/health/live")
    assert {503, body} = get(port, "/health/ready")
    assert body =~ "recovering"
    assert {200, body} = get(port, "/metrics")
    assert body =~ "\nferricstore_up 0\n"
  end

  test "a store that stops is not ready any more" do
    store = start_store()
    port = start_http(store)
    Store.announce_stop(store)
    assert {503, body} = get(port, "/health/ready")
    assert body =~ "stopping"
  end

  test "a failed log is a reason, in proper JSON" do
    assert {503, "application/json", body} =
             HTTP.HealthHandler.answer(:ready, {:failed, ~s(I/O "error"\\\n)})

    assert body ==
             ~S({"status":"unavailable","reason":"the log failed: I/O \"error\"\\\u000A"}) <> "\n"
  end

  test "a full disk does not make a store unready, but it is said" do
    assert {200, "application/json", body} =
             HTTP.HealthHandler.answer(:ready, {:paused, "the disk is full"})

    assert body == ~S({"status":"ready","writes":"refused: the disk is full"}) <> "\n"
    assert {200, _type, _body} = HTTP.HealthHandler.answer(:live, {:paused, "the disk is full"})
  end

  test "other paths and methods are refused" do
    port = start_http(start_store())
    assert {404, _body} = get(port, "/")
    url = ~c"http://127.0.0.1:#{port}/metrics"

    assert {:ok, {{_version, 405, _text}, _headers, _body}} =
             :httpc.request(:post, {url, [], ~c"text/plain", ~c""}, [], [])
  end

  describe "metrics" do
    test "are in the text format: a type for each name, and samples that are numbers" do
      store = start_store()
      FerricStore.mset(%{"a" => 1, "b" => 2}, store: store)
      FerricStore.get("a", store: store)
      FerricStore.get("missing", store: store)
      {200, body} = get(start_http(store), "/metrics")

      sample =
        ~r/\Aferricstore_[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[0-9.]+(e-?[0-9]+)?\z/

      {comments, samples} =
        body |> String.split("\n", trim: true) |> Enum.split_with(&String.starts_with?(&1, "#"))

      for line <- samples, do: assert(line =~ sample)

      types = for "# TYPE " <> rest <- comments, do: rest |> String.split(" ") |> hd()
      assert types == Enum.uniq(types)
      for line <- samples, do: assert(Enum.any?(types, &String.starts_with?(line, &1)))

      assert "ferricstore_up 1" in samples
      assert "ferricstore_keys 2" in samples
      assert "ferricstore_writes_paused 0" in samples
      assert ~s(ferricstore_segments{kind="log"} 1) in samples
      assert ~s(ferricstore_merge_state{state="idle"} 1) in samples
      assert "ferricstore_keyspace_hits_total 1" in samples
      assert "ferricstore_keyspace_misses_total 1" in samples
      assert ~s(ferricstore_commands_total{command="get"} 2) in samples
      assert ~s(ferricstore_commands_total{command="mset"} 1) in samples
    end

    test "the histogram's buckets contain each other" do
      store = start_store()
      for n <- 1..50, do: FerricStore.set("k", n, store: store)
      {200, body} = get(start_http(store), "/metrics")

      counts =
        for [_line, count] <- Regex.scan(~r/duration_seconds_bucket\{le="[^"]+"\} (\d+)/, body),
            do: String.to_integer(count)

      assert counts == Enum.sort(counts)
      assert List.last(counts) >= 50
      assert body =~ ~s(duration_seconds_bucket{le="+Inf"} #{List.last(counts)}\n)
      assert body =~ "duration_seconds_count #{List.last(counts)}\n"
    end
  end

  defp get(port, path) do
    {:ok, {{_version, status, _text}, _headers, body}} =
      :httpc.request(:get, {~c"http://127.0.0.1:#{port}#{path}", []}, [], body_format: :binary)

    {status, body}
  end
end
