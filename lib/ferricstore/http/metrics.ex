defmodule FerricStore.HTTP.Metrics do
  @moduledoc """
  Writes a store's figures in the text format of Prometheus, version 0.0.4.

  Each metric is a line of the table below: name, type, what it means, and where its value stands among
  `FerricStore.Native.stats/1`. Names follow Prometheus's rules: base units, and `_total` for what only grows.
  """

  # {name, type, help, key}
  @figures [
    {"connections", :gauge, "Clients connected now.", :connections},
    {"connections_total", :counter, "Clients that have connected since the start.",
     :connections_total},
    {"operations_total", :counter, "Commands executed since the start.", :commands_total},
    {"received_bytes_total", :counter, "Bytes received from clients.", :bytes_in},
    {"sent_bytes_total", :counter, "Bytes of replies to clients.", :bytes_out},
    {"keys", :gauge, "Keys in all databases.", :keys},
    {"keys_with_expiry", :gauge, "Keys that have an expiry time.", :expires},
    {"expired_keys_total", :counter, "Keys that have expired since the start.", :expired_keys},
    {"keyspace_hits_total", :counter, "Reads that found their key.", :keyspace_hits},
    {"keyspace_misses_total", :counter, "Reads that did not find their key.", :keyspace_misses},
    {"durable_lag_bytes", :gauge, "Bytes of the log that are not synced to disk yet.",
     :durable_lag_bytes},
    {"log_bytes_total", :counter, "Bytes appended to the log.", :log_bytes},
    {"commit_groups_total", :counter, "Groups of writes committed with one sync.", :groups},
    {"commit_group_bytes_total", :counter,
     "Bytes in these groups; by their number: bytes per commit.", :group_bytes},
    {"commit_group_records_total", :counter,
     "Records in these groups; by their number: records per commit.", :group_records},
    {"syncs_total", :counter, "Syncs of the log to disk.", :syncs},
    {"disk_bytes", :gauge, "Bytes the data directory occupies.", :disk_bytes},
    {"memory_bytes", :gauge, "Bytes of memory the engine holds.", :memory_bytes},
    {"max_memory_bytes", :gauge, "The memory budget.", :max_memory},
    {"index_bytes", :gauge, "Bytes of the index; part of the budget.", :index_bytes},
    {"buffer_bytes", :gauge, "Bytes of the log's buffers; part of the budget.", :buffer_bytes},
    {"warm_bytes", :gauge, "Bytes of segments kept in memory; part of the budget.", :warm_bytes},
    {"cache_bytes", :gauge, "Bytes of the read cache; part of the budget.", :cache_bytes},
    {"tier_cold_reads_total", :counter,
     "Records fetched from disk for commands that needed them.", :tier_cold_reads},
    {"fetch_reads_total", :counter, "Reads from disk for that.", :fetch_reads},
    {"fetch_bytes_total", :counter, "Bytes of these reads.", :fetch_bytes},
    {"damaged_records_total", :counter, "Records found damaged when they were fetched.",
     :damaged_records},
    {"cache_hits_total", :counter, "Lookups that were answered from the read cache.",
     :cache_hits},
    {"cache_evictions_total", :counter, "Records that left the read cache for others.",
     :cache_evictions},
    {"live_bytes", :gauge, "Bytes on disk of records that are still needed.", :live_bytes},
    {"dead_bytes", :gauge, "Bytes on disk that merging will free.", :dead_bytes},
    {"space_amplification", :gauge, "Bytes on disk by bytes of live records.",
     :space_amplification},
    {"record_bytes_total", :counter, "Bytes of records written by commands.", :record_bytes},
    {"merge_written_bytes_total", :counter, "Bytes written by merging.", :merge_bytes},
    {"checkpoint_bytes_total", :counter, "Bytes of checkpoints written.", :checkpoint_bytes},
    {"hint_bytes_total", :counter, "Bytes of hint blocks written.", :hint_bytes},
    {"write_amplification", :gauge, "Bytes written to disk by bytes of records written.",
     :write_amplification},
    {"merges_total", :counter, "Merges of segments.", :merges},
    {"merged_bytes_total", :counter, "Bytes of the segments that merges have replaced.",
     :merged_bytes},
    {"checkpoints_total", :counter, "Checkpoints written.", :checkpoints},
    {"last_checkpoint_timestamp_seconds", :gauge,
     "Unix time of the last checkpoint; 0 before the first.", :last_checkpoint_s},
    {"shards", :gauge, "Shards of the store.", :shards}
  ]

  @doc "What is said about a store that is not open."
  @spec absent() :: iodata()
  def absent, do: metric("up", :gauge, "Whether the store takes commands.", [{"", "", 0}])

  @doc "All metrics of a store, from its `FerricStore.Native.stats/1`."
  @spec render(map()) :: iodata()
  def render(stats) do
    [
      metric("up", :gauge, "Whether the store takes commands.", [{"", "", up(stats)}]),
      metric("writes_paused", :gauge, "Whether writes are refused for lack of disk space.", [
        {"", "", if(stats.state == :paused, do: 1, else: 0)}
      ]),
      build_info(stats),
      metric("uptime_seconds", :gauge, "Seconds since the store was opened.", [
        {"", "", stats.uptime_ms / 1000}
      ]),
      for(
        {name, type, help, key} <- @figures,
        do: metric(name, type, help, [{"", "", Map.fetch!(stats, key)}])
      ),
      segments(stats),
      merge_state(stats.merge_state),
      recovery(stats),
      commands(stats.commands),
      latency(stats),
      virtual_machine()
    ]
  end

  defp up(%{state: state}) when state in [:running, :paused], do: 1
  defp up(_stats), do: 0

  defp build_info(stats) do
    labels =
      labels(
        version: stats.version,
        io: stats.io,
        durability: stats.durability,
        otp: System.otp_release()
      )

    metric("build_info", :gauge, "Always 1; what runs is in the labels.", [{"", labels, 1}])
  end

  defp segments(stats) do
    metric("segments", :gauge, "Segment files: all by kind, and all by where they are read.", [
      for(
        {kind, count} <- [
          log: stats.log_segments,
          merged: stats.merged_segments,
          warm: stats.warm_segments,
          cold: stats.cold_segments
        ],
        do: {"", labels(kind: kind), count}
      )
    ])
  end

  defp merge_state(current) do
    metric("merge_state", :gauge, "1 for what merging is doing.", [
      for(
        state <- ~w(idle running paused),
        do: {"", labels(state: state), if(state == current, do: 1, else: 0)}
      )
    ])
  end

  defp recovery(stats) do
    metric("recovery_seconds", :gauge, "Time the store took to open, and how it was opened.", [
      {"", labels(kind: stats.recovery), stats.recovery_ms / 1000}
    ])
  end

  defp commands(commands) do
    [
      by_command(commands, "commands_total", "Commands executed, by name.", &elem(&1, 1)),
      by_command(
        commands,
        "command_seconds_total",
        "Time spent in commands, by name.",
        &(elem(&1, 2) / 1_000_000)
      ),
      by_command(
        commands,
        "command_failures_total",
        "Commands answered with an error, by name.",
        &elem(&1, 3)
      )
    ]
  end

  defp by_command(commands, name, help, value) do
    metric(
      name,
      :counter,
      help,
      for(command <- commands, do: {"", labels(command: elem(command, 0)), value.(command)})
    )
  end

  # The engine counts each command in one bucket; Prometheus wants in each bucket all that were at most as long.
  defp latency(%{latency: buckets, commands: commands}) do
    {samples, total} =
      Enum.map_reduce(buckets, 0, fn {bound, count}, below ->
        {{"_bucket", labels(le: seconds(bound)), below + count}, below + count}
      end)

    sum = Enum.reduce(commands, 0, &(elem(&1, 2) + &2)) / 1_000_000

    metric("command_duration_seconds", :histogram, "Execution time of commands.", [
      samples,
      {"_sum", "", sum},
      {"_count", "", total}
    ])
  end

  defp seconds(:infinity), do: "+Inf"
  defp seconds(microseconds), do: number(microseconds / 1_000_000)

  defp virtual_machine do
    [
      metric("vm_memory_bytes", :gauge, "Memory of the Erlang virtual machine.", [
        {"", "", :erlang.memory(:total)}
      ]),
      metric("vm_processes", :gauge, "Processes of the Erlang virtual machine.", [
        {"", "", :erlang.system_info(:process_count)}
      ]),
      metric("vm_run_queue", :gauge, "Processes that wait for a scheduler.", [
        {"", "", :erlang.statistics(:total_run_queue_lengths)}
      ])
    ]
  end

  defp metric(name, type, help, samples) do
    [
      "# HELP ferricstore_#{name} #{help}\n",
      "# TYPE ferricstore_#{name} #{type}\n",
      for(
        {suffix, labels, value} <- List.flatten(samples),
        do: "ferricstore_#{name}#{suffix}#{labels} #{number(value)}\n"
      )
    ]
  end

  defp labels(labels) do
    "{" <>
      Enum.map_join(labels, ",", fn {name, value} -> ~s(#{name}="#{escape(to_string(value))}") end) <>
      "}"
  end

  defp escape(text) do
    text
    |> String.replace("\\", "\\\\")
    |> String.replace("\"", "\\\"")
    |> String.replace("\n", "\\n")
  end

  defp number(value) when is_integer(value), do: Integer.to_string(value)
  defp number(value) when is_float(value), do: Float.to_string(value)
end
