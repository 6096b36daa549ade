defmodule FerricStore.Config.EnvironmentTest do
  use ExUnit.Case, async: true
  alias FerricStore.Config.Environment

  # {variable, wrong value, what the message must say is allowed}
  @wrong [
    {"PORT", "abc", "a whole number from 1 to 65535"},
    {"PORT", "0", "a whole number from 1 to 65535"},
    {"PORT", "65536", "a whole number from 1 to 65535"},
    {"PORT", "6379 ", "a whole number from 1 to 65535"},
    {"PORT", "-1", "a whole number from 1 to 65535"},
    {"HEALTH_PORT", "1e3", "a whole number from 1 to 65535"},
    {"DATA_DIR", "a\0b", "the path of a directory"},
    {"SHARD_COUNT", "auto", "a whole number from 0 to 1024"},
    {"SHARD_COUNT", "1025", "a whole number from 0 to 1024"},
    {"DURABILITY", "Quorum", "quorum or async"},
    {"PROTECTED_MODE", "yes", "true or false"},
    {"NODE_NAME", "two words", "an Erlang node name"},
    {"NODE_NAME", "@host", "an Erlang node name"},
    {"NODE_NAME", "a@b@c", "an Erlang node name"},
    {"CLUSTER_NODES", "a@b,,c@d", "Erlang node names"},
    {"BIND", "localhost", "IPv4 or IPv6 addresses"},
    {"BIND", "127.0.0.1,", "IPv4 or IPv6 addresses"},
    {"BIND", "127.1", "IPv4 or IPv6 addresses"},
    {"UNIX_SOCKET", "/" <> String.duplicate("x", 107), "at most 107 bytes"},
    {"MAXCLIENTS", "0", "a whole number from 1 to 1000000"},
    {"IO", "aio", "auto or uring or posix"},
    {"MAX_MEMORY", "15mb", "0 or a number of bytes of at least 16mb"},
    {"MAX_MEMORY", "-1", "0 or a number of bytes of at least 16mb"},
    {"MAX_MEMORY", "1tb", "0 or a number of bytes of at least 16mb"},
    {"MAX_MEMORY", "60%", "0 or a number of bytes of at least 16mb"},
    {"MAX_MEMORY", "9223372036854775808", "0 or a number of bytes of at least 16mb"},
    {"COMPRESSION", "gzip", "none or lz4 or zstd"},
    {"MERGE_RATE", "1000k", "0 or a number of bytes of at least 1mb"},
    {"MERGE_RATE", "fast", "0 or a number of bytes of at least 1mb"}
  ]

  for {variable, value, allowed} <- @wrong do
    test "FERRICSTORE_#{variable}=#{inspect(value)} is refused" do
      name = "FERRICSTORE_" <> unquote(variable)
      assert {:error, message} = Environment.parse(%{name => unquote(value)})
      assert message =~ name
      assert message =~ inspect(unquote(value))
      assert message =~ unquote(allowed)
      refute message =~ "\n"
    end
  end

  test "an empty environment gives the documented defaults" do
    assert {:ok, settings} = Environment.parse(%{})

    assert settings[:store] == [
             data_dir: "/data",
             shards: 0,
             durability: :quorum,
             io: :auto,
             max_memory: 0,
             compression: :lz4,
             merge_rate: 134_217_728,
             password: nil,
             max_clients: 10_000,
             protected_mode: true,
             port: 6379,
             unix_socket: nil
           ]

    assert settings[:server] == [bind: [{0, 0, 0, 0}], port: 6379, unix_socket: nil]
    assert settings[:http] == [bind: [{0, 0, 0, 0}], port: 6380]
    assert settings[:warnings] == []
  end

  test "every variable arrives where it is used" do
    assert {:ok, settings} =
             Environment.parse(%{
               "FERRICSTORE_PORT" => "7000",
               "FERRICSTORE_HEALTH_PORT" => "7001",
               "FERRICSTORE_DATA_DIR" => "/srv/../srv/data",
               "FERRICSTORE_SHARD_COUNT" => "8",
               "FERRICSTORE_DURABILITY" => "async",
               "FERRICSTORE_PROTECTED_MODE" => "false",
               "FERRICSTORE_BIND" => "127.0.0.1, ::1,127.0.0.1",
               "FERRICSTORE_UNIX_SOCKET" => "/run/fs.sock",
               "FERRICSTORE_PASSWORD" => "secret word",
               "FERRICSTORE_MAXCLIENTS" => "12",
               "FERRICSTORE_IO" => "posix",
               "FERRICSTORE_MAX_MEMORY" => "2gb",
               "FERRICSTORE_COMPRESSION" => "zstd",
               "FERRICSTORE_MERGE_RATE" => "5M",
               "FERRICSTORE_NODE_NAME" => "store-0@10.0.0.1",
               "FERRICSTORE_COOKIE" => "crumbs"
             })

    assert settings[:store] == [
             data_dir: "/srv/data",
             shards: 8,
             durability: :async,
             io: :posix,
             max_memory: 2_147_483_648,
             compression: :zstd,
             merge_rate: 5_000_000,
             password: "secret word",
             max_clients: 12,
             protected_mode: false,
             port: 7000,
             unix_socket: "/run/fs.sock"
           ]

    assert settings[:server][:bind] == [{127, 0, 0, 1}, {0, 0, 0, 0, 0, 0, 0, 1}]
    assert settings[:http][:port] == 7001
    assert settings[:warnings] == []
  end

  test "a variable that is set to nothing counts as not set" do
    assert Environment.parse(%{"FERRICSTORE_PORT" => "", "FERRICSTORE_PASSWORD" => ""}) ==
             Environment.parse(%{})
  end

  test "sizes are written as Redis writes them" do
    for {text, bytes} <- [
          {"16777216", 16_777_216},
          {"16777216b", 16_777_216},
          {"16384kb", 16_777_216},
          {"16MB", 16_777_216},
          {"17m", 17_000_000},
          {"17000K", 17_000_000},
          {"1g", 1_000_000_000},
          {"1Gb", 1_073_741_824},
          {"0", 0},
          {"0gb", 0}
        ] do
      assert {:ok, settings} = Environment.parse(%{"FERRICSTORE_MAX_MEMORY" => text})
      assert {text, settings[:store][:max_memory]} == {text, bytes}
    end
  end

  test "the two ports must differ" do
    assert {:error, message} = Environment.parse(%{"FERRICSTORE_HEALTH_PORT" => "6379"})
    assert message =~ "FERRICSTORE_HEALTH_PORT"
    assert message =~ "another port than FERRICSTORE_PORT"
  end

  test "a list of cluster nodes is refused for what it is" do
    assert {:error, message} = Environment.parse(%{"FERRICSTORE_CLUSTER_NODES" => "a@h1,b@h2"})
    assert message =~ "clustering is not available in this version"
  end

  test "a wrong cookie is not shown" do
    assert {:error, message} = Environment.parse(%{"FERRICSTORE_COOKIE" => "se cret"})
    assert message =~ "FERRICSTORE_COOKIE"
    refute message =~ "se cret"
  end

  test "a node name without a cookie is warned about" do
    assert {:ok, settings} = Environment.parse(%{"FERRICSTORE_NODE_NAME" => "store-0"})
    assert [warning] = settings[:warnings]
    assert warning =~ "FERRICSTORE_COOKIE"
  end

  test "a variable that does not exist is warned about" do
    assert {:ok, settings} = Environment.parse(%{"FERRICSTORE_PASWORD" => "x", "HOME" => "/root"})
    assert ["FERRICSTORE_PASWORD is set" <> _rest] = settings[:warnings]
  end
end
