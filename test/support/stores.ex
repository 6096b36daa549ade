defmodule FerricStore.Test.Stores do
  @moduledoc "Stores, servers and HTTP ports for tests: each on a free port, with data below a directory of its own."

  import ExUnit.Callbacks

  @doc "A directory that is removed when the test ends."
  @spec temporary_directory() :: Path.t()
  def temporary_directory do
    path =
      Path.join(
        System.tmp_dir!(),
        "ferricstore-#{System.pid()}-#{System.unique_integer([:positive])}"
      )

    File.mkdir_p!(path)
    on_exit(fn -> File.rm_rf!(path) end)
    path
  end

  @doc "Starts a store and returns its name, which no other test uses. Takes the options of `FerricStore`."
  @spec start_store(keyword()) :: atom()
  def start_store(options \\ []) do
    name = Keyword.get_lazy(options, :name, fn -> unique_name("Store") end)
    defaults = [name: name, data_dir: temporary_directory(), segment_size: 16 * 1024 * 1024]
    start_supervised!({FerricStore, Keyword.merge(defaults, options)}, id: name)
    name
  end

  @doc "Starts a server on a free port before a store; returns its name. Takes the options of `FerricStore.Server`."
  @spec start_server(atom(), keyword()) :: atom()
  def start_server(store, options \\ []) do
    name = Keyword.get_lazy(options, :name, fn -> unique_name("Server") end)
    options = Keyword.merge([store: store, name: name, port: 0], options)
    start_supervised!({FerricStore.Server, options}, id: name)
    name
  end

  @doc "Starts an HTTP port for a store and returns it."
  @spec start_http(atom()) :: :inet.port_number()
  def start_http(store) do
    name = unique_name("HTTP")
    start_supervised!({FerricStore.HTTP, store: store, name: name, port: 0}, id: name)
    FerricStore.HTTP.port(name)
  end

  @doc "The processes of the clients that are connected to a server."
  @spec connections(atom()) :: [pid()]
  def connections(server), do: :ranch.procs({server, 0}, :connections)

  @doc "Calls `condition` until it is true; fails after `timeout` milliseconds."
  @spec wait_until((() -> boolean()), non_neg_integer()) :: :ok
  def wait_until(condition, timeout \\ 5_000) do
    cond do
      condition.() -> :ok
      timeout <= 0 -> ExUnit.Assertions.flunk("it did not happen in time")
      true -> Process.sleep(10) && wait_until(condition, timeout - 10)
    end
  end

  defp unique_name(kind),
    do: Module.concat([__MODULE__, "#{kind}#{System.unique_integer([:positive])}"])
end
