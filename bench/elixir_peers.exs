# FerricStore inside the virtual machine, beside the stores an Elixir programmer has already: ETS, DETS, and Bitcask
# from Debian. Run by scripts/bench-engine, which says where Bitcask is; see bench/README.md.
#
#   mix run --no-start bench/elixir_peers.exs --dir DIR [--bitcask DIR] [--keys N] [--runs N] [--seconds N] [--out FILE]

defmodule Bench.Store do
  @moduledoc "What each store can do. `sync` says whether a put has to be on disk when it returns."
  @callback name() :: String.t()
  @callback open(dir :: Path.t(), sync :: boolean()) :: term()
  @callback put(store :: term(), key :: binary(), value :: binary()) :: :ok | true
  @callback get(store :: term(), key :: binary()) :: binary() | nil
  @callback close(store :: term()) :: term()
  @doc "Whether the store can promise that a put is on disk."
  @callback syncs?() :: boolean()
end

defmodule Bench.Ferric do
  @moduledoc "FerricStore: `async` without, `quorum` with sync."
  @behaviour Bench.Store
  def name, do: "FerricStore"
  def syncs?, do: true

  def open(dir, sync) do
    {:ok, store} =
      FerricStore.start_link(data_dir: dir, durability: if(sync, do: :quorum, else: :async))

    store
  end

  def put(_store, key, value), do: FerricStore.set(key, value)
  def get(_store, key), do: FerricStore.get(key)
  def close(store), do: GenServer.stop(store, :normal, :infinity)
end

defmodule Bench.Ets do
  @moduledoc "ETS: a public set in memory; nothing survives."
  @behaviour Bench.Store
  def name, do: "ETS"
  def syncs?, do: false

  def open(_dir, false),
    do: :ets.new(:bench, [:public, :set, read_concurrency: true, write_concurrency: true])

  def put(table, key, value), do: :ets.insert(table, {key, value})

  def get(table, key) do
    case :ets.lookup(table, key) do
      [{_key, value}] -> value
      [] -> nil
    end
  end

  def close(table), do: :ets.delete(table)
end

defmodule Bench.Dets do
  @moduledoc "DETS: a file; with sync, `:dets.sync/1` follows each insert."
  @behaviour Bench.Store
  def name, do: "DETS"
  def syncs?, do: true

  def open(dir, sync) do
    {:ok, table} =
      :dets.open_file(make_ref(), file: String.to_charlist(Path.join(dir, "bench.dets")))

    {table, sync}
  end

  def put({table, sync}, key, value) do
    :ok = :dets.insert(table, {key, value})
    if sync, do: :dets.sync(table), else: :ok
  end

  def get({table, _sync}, key) do
    case :dets.lookup(table, key) do
      [{_key, value}] -> value
      [] -> nil
    end
  end

  def close({table, _sync}), do: :dets.close(table)
end

defmodule Bench.Bitcask do
  @moduledoc "Bitcask: with sync, `:bitcask.sync/1` follows each put. Only the process that has opened it may write."
  @behaviour Bench.Store
  def name, do: "Bitcask"
  def syncs?, do: true

  def open(dir, sync), do: {bitcask(:open, [String.to_charlist(dir), [:read_write]]), sync}

  def put({store, sync}, key, value) do
    :ok = bitcask(:put, [store, key, value])
    if sync, do: bitcask(:sync, [store]), else: :ok
  end

  def get({store, _sync}, key) do
    case bitcask(:get, [store, key]) do
      {:ok, value} -> value
      :not_found -> nil
    end
  end

  def close({store, _sync}), do: bitcask(:close, [store])

  # Not a dependency of the project: the module may not be there when this file is compiled.
  defp bitcask(function, arguments), do: apply(:bitcask, function, arguments)
end

defmodule Bench do
  @moduledoc false

  @sizes [100, 1024]
  @processes 32
  # Operations between two looks at the clock.
  @batch 100

  def main(arguments) do
    {options, []} =
      OptionParser.parse!(arguments,
        strict: [
          dir: :string,
          bitcask: :string,
          out: :string,
          keys: :integer,
          runs: :integer,
          seconds: :float
        ]
      )

    options =
      Keyword.merge(
        [dir: nil, bitcask: "", out: nil, keys: 10_000, runs: 3, seconds: 1.0],
        options
      )

    options[:dir] || raise ArgumentError, "--dir is missing"
    {:ok, _started} = Application.ensure_all_started(:logger)
    # Its version is asked for; mix may have loaded it already.
    _loaded = Application.load(:ferricstore)
    stores = [Bench.Ferric, Bench.Ets, Bench.Dets] ++ bitcask(options[:bitcask])

    tables = for size <- @sizes, do: table(size, stores, options)
    text = IO.iodata_to_binary([introduction(stores, options), tables])
    IO.puts(text)
    if options[:out], do: File.write!(options[:out], text)
  end

  # Bitcask, if it has been unpacked below `place` and works here.
  defp bitcask(place) do
    paths =
      if place == "", do: [], else: Path.wildcard(Path.join(place, "usr/lib/erlang/lib/*/ebin"))

    Enum.each(paths, &Code.append_path/1)
    # Its own access to files, which is faster than Erlang's.
    Application.put_env(:bitcask, :io_mode, :nif)

    case Application.ensure_all_started(:bitcask) do
      {:ok, _started} ->
        [Bench.Bitcask]

      {:error, reason} ->
        IO.puts(:stderr, "Bitcask is left out: #{inspect(reason)}")
        []
    end
  end

  defp table(size, stores, options) do
    pairs = pairs(options[:keys], size)

    rows =
      for store <- stores do
        figures = for _run <- 1..options[:runs], do: measure(store, pairs, options)
        medians = figures |> Enum.zip_with(&median/1) |> Enum.map(&short/1)
        IO.puts(:stderr, "#{size} B, #{store.name()}: #{Enum.join(medians, ", ")}")
        ["| ", Enum.intersperse([store.name() | medians], " | "), " |\n"]
      end

    [
      "\n## Values of #{size} B: operations a second\n\n",
      "| store | put | get | put, synced | put, synced, #{@processes} processes |\n|---|--:|--:|--:|--:|\n",
      rows
    ]
  end

  # Keys in order, and values that differ in every byte from one key to the next.
  defp pairs(keys, size) do
    :rand.seed(:exsss, {1, 2, 3})

    for number <- 0..(keys - 1) do
      {"key:" <> String.pad_leading(Integer.to_string(number), 12, "0"), :rand.bytes(size)}
    end
  end

  # Rates of one store: put, get, synced put by one process and by many; nil for what it cannot do.
  defp measure(store, pairs, options) do
    [put, get] =
      opened(store, false, options, fn handle ->
        put = rate([pairs], options, &put!(store, handle, &1))
        # Those that the time was too short for.
        Enum.each(pairs, &put!(store, handle, &1))
        get = rate([pairs], options, &get!(store, handle, &1))
        [put, get]
      end)

    synced =
      if store.syncs?(),
        do: for(count <- [1, @processes], do: synced(store, pairs, count, options))

    [put, get] ++ (synced || [nil, nil])
  end

  # Bitcask lets one process write: more of them have nothing to measure.
  defp synced(Bench.Bitcask, _pairs, count, _options) when count > 1, do: nil

  defp synced(store, pairs, count, options) do
    opened(store, true, options, fn handle ->
      parts = Enum.chunk_every(pairs, max(div(length(pairs), count), 1)) |> Enum.take(count)
      rate = rate(parts, options, &put!(store, handle, &1), 1)
      first = Enum.map(parts, &hd/1)
      Enum.each(first, &get!(store, handle, &1))
      rate
    end)
  end

  defp opened(store, sync, options, fun) do
    dir = Path.join(options[:dir], "#{store.name()}-#{System.unique_integer([:positive])}")
    File.mkdir_p!(dir)
    handle = store.open(dir, sync)
    result = fun.(handle)
    store.close(handle)
    File.rm_rf!(dir)
    result
  end

  defp put!(store, handle, {key, value}) do
    case store.put(handle, key, value) do
      :ok -> :ok
      true -> :ok
    end
  end

  defp get!(store, handle, {key, value}) do
    ^value = store.get(handle, key)
    :ok
  end

  # Operations a second: `fun` is applied to the pairs of each part in turn, again and again; the first part in this
  # process, which is the one that has opened the store, the others each in one of their own.
  defp rate(parts, options, fun, batch \\ @batch) do
    started = System.monotonic_time()
    deadline = started + round(options[:seconds] * System.convert_time_unit(1, :second, :native))
    [own | others] = Enum.map(parts, &Enum.chunk_every(&1, batch))
    tasks = for part <- others, do: Task.async(fn -> repeat(part, part, fun, deadline, 0) end)
    count = Enum.sum([repeat(own, own, fun, deadline, 0) | Task.await_many(tasks, :infinity)])
    count * System.convert_time_unit(1, :second, :native) / (System.monotonic_time() - started)
  end

  defp repeat([], all, fun, deadline, count), do: repeat(all, all, fun, deadline, count)

  defp repeat([batch | rest], all, fun, deadline, count) do
    Enum.each(batch, fun)
    count = count + length(batch)

    if System.monotonic_time() < deadline,
      do: repeat(rest, all, fun, deadline, count),
      else: count
  end

  defp median([nil | _rest]), do: nil
  defp median(figures), do: figures |> Enum.sort() |> Enum.at(div(length(figures), 2))

  defp short(nil), do: "–"

  defp short(figure) when figure >= 1.0e6,
    do: "#{:erlang.float_to_binary(figure / 1.0e6, decimals: 2)} M"

  defp short(figure) when figure >= 1.0e4,
    do: "#{:erlang.float_to_binary(figure / 1.0e3, decimals: 1)} K"

  defp short(figure), do: Integer.to_string(round(figure))

  defp introduction(stores, options) do
    missing = if Bench.Bitcask in stores, do: "", else: " Bitcask was not to be had."

    """
    # FerricStore beside the stores of the BEAM

    #{Date.to_iso8601(Date.utc_today())}; Elixir #{System.version()}, OTP #{System.otp_release()}. #{options[:keys]} keys of
    16 B in turn, one process where nothing else is said; medians of #{options[:runs]} runs. FerricStore is embedded:
    `FerricStore.set/2` and `get/1`, `async` where a put is not synced, `quorum` where it is. DETS and Bitcask:
    `:dets.sync/1` or `:bitcask.sync/1` after each put; only one process may write to Bitcask. Every value that is read is compared.#{missing}
    """
  end
end

Bench.main(System.argv())
