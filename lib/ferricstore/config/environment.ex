defmodule FerricStore.Config.Environment do
  @moduledoc """
  Turns environment variables into the settings of the `:ferricstore` application, or into one sentence that says
  which of them is wrong, what it holds and what it may hold.

  It only computes: `config/runtime.exs` reads the environment and ends the start on an error. A variable that is set
  to the empty string counts as not set, which is what `FERRICSTORE_PORT=${PORT}` in a compose file leaves behind.

  | Variable | Default | Allowed |
  |---|---|---|
  | `FERRICSTORE_PORT` | 6379 | a port number |
  | `FERRICSTORE_HEALTH_PORT` | 6380 | a port number |
  | `FERRICSTORE_BIND` | 0.0.0.0 | IPv4 or IPv6 addresses, separated by commas |
  | `FERRICSTORE_UNIX_SOCKET` | none | a path of at most 107 bytes |
  | `FERRICSTORE_DATA_DIR` | /data | a directory |
  | `FERRICSTORE_SHARD_COUNT` | 0 | 0 (a shard per CPU) to 1024 |
  | `FERRICSTORE_DURABILITY` | quorum | `quorum`, `async` |
  | `FERRICSTORE_IO` | auto | `auto`, `uring`, `posix` |
  | `FERRICSTORE_MAX_MEMORY` | 0 | 0 (60 % of the memory there is), or bytes from 16mb on |
  | `FERRICSTORE_COMPRESSION` | lz4 | `none`, `lz4`, `zstd` |
  | `FERRICSTORE_MERGE_RATE` | 128mb | 0 (no limit), or bytes a second from 1mb on |
  | `FERRICSTORE_MAXCLIENTS` | 10000 | 1 to 1000000 |
  | `FERRICSTORE_PASSWORD` | none | any text |
  | `FERRICSTORE_PROTECTED_MODE` | true | `true`, `false` |
  | `FERRICSTORE_NODE_NAME` | none | `name` or `name@host` |
  | `FERRICSTORE_COOKIE` | ferricstore | 1 to 255 printable characters without spaces |
  | `FERRICSTORE_CLUSTER_NODES` | none | nothing yet: this version has no clustering |

  Numbers of bytes are written as Redis writes them: `512mb` is 512 * 1024 * 1024 bytes, `512m` is 512 000 000, and a
  number without a unit is bytes.
  """

  alias FerricStore.Config.Syntax

  @typedoc "The values of the `:ferricstore` application's environment."
  @type settings :: [store: keyword(), server: keyword(), http: keyword(), warnings: [String.t()]]

  @prefix "FERRICSTORE_"

  # {key, variable without prefix, default, parser}; checked, and so reported, in this order.
  @variables [
    {:port, "PORT", "6379", :port},
    {:health_port, "HEALTH_PORT", "6380", :port},
    {:data_dir, "DATA_DIR", "/data", :directory},
    {:shards, "SHARD_COUNT", "0", {:integer, 0, 1024}},
    {:durability, "DURABILITY", "quorum", {:one_of, [:quorum, :async]}},
    {:protected_mode, "PROTECTED_MODE", "true", {:one_of, [true, false]}},
    {:node_name, "NODE_NAME", nil, :node_name},
    {:cookie, "COOKIE", nil, :cookie},
    {:cluster_nodes, "CLUSTER_NODES", nil, :node_names},
    {:bind, "BIND", "0.0.0.0", :addresses},
    {:unix_socket, "UNIX_SOCKET", nil, :socket_path},
    {:password, "PASSWORD", nil, :text},
    {:max_clients, "MAXCLIENTS", "10000", {:integer, 1, 1_000_000}},
    {:io, "IO", "auto", {:one_of, [:auto, :uring, :posix]}},
    {:max_memory, "MAX_MEMORY", "0", {:bytes, "16mb"}},
    {:compression, "COMPRESSION", "lz4", {:one_of, [:none, :lz4, :zstd]}},
    {:merge_rate, "MERGE_RATE", "128mb", {:bytes, "1mb"}}
  ]

  # What they hold must not end up in a log.
  @secrets [:password, :cookie]

  @doc "Checks all variables of `environment` and returns the settings they ask for."
  @spec parse(%{optional(String.t()) => String.t()}) :: {:ok, settings()} | {:error, String.t()}
  def parse(environment) when is_map(environment) do
    with {:ok, values} <- values(environment),
         :ok <- check_ports(values),
         :ok <- check_cluster(values) do
      {:ok, settings(values, warnings(values, environment))}
    end
  end

  defp values(environment) do
    Enum.reduce_while(@variables, {:ok, %{}}, fn {key, name, default, syntax}, {:ok, values} ->
      case value(environment, name, default, syntax) do
        {:ok, value} -> {:cont, {:ok, Map.put(values, key, value)}}
        {:error, held, allowed} -> {:halt, {:error, wrong(key, name, held, allowed)}}
      end
    end)
  end

  defp value(environment, name, default, syntax) do
    case Map.get(environment, @prefix <> name, "") do
      "" when is_nil(default) -> {:ok, nil}
      "" -> Syntax.parse(syntax, default)
      held -> Syntax.parse(syntax, held)
    end
    |> case do
      {:ok, value} -> {:ok, value}
      {:error, allowed} -> {:error, environment[@prefix <> name], allowed}
    end
  end

  defp wrong(key, name, held, allowed) do
    shown = if key in @secrets, do: "set to a value that is not shown here", else: inspect(held)
    "#{@prefix}#{name} is #{shown}, but it must be #{allowed}"
  end

  defp check_ports(%{port: port, health_port: port}) do
    {:error,
     "#{@prefix}HEALTH_PORT is \"#{port}\", but it must be another port than #{@prefix}PORT, " <>
       "which is #{port} as well"}
  end

  defp check_ports(_values), do: :ok

  defp check_cluster(%{cluster_nodes: nil}), do: :ok

  defp check_cluster(%{cluster_nodes: nodes}) do
    {:error,
     "#{@prefix}CLUSTER_NODES is #{inspect(Enum.join(nodes, ","))}, but it must not be set: " <>
       "clustering is not available in this version"}
  end

  defp settings(values, warnings) do
    [
      store: [
        data_dir: values.data_dir,
        shards: values.shards,
        durability: values.durability,
        io: values.io,
        max_memory: values.max_memory,
        compression: values.compression,
        merge_rate: values.merge_rate,
        password: values.password,
        max_clients: values.max_clients,
        protected_mode: values.protected_mode,
        port: values.port,
        unix_socket: values.unix_socket
      ],
      server: [bind: values.bind, port: values.port, unix_socket: values.unix_socket],
      http: [bind: values.bind, port: values.health_port],
      warnings: warnings
    ]
  end

  defp warnings(values, environment) do
    cookie_warnings(values) ++ unknown_warnings(environment)
  end

  defp cookie_warnings(%{node_name: name, cookie: nil}) when is_binary(name) do
    [
      "#{@prefix}NODE_NAME is set without #{@prefix}COOKIE: the cookie is \"ferricstore\", which anybody knows " <>
        "who has read the documentation; who reaches this node's distribution port controls it"
    ]
  end

  defp cookie_warnings(_values), do: []

  # A misspelt name would otherwise be ignored in silence, and the server run without its password.
  defp unknown_warnings(environment) do
    known = for {_key, name, _default, _syntax} <- @variables, do: @prefix <> name

    for name <- Enum.sort(Map.keys(environment)),
        String.starts_with?(name, @prefix),
        name not in known,
        do: "#{name} is set, but FerricStore knows no such variable"
  end
end
