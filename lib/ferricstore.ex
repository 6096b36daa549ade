defmodule FerricStore do
  @moduledoc """
  A durable store of keys and values that runs inside your application, and speaks Redis's language to everybody else.

  This module is all an Elixir application needs. It takes no server and no socket: a command runs in the process
  that calls it.

  ## A store

  Put one below your supervisor. It is open, and has recovered what was there, when `start_link/1` returns:

      children = [
        {FerricStore, data_dir: "/var/lib/shop"}
      ]

      Supervisor.start_link(children, strategy: :one_for_one)

  From then on any process can use it:

      iex> FerricStore.set("greeting", "hello")
      :ok
      iex> FerricStore.get("greeting")
      "hello"

  `:ok` means that the value is on disk: what has been acknowledged is there after a crash. With `durability: :async`
  it means that the value is in memory and will be on disk soon; that is faster for a single writer, and what was
  written last can be lost with the machine. All options are described at `FerricStore.Store.child_spec/1`.

  ## Keys and values

  Both are bytes. Numbers and atoms are accepted where they are convenient, iodata as values; what comes back is
  always a binary.

      iex> FerricStore.set(:answer, 42)
      :ok
      iex> FerricStore.get("answer")
      "42"

  A string that is a number can be counted with, by any number of processes at once:

      iex> FerricStore.incr("visits")
      1
      iex> FerricStore.incrby("visits", 10)
      11

  ## Keys that go by themselves

      iex> FerricStore.set("session:7", "Ada", ex: 1800)
      :ok
      iex> FerricStore.ttl("session:7")
      1800
      iex> FerricStore.persist("session:7")
      true
      iex> FerricStore.ttl("session:7")
      :infinity

  ## Several at once

      iex> FerricStore.mset(%{"user:1" => "Ada", "user:2" => "Grace"})
      :ok
      iex> FerricStore.mget(["user:1", "user:2", "user:3"])
      ["Ada", "Grace", nil]
      iex> FerricStore.scan_stream(match: "user:*") |> Enum.sort()
      ["user:1", "user:2"]

  ## What can come back

    * `:ok`, or the value: a binary, an integer, a list, a boolean where the answer is yes or no
    * `nil` where there is nothing
    * `{:error, message}` where the engine refuses, with the text a Redis client would get:

          iex> FerricStore.set("name", "Ada")
          iex> FerricStore.incr("name")
          {:error, "ERR value is not an integer or out of range"}

  An exception means that the call itself is wrong: no store of this name, an option that does not exist.

  ## Databases and other stores

  Each store has 16 databases, and an application may have several stores. Both are options of every function:

      iex> FerricStore.set("a", "in database 3", db: 3)
      iex> FerricStore.get("a", db: 3)
      "in database 3"
      iex> FerricStore.get("a")
      nil

      children = [
        {FerricStore, data_dir: "/var/lib/shop/carts", name: Carts},
        {FerricStore, data_dir: "/var/lib/shop/views", name: Views, durability: :async}
      ]

      FerricStore.incr("page:1", store: Views)

  ## Everything else

  Any command of the store, as Redis documents it, is a list:

      iex> FerricStore.command(["SET", "color", "blue", "EX", 60])
      :ok
      iex> FerricStore.command(["STRLEN", "color"])
      4

  To let Redis clients in as well, start a `FerricStore.Server` after the store.

  The functions below are documented, with examples, in the modules they come from:
  `FerricStore.Embedded.Strings`, `FerricStore.Embedded.Bitmaps`, `FerricStore.Embedded.Hashes`,
  `FerricStore.Embedded.Lists`, `FerricStore.Embedded.Sets`, `FerricStore.Embedded.SortedSets`,
  `FerricStore.Embedded.Streams`, `FerricStore.Embedded.HyperLogLogs`,
  `FerricStore.Embedded.Filters`, `FerricStore.Embedded.Sketches`, `FerricStore.Embedded.Expiry` and
  `FerricStore.Embedded.Keys`.
  """

  alias FerricStore.{Embedded, Store}

  alias FerricStore.Embedded.{
    Argument,
    Bitmaps,
    Expiry,
    Filters,
    Hashes,
    HyperLogLogs,
    Keys,
    Lists,
    Sets,
    Sketches,
    SortedSets,
    Streams,
    Strings
  }

  @doc "A child specification for a store; see `FerricStore.Store.child_spec/1` for the options."
  @spec child_spec(keyword()) :: Supervisor.child_spec()
  defdelegate child_spec(options), to: Store

  @doc "Opens a store and links it to the calling process; see `FerricStore.Store.child_spec/1` for the options."
  @spec start_link(keyword()) :: GenServer.on_start()
  defdelegate start_link(options), to: Store

  @doc """
  Executes any command, given as a list of its name and arguments, in the default store or in the one named first.

      iex> FerricStore.command(["ECHO", "hello"])
      "hello"
      iex> FerricStore.command(FerricStore, ["GET", "nothing"])
      nil
      iex> FerricStore.command(["DBSIZE"], db: 5)
      0

  `SELECT` and other commands about the connection itself have nothing to act on here; `db:` takes their place.
  """
  @spec command([Argument.t()]) :: term() | Embedded.error()
  def command(arguments) when is_list(arguments), do: Embedded.command(arguments, [])

  @spec command([Argument.t()], Embedded.target()) :: term() | Embedded.error()
  @spec command(Store.name(), [Argument.t()]) :: term() | Embedded.error()
  def command(arguments, options) when is_list(arguments),
    do: Embedded.command(arguments, options)

  def command(store, arguments) when is_atom(store), do: Embedded.command(arguments, store: store)

  @doc "The store's counters and sizes: keys, bytes, commands, groups per commit; see `FerricStore.HTTP.Metrics`."
  @spec stats(Store.name()) :: map()
  defdelegate stats(store \\ FerricStore), to: Store

  @doc "Sets a key, if asked to with an expiry time or a condition. See `FerricStore.Embedded.Strings.set/3`."
  @spec set(Argument.t(), Argument.t(), keyword()) :: :ok | nil | binary() | Embedded.error()
  defdelegate set(key, value, options \\ []), to: Strings

  @doc "Sets a key that does not exist. See `FerricStore.Embedded.Strings.setnx/3`."
  @spec setnx(Argument.t(), Argument.t(), Embedded.target()) :: boolean() | Embedded.error()
  defdelegate setnx(key, value, options \\ []), to: Strings

  @doc "Sets a key to expire after seconds. See `FerricStore.Embedded.Strings.setex/4`."
  @spec setex(Argument.t(), pos_integer(), Argument.t(), Embedded.target()) ::
          :ok | Embedded.error()
  defdelegate setex(key, seconds, value, options \\ []), to: Strings

  @doc "Sets a key to expire after milliseconds. See `FerricStore.Embedded.Strings.psetex/4`."
  @spec psetex(Argument.t(), pos_integer(), Argument.t(), Embedded.target()) ::
          :ok | Embedded.error()
  defdelegate psetex(key, milliseconds, value, options \\ []), to: Strings

  @doc "The value of a key. See `FerricStore.Embedded.Strings.get/2`."
  @spec get(Argument.t(), Embedded.target()) :: binary() | nil | Embedded.error()
  defdelegate get(key, options \\ []), to: Strings

  @doc "The value of a key, which is deleted. See `FerricStore.Embedded.Strings.getdel/2`."
  @spec getdel(Argument.t(), Embedded.target()) :: binary() | nil | Embedded.error()
  defdelegate getdel(key, options \\ []), to: Strings

  @doc "The value of a key, whose expiry time is changed. See `FerricStore.Embedded.Strings.getex/2`."
  @spec getex(Argument.t(), keyword()) :: binary() | nil | Embedded.error()
  defdelegate getex(key, options \\ []), to: Strings

  @doc "Sets a key and returns what it held. See `FerricStore.Embedded.Strings.getset/3`."
  @spec getset(Argument.t(), Argument.t(), Embedded.target()) :: binary() | nil | Embedded.error()
  defdelegate getset(key, value, options \\ []), to: Strings

  @doc "The values of several keys. See `FerricStore.Embedded.Strings.mget/2`."
  @spec mget([Argument.t()], Embedded.target()) :: [binary() | nil] | Embedded.error()
  defdelegate mget(keys, options \\ []), to: Strings

  @doc "Sets several keys at once. See `FerricStore.Embedded.Strings.mset/2`."
  @spec mset(Enumerable.t({Argument.t(), Argument.t()}), Embedded.target()) ::
          :ok | Embedded.error()
  defdelegate mset(pairs, options \\ []), to: Strings

  @doc "Sets several keys at once if none of them exists. See `FerricStore.Embedded.Strings.msetnx/2`."
  @spec msetnx(Enumerable.t({Argument.t(), Argument.t()}), Embedded.target()) ::
          boolean() | Embedded.error()
  defdelegate msetnx(pairs, options \\ []), to: Strings

  @doc "Appends to a value. See `FerricStore.Embedded.Strings.append/3`."
  @spec append(Argument.t(), Argument.t(), Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate append(key, value, options \\ []), to: Strings

  @doc "Length of a value in bytes. See `FerricStore.Embedded.Strings.strlen/2`."
  @spec strlen(Argument.t(), Embedded.target()) :: non_neg_integer() | Embedded.error()
  defdelegate strlen(key, options \\ []), to: Strings

  @doc "Part of a value. See `FerricStore.Embedded.Strings.getrange/4`."
  @spec getrange(Argument.t(), integer(), integer(), Embedded.target()) ::
          binary() | Embedded.error()
  defdelegate getrange(key, first, last, options \\ []), to: Strings

  @doc "Overwrites part of a value. See `FerricStore.Embedded.Strings.setrange/4`."
  @spec setrange(Argument.t(), non_neg_integer(), Argument.t(), Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate setrange(key, offset, value, options \\ []), to: Strings

  @doc "Adds one to an integer. See `FerricStore.Embedded.Strings.incr/2`."
  @spec incr(Argument.t(), Embedded.target()) :: integer() | Embedded.error()
  defdelegate incr(key, options \\ []), to: Strings

  @doc "Subtracts one from an integer. See `FerricStore.Embedded.Strings.decr/2`."
  @spec decr(Argument.t(), Embedded.target()) :: integer() | Embedded.error()
  defdelegate decr(key, options \\ []), to: Strings

  @doc "Adds to an integer. See `FerricStore.Embedded.Strings.incrby/3`."
  @spec incrby(Argument.t(), integer(), Embedded.target()) :: integer() | Embedded.error()
  defdelegate incrby(key, amount, options \\ []), to: Strings

  @doc "Subtracts from an integer. See `FerricStore.Embedded.Strings.decrby/3`."
  @spec decrby(Argument.t(), integer(), Embedded.target()) :: integer() | Embedded.error()
  defdelegate decrby(key, amount, options \\ []), to: Strings

  @doc "Adds to a number. See `FerricStore.Embedded.Strings.incrbyfloat/3`."
  @spec incrbyfloat(Argument.t(), number(), Embedded.target()) :: float() | Embedded.error()
  defdelegate incrbyfloat(key, amount, options \\ []), to: Strings

  @doc "The longest common subsequence of two values. See `FerricStore.Embedded.Strings.lcs/3`."
  @spec lcs(Argument.t(), Argument.t(), keyword()) ::
          binary() | non_neg_integer() | map() | Embedded.error()
  defdelegate lcs(first, second, options \\ []), to: Strings

  @doc "Lets a key expire after seconds. See `FerricStore.Embedded.Expiry.expire/3`."
  @spec expire(Argument.t(), integer(), keyword()) :: boolean() | Embedded.error()
  defdelegate expire(key, seconds, options \\ []), to: Expiry

  @doc "Lets a key expire after milliseconds. See `FerricStore.Embedded.Expiry.pexpire/3`."
  @spec pexpire(Argument.t(), integer(), keyword()) :: boolean() | Embedded.error()
  defdelegate pexpire(key, milliseconds, options \\ []), to: Expiry

  @doc "Lets a key expire at a Unix time in seconds. See `FerricStore.Embedded.Expiry.expireat/3`."
  @spec expireat(Argument.t(), integer(), keyword()) :: boolean() | Embedded.error()
  defdelegate expireat(key, time, options \\ []), to: Expiry

  @doc "Lets a key expire at a Unix time in milliseconds. See `FerricStore.Embedded.Expiry.pexpireat/3`."
  @spec pexpireat(Argument.t(), integer(), keyword()) :: boolean() | Embedded.error()
  defdelegate pexpireat(key, time, options \\ []), to: Expiry

  @doc "Seconds until a key expires. See `FerricStore.Embedded.Expiry.ttl/2`."
  @spec ttl(Argument.t(), Embedded.target()) :: Expiry.time() | Embedded.error()
  defdelegate ttl(key, options \\ []), to: Expiry

  @doc "Milliseconds until a key expires. See `FerricStore.Embedded.Expiry.pttl/2`."
  @spec pttl(Argument.t(), Embedded.target()) :: Expiry.time() | Embedded.error()
  defdelegate pttl(key, options \\ []), to: Expiry

  @doc "Unix time in seconds at which a key expires. See `FerricStore.Embedded.Expiry.expiretime/2`."
  @spec expiretime(Argument.t(), Embedded.target()) :: Expiry.time() | Embedded.error()
  defdelegate expiretime(key, options \\ []), to: Expiry

  @doc "Unix time in milliseconds at which a key expires. See `FerricStore.Embedded.Expiry.pexpiretime/2`."
  @spec pexpiretime(Argument.t(), Embedded.target()) :: Expiry.time() | Embedded.error()
  defdelegate pexpiretime(key, options \\ []), to: Expiry

  @doc "Takes the expiry time from a key. See `FerricStore.Embedded.Expiry.persist/2`."
  @spec persist(Argument.t(), Embedded.target()) :: boolean() | Embedded.error()
  defdelegate persist(key, options \\ []), to: Expiry

  @doc "Deletes keys. See `FerricStore.Embedded.Keys.del/2`."
  @spec del(Argument.t() | [Argument.t()], Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate del(keys, options \\ []), to: Keys

  @doc "Deletes keys, and frees their memory later. See `FerricStore.Embedded.Keys.unlink/2`."
  @spec unlink(Argument.t() | [Argument.t()], Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate unlink(keys, options \\ []), to: Keys

  @doc "How many of the keys exist. See `FerricStore.Embedded.Keys.exists/2`."
  @spec exists(Argument.t() | [Argument.t()], Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate exists(keys, options \\ []), to: Keys

  @doc "Marks keys as just used. See `FerricStore.Embedded.Keys.touch/2`."
  @spec touch(Argument.t() | [Argument.t()], Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate touch(keys, options \\ []), to: Keys

  @doc "The type of what a key holds. See `FerricStore.Embedded.Keys.type/2`."
  @spec type(Argument.t(), Embedded.target()) :: String.t() | nil | Embedded.error()
  defdelegate type(key, options \\ []), to: Keys

  @doc "Renames a key. See `FerricStore.Embedded.Keys.rename/3`."
  @spec rename(Argument.t(), Argument.t(), Embedded.target()) :: :ok | Embedded.error()
  defdelegate rename(key, new, options \\ []), to: Keys

  @doc "Renames a key unless the new name exists. See `FerricStore.Embedded.Keys.renamenx/3`."
  @spec renamenx(Argument.t(), Argument.t(), Embedded.target()) :: boolean() | Embedded.error()
  defdelegate renamenx(key, new, options \\ []), to: Keys

  @doc "Copies a key. See `FerricStore.Embedded.Keys.copy/3`."
  @spec copy(Argument.t(), Argument.t(), keyword()) :: boolean() | Embedded.error()
  defdelegate copy(key, destination, options \\ []), to: Keys

  @doc "Moves a key to another database. See `FerricStore.Embedded.Keys.move/3`."
  @spec move(Argument.t(), 0..15, Embedded.target()) :: boolean() | Embedded.error()
  defdelegate move(key, database, options \\ []), to: Keys

  @doc "All keys that match a pattern. See `FerricStore.Embedded.Keys.keys/2`."
  @spec keys(Argument.t(), Embedded.target()) :: [binary()] | Embedded.error()
  defdelegate keys(pattern \\ "*", options \\ []), to: Keys

  @doc "One step of a walk through the keys. See `FerricStore.Embedded.Keys.scan/2`."
  @spec scan(non_neg_integer(), keyword()) :: {non_neg_integer(), [binary()]} | Embedded.error()
  defdelegate scan(cursor, options \\ []), to: Keys

  @doc "A lazy stream of the keys. See `FerricStore.Embedded.Keys.scan_stream/1`."
  @spec scan_stream(keyword()) :: Enumerable.t(binary())
  defdelegate scan_stream(options \\ []), to: Keys

  @doc "Some key. See `FerricStore.Embedded.Keys.randomkey/1`."
  @spec randomkey(Embedded.target()) :: binary() | nil | Embedded.error()
  defdelegate randomkey(options \\ []), to: Keys

  @doc "How a value is kept. See `FerricStore.Embedded.Keys.object_encoding/2`."
  @spec object_encoding(Argument.t(), Embedded.target()) :: String.t() | nil | Embedded.error()
  defdelegate object_encoding(key, options \\ []), to: Keys

  @doc "Seconds since a key was last used. See `FerricStore.Embedded.Keys.object_idletime/2`."
  @spec object_idletime(Argument.t(), Embedded.target()) ::
          non_neg_integer() | nil | Embedded.error()
  defdelegate object_idletime(key, options \\ []), to: Keys

  @doc "About how many bytes a key takes. See `FerricStore.Embedded.Keys.memory_usage/2`."
  @spec memory_usage(Argument.t(), Embedded.target()) :: pos_integer() | nil | Embedded.error()
  defdelegate memory_usage(key, options \\ []), to: Keys

  @doc "How many keys the database has. See `FerricStore.Embedded.Keys.dbsize/1`."
  @spec dbsize(Embedded.target()) :: non_neg_integer() | Embedded.error()
  defdelegate dbsize(options \\ []), to: Keys

  @doc "Deletes all keys of the database. See `FerricStore.Embedded.Keys.flushdb/1`."
  @spec flushdb(Embedded.target()) :: :ok | Embedded.error()
  defdelegate flushdb(options \\ []), to: Keys

  @doc "Deletes all keys of all databases. See `FerricStore.Embedded.Keys.flushall/1`."
  @spec flushall(Embedded.target()) :: :ok | Embedded.error()
  defdelegate flushall(options \\ []), to: Keys

  @doc "Exchanges the contents of two databases. See `FerricStore.Embedded.Keys.swapdb/3`."
  @spec swapdb(0..15, 0..15, Embedded.target()) :: :ok | Embedded.error()
  defdelegate swapdb(first, second, options \\ []), to: Keys

  @doc "Adds values to the beginning of a list. See `FerricStore.Embedded.Lists.lpush/3`."
  @spec lpush(Argument.t(), Argument.t() | [Argument.t()], Embedded.target()) ::
          pos_integer() | Embedded.error()
  defdelegate lpush(key, values, options \\ []), to: Lists

  @doc "Adds values to the end of a list. See `FerricStore.Embedded.Lists.rpush/3`."
  @spec rpush(Argument.t(), Argument.t() | [Argument.t()], Embedded.target()) ::
          pos_integer() | Embedded.error()
  defdelegate rpush(key, values, options \\ []), to: Lists

  @doc "Adds values to the beginning of a list that exists. See `FerricStore.Embedded.Lists.lpushx/3`."
  @spec lpushx(Argument.t(), Argument.t() | [Argument.t()], Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate lpushx(key, values, options \\ []), to: Lists

  @doc "Adds values to the end of a list that exists. See `FerricStore.Embedded.Lists.rpushx/3`."
  @spec rpushx(Argument.t(), Argument.t() | [Argument.t()], Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate rpushx(key, values, options \\ []), to: Lists

  @doc "Takes values from the beginning of a list. See `FerricStore.Embedded.Lists.lpop/2`."
  @spec lpop(Argument.t(), keyword()) ::
          binary() | [binary()] | nil | Embedded.error()
  defdelegate lpop(key, options \\ []), to: Lists

  @doc "Takes values from the end of a list. See `FerricStore.Embedded.Lists.rpop/2`."
  @spec rpop(Argument.t(), keyword()) ::
          binary() | [binary()] | nil | Embedded.error()
  defdelegate rpop(key, options \\ []), to: Lists

  @doc "Takes values from the first list that exists. See `FerricStore.Embedded.Lists.lmpop/3`."
  @spec lmpop([Argument.t()], Lists.list_end(), keyword()) ::
          [binary() | [binary()]] | nil | Embedded.error()
  defdelegate lmpop(keys, from, options \\ []), to: Lists

  @doc "How many values a list has. See `FerricStore.Embedded.Lists.llen/2`."
  @spec llen(Argument.t(), Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate llen(key, options \\ []), to: Lists

  @doc "The value at a position. See `FerricStore.Embedded.Lists.lindex/3`."
  @spec lindex(Argument.t(), integer(), Embedded.target()) ::
          binary() | nil | Embedded.error()
  defdelegate lindex(key, position, options \\ []), to: Lists

  @doc "The values between two positions. See `FerricStore.Embedded.Lists.lrange/4`."
  @spec lrange(Argument.t(), integer(), integer(), Embedded.target()) ::
          [binary()] | Embedded.error()
  defdelegate lrange(key, first, last, options \\ []), to: Lists

  @doc "Replaces the value at a position. See `FerricStore.Embedded.Lists.lset/4`."
  @spec lset(Argument.t(), integer(), Argument.t(), Embedded.target()) ::
          :ok | Embedded.error()
  defdelegate lset(key, position, value, options \\ []), to: Lists

  @doc "Adds a value before or after another. See `FerricStore.Embedded.Lists.linsert/5`."
  @spec linsert(Argument.t(), :before | :after, Argument.t(), Argument.t(), Embedded.target()) ::
          integer() | Embedded.error()
  defdelegate linsert(key, where, pivot, value, options \\ []), to: Lists

  @doc "Removes the values that equal one. See `FerricStore.Embedded.Lists.lrem/4`."
  @spec lrem(Argument.t(), integer(), Argument.t(), Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate lrem(key, count, value, options \\ []), to: Lists

  @doc "Removes all values but a range. See `FerricStore.Embedded.Lists.ltrim/4`."
  @spec ltrim(Argument.t(), integer(), integer(), Embedded.target()) ::
          :ok | Embedded.error()
  defdelegate ltrim(key, first, last, options \\ []), to: Lists

  @doc "Finds a value in a list. See `FerricStore.Embedded.Lists.lpos/3`."
  @spec lpos(Argument.t(), Argument.t(), keyword()) ::
          non_neg_integer() | [non_neg_integer()] | nil | Embedded.error()
  defdelegate lpos(key, value, options \\ []), to: Lists

  @doc "Moves a value from one list to another. See `FerricStore.Embedded.Lists.lmove/5`."
  @spec lmove(Argument.t(), Argument.t(), Lists.list_end(), Lists.list_end(), Embedded.target()) ::
          binary() | nil | Embedded.error()
  defdelegate lmove(source, destination, from, to, options \\ []), to: Lists

  @doc "Sorts the values of a list or a set. See `FerricStore.Embedded.Lists.sort/2`."
  @spec sort(Argument.t(), keyword()) ::
          [binary() | nil] | non_neg_integer() | Embedded.error()
  defdelegate sort(key, options \\ []), to: Lists

  @doc "Adds members to a sorted set. See `FerricStore.Embedded.SortedSets.zadd/3`."
  @spec zadd(Argument.t(), Enumerable.t({Argument.t(), SortedSets.score()}), keyword()) ::
          non_neg_integer() | Embedded.error()
  defdelegate zadd(key, entries, options \\ []), to: SortedSets

  @doc "Adds to a score. See `FerricStore.Embedded.SortedSets.zincrby/4`."
  @spec zincrby(Argument.t(), SortedSets.score(), Argument.t(), Embedded.target()) ::
          SortedSets.score() | Embedded.error()
  defdelegate zincrby(key, amount, member, options \\ []), to: SortedSets

  @doc "Removes members of a sorted set. See `FerricStore.Embedded.SortedSets.zrem/3`."
  @spec zrem(Argument.t(), Argument.t() | [Argument.t()], Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate zrem(key, members, options \\ []), to: SortedSets

  @doc "How many members a sorted set has. See `FerricStore.Embedded.SortedSets.zcard/2`."
  @spec zcard(Argument.t(), Embedded.target()) :: non_neg_integer() | Embedded.error()
  defdelegate zcard(key, options \\ []), to: SortedSets

  @doc "The score of a member. See `FerricStore.Embedded.SortedSets.zscore/3`."
  @spec zscore(Argument.t(), Argument.t(), Embedded.target()) ::
          SortedSets.score() | nil | Embedded.error()
  defdelegate zscore(key, member, options \\ []), to: SortedSets

  @doc "The scores of several members. See `FerricStore.Embedded.SortedSets.zmscore/3`."
  @spec zmscore(Argument.t(), [Argument.t()], Embedded.target()) ::
          [SortedSets.score() | nil] | Embedded.error()
  defdelegate zmscore(key, members, options \\ []), to: SortedSets

  @doc "The rank of a member, from the lowest score. See `FerricStore.Embedded.SortedSets.zrank/3`."
  @spec zrank(Argument.t(), Argument.t(), Embedded.target()) ::
          non_neg_integer() | nil | Embedded.error()
  defdelegate zrank(key, member, options \\ []), to: SortedSets

  @doc "The rank of a member, from the highest score. See `FerricStore.Embedded.SortedSets.zrevrank/3`."
  @spec zrevrank(Argument.t(), Argument.t(), Embedded.target()) ::
          non_neg_integer() | nil | Embedded.error()
  defdelegate zrevrank(key, member, options \\ []), to: SortedSets

  @doc "A range of a sorted set. See `FerricStore.Embedded.SortedSets.zrange/4`."
  @spec zrange(Argument.t(), Argument.t(), Argument.t(), keyword()) ::
          [binary() | SortedSets.entry()] | Embedded.error()
  defdelegate zrange(key, first, last, options \\ []), to: SortedSets

  @doc "How many members have scores in a range. See `FerricStore.Embedded.SortedSets.zcount/4`."
  @spec zcount(Argument.t(), Argument.t(), Argument.t(), Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate zcount(key, min, max, options \\ []), to: SortedSets

  @doc "Removes the members with scores in a range. See `FerricStore.Embedded.SortedSets.zremrangebyscore/4`."
  @spec zremrangebyscore(Argument.t(), Argument.t(), Argument.t(), Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate zremrangebyscore(key, min, max, options \\ []), to: SortedSets

  @doc "Takes out the members with the lowest scores. See `FerricStore.Embedded.SortedSets.zpopmin/3`."
  @spec zpopmin(Argument.t(), non_neg_integer(), Embedded.target()) ::
          [SortedSets.entry()] | Embedded.error()
  defdelegate zpopmin(key, count \\ 1, options \\ []), to: SortedSets

  @doc "Takes out the members with the highest scores. See `FerricStore.Embedded.SortedSets.zpopmax/3`."
  @spec zpopmax(Argument.t(), non_neg_integer(), Embedded.target()) ::
          [SortedSets.entry()] | Embedded.error()
  defdelegate zpopmax(key, count \\ 1, options \\ []), to: SortedSets

  @doc "Adds places. See `FerricStore.Embedded.SortedSets.geoadd/3`."
  @spec geoadd(Argument.t(), [{Argument.t(), number(), number()}], Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate geoadd(key, places, options \\ []), to: SortedSets

  @doc "Longitudes and latitudes of members. See `FerricStore.Embedded.SortedSets.geopos/3`."
  @spec geopos(Argument.t(), [Argument.t()], Embedded.target()) ::
          [{float(), float()} | nil] | Embedded.error()
  defdelegate geopos(key, members, options \\ []), to: SortedSets

  @doc "The distance between two members. See `FerricStore.Embedded.SortedSets.geodist/4`."
  @spec geodist(Argument.t(), Argument.t(), Argument.t(), keyword()) ::
          float() | nil | Embedded.error()
  defdelegate geodist(key, first, second, options \\ []), to: SortedSets

  @doc "What lies around a place. See `FerricStore.Embedded.SortedSets.geosearch/3`."
  @spec geosearch(Argument.t(), {number(), number()} | Argument.t(), keyword()) ::
          [binary()] | Embedded.error()
  defdelegate geosearch(key, origin, options), to: SortedSets

  @doc "Stores what lies around a place. See `FerricStore.Embedded.SortedSets.geosearchstore/4`."
  @spec geosearchstore(
          Argument.t(),
          Argument.t(),
          {number(), number()} | Argument.t(),
          keyword()
        ) :: non_neg_integer() | Embedded.error()
  defdelegate geosearchstore(destination, source, origin, options), to: SortedSets

  @doc "The geohashes of members. See `FerricStore.Embedded.SortedSets.geohash/3`."
  @spec geohash(Argument.t(), Argument.t() | [Argument.t()], Embedded.target()) ::
          [binary() | nil] | Embedded.error()
  defdelegate geohash(key, members, options \\ []), to: SortedSets

  @doc "Adds an entry to a stream. See `FerricStore.Embedded.Streams.xadd/3`."
  @spec xadd(Argument.t(), Enumerable.t({Argument.t(), Argument.t()}), keyword()) ::
          binary() | nil | Embedded.error()
  defdelegate xadd(key, fields, options \\ []), to: Streams

  @doc "Removes the oldest entries of a stream. See `FerricStore.Embedded.Streams.xtrim/2`."
  @spec xtrim(Argument.t(), keyword()) :: non_neg_integer() | Embedded.error()
  defdelegate xtrim(key, options), to: Streams

  @doc "How many entries a stream has. See `FerricStore.Embedded.Streams.xlen/2`."
  @spec xlen(Argument.t(), Embedded.target()) :: non_neg_integer() | Embedded.error()
  defdelegate xlen(key, options \\ []), to: Streams

  @doc "Entries of a stream. See `FerricStore.Embedded.Streams.xrange/4`."
  @spec xrange(Argument.t(), Argument.t(), Argument.t(), keyword()) ::
          [Streams.entry()] | Embedded.error()
  defdelegate xrange(key, first \\ "-", last \\ "+", options \\ []), to: Streams

  @doc "Entries of a stream, the last first. See `FerricStore.Embedded.Streams.xrevrange/4`."
  @spec xrevrange(Argument.t(), Argument.t(), Argument.t(), keyword()) ::
          [Streams.entry()] | Embedded.error()
  defdelegate xrevrange(key, last \\ "+", first \\ "-", options \\ []), to: Streams

  @doc "Removes entries of a stream. See `FerricStore.Embedded.Streams.xdel/3`."
  @spec xdel(Argument.t(), Argument.t() | [Argument.t()], Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate xdel(key, ids, options \\ []), to: Streams

  @doc "Reads several streams. See `FerricStore.Embedded.Streams.xread/2`."
  @spec xread(Enumerable.t({Argument.t(), Argument.t()}), keyword()) ::
          %{binary() => [Streams.entry()]} | Embedded.error()
  defdelegate xread(streams, options \\ []), to: Streams

  @doc "Creates a consumer group. See `FerricStore.Embedded.Streams.xgroup_create/4`."
  @spec xgroup_create(Argument.t(), Argument.t(), Argument.t(), keyword()) ::
          :ok | Embedded.error()
  defdelegate xgroup_create(key, group, id \\ "$", options \\ []), to: Streams

  @doc "Sets where a group goes on. See `FerricStore.Embedded.Streams.xgroup_setid/4`."
  @spec xgroup_setid(Argument.t(), Argument.t(), Argument.t(), keyword()) ::
          :ok | Embedded.error()
  defdelegate xgroup_setid(key, group, id, options \\ []), to: Streams

  @doc "Removes a group. See `FerricStore.Embedded.Streams.xgroup_destroy/3`."
  @spec xgroup_destroy(Argument.t(), Argument.t(), Embedded.target()) ::
          boolean() | Embedded.error()
  defdelegate xgroup_destroy(key, group, options \\ []), to: Streams

  @doc "Creates a consumer. See `FerricStore.Embedded.Streams.xgroup_createconsumer/4`."
  @spec xgroup_createconsumer(Argument.t(), Argument.t(), Argument.t(), Embedded.target()) ::
          boolean() | Embedded.error()
  defdelegate xgroup_createconsumer(key, group, consumer, options \\ []), to: Streams

  @doc "Removes a consumer. See `FerricStore.Embedded.Streams.xgroup_delconsumer/4`."
  @spec xgroup_delconsumer(Argument.t(), Argument.t(), Argument.t(), Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate xgroup_delconsumer(key, group, consumer, options \\ []), to: Streams

  @doc "Reads several streams for a consumer of a group. See `FerricStore.Embedded.Streams.xreadgroup/4`."
  @spec xreadgroup(
          Argument.t(),
          Argument.t(),
          Enumerable.t({Argument.t(), Argument.t()}),
          keyword()
        ) :: %{binary() => [Streams.entry() | {binary(), nil}]} | Embedded.error()
  defdelegate xreadgroup(group, consumer, streams, options \\ []), to: Streams

  @doc "Notes that entries have been worked on. See `FerricStore.Embedded.Streams.xack/4`."
  @spec xack(Argument.t(), Argument.t(), Argument.t() | [Argument.t()], Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate xack(key, group, ids, options \\ []), to: Streams

  @doc "What is pending in a group. See `FerricStore.Embedded.Streams.xpending/3`."
  @spec xpending(Argument.t(), Argument.t(), Embedded.target()) :: map() | Embedded.error()
  defdelegate xpending(key, group, options \\ []), to: Streams

  @doc "The pending entries of a group. See `FerricStore.Embedded.Streams.xpending_range/6`."
  @spec xpending_range(
          Argument.t(),
          Argument.t(),
          Argument.t(),
          Argument.t(),
          non_neg_integer(),
          keyword()
        ) :: [Streams.pending()] | Embedded.error()
  defdelegate xpending_range(key, group, first, last, count, options \\ []), to: Streams

  @doc "Gives pending entries to another consumer. See `FerricStore.Embedded.Streams.xclaim/6`."
  @spec xclaim(
          Argument.t(),
          Argument.t(),
          Argument.t(),
          non_neg_integer(),
          Argument.t() | [Argument.t()],
          keyword()
        ) :: [Streams.entry() | binary()] | Embedded.error()
  defdelegate xclaim(key, group, consumer, min_idle, ids, options \\ []), to: Streams

  @doc "Gives pending entries to another consumer, some at a time. See `FerricStore.Embedded.Streams.xautoclaim/6`."
  @spec xautoclaim(
          Argument.t(),
          Argument.t(),
          Argument.t(),
          non_neg_integer(),
          Argument.t(),
          keyword()
        ) :: {binary(), [Streams.entry() | binary()], [binary()]} | Embedded.error()
  defdelegate xautoclaim(key, group, consumer, min_idle, start \\ "0-0", options \\ []),
    to: Streams

  @doc "What there is to know about a stream. See `FerricStore.Embedded.Streams.xinfo_stream/2`."
  @spec xinfo_stream(Argument.t(), Embedded.target()) :: map() | Embedded.error()
  defdelegate xinfo_stream(key, options \\ []), to: Streams

  @doc "What there is to know about groups. See `FerricStore.Embedded.Streams.xinfo_groups/2`."
  @spec xinfo_groups(Argument.t(), Embedded.target()) :: [map()] | Embedded.error()
  defdelegate xinfo_groups(key, options \\ []), to: Streams

  @doc "What there is to know about consumers. See `FerricStore.Embedded.Streams.xinfo_consumers/3`."
  @spec xinfo_consumers(Argument.t(), Argument.t(), Embedded.target()) ::
          [map()] | Embedded.error()
  defdelegate xinfo_consumers(key, group, options \\ []), to: Streams

  @doc "Gives fields values. See `FerricStore.Embedded.Hashes.hset/3`."
  @spec hset(Argument.t(), Enumerable.t({Hashes.field(), Hashes.value()}), Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate hset(key, fields, options \\ []), to: Hashes

  @doc "Gives a field a value if there is no such field. See `FerricStore.Embedded.Hashes.hsetnx/4`."
  @spec hsetnx(Argument.t(), Hashes.field(), Hashes.value(), Embedded.target()) ::
          boolean() | Embedded.error()
  defdelegate hsetnx(key, field, value, options \\ []), to: Hashes

  @doc "The value of a field, or `nil`. See `FerricStore.Embedded.Hashes.hget/3`."
  @spec hget(Argument.t(), Hashes.field(), Embedded.target()) :: binary() | nil | Embedded.error()
  defdelegate hget(key, field, options \\ []), to: Hashes

  @doc "The values of several fields in their order, `nil` for each that is not there. See `FerricStore.Embedded.Hashes.hmget/3`."
  @spec hmget(Argument.t(), [Hashes.field()], Embedded.target()) ::
          [binary() | nil] | Embedded.error()
  defdelegate hmget(key, fields, options \\ []), to: Hashes

  @doc "All fields with their values. See `FerricStore.Embedded.Hashes.hgetall/2`."
  @spec hgetall(Argument.t(), Embedded.target()) :: %{binary() => binary()} | Embedded.error()
  defdelegate hgetall(key, options \\ []), to: Hashes

  @doc "All fields. See `FerricStore.Embedded.Hashes.hkeys/2`."
  @spec hkeys(Argument.t(), Embedded.target()) :: [binary()] | Embedded.error()
  defdelegate hkeys(key, options \\ []), to: Hashes

  @doc "All values. See `FerricStore.Embedded.Hashes.hvals/2`."
  @spec hvals(Argument.t(), Embedded.target()) :: [binary()] | Embedded.error()
  defdelegate hvals(key, options \\ []), to: Hashes

  @doc "How many fields there are. See `FerricStore.Embedded.Hashes.hlen/2`."
  @spec hlen(Argument.t(), Embedded.target()) :: non_neg_integer() | Embedded.error()
  defdelegate hlen(key, options \\ []), to: Hashes

  @doc "Length of a field's value in bytes. See `FerricStore.Embedded.Hashes.hstrlen/3`."
  @spec hstrlen(Argument.t(), Hashes.field(), Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate hstrlen(key, field, options \\ []), to: Hashes

  @doc "Whether there is a field. See `FerricStore.Embedded.Hashes.hexists/3`."
  @spec hexists(Argument.t(), Hashes.field(), Embedded.target()) :: boolean() | Embedded.error()
  defdelegate hexists(key, field, options \\ []), to: Hashes

  @doc "Removes a field, or several, and returns how many were there. See `FerricStore.Embedded.Hashes.hdel/3`."
  @spec hdel(Argument.t(), Hashes.field() | [Hashes.field()], Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate hdel(key, fields, options \\ []), to: Hashes

  @doc "Adds to a number in a field, which is 0 if it is not there, and returns the sum. See `FerricStore.Embedded.Hashes.hincrby/4`."
  @spec hincrby(Argument.t(), Hashes.field(), integer(), Embedded.target()) ::
          integer() | Embedded.error()
  defdelegate hincrby(key, field, amount, options \\ []), to: Hashes

  @doc "As `hincrby/4` for numbers that are not whole. See `FerricStore.Embedded.Hashes.hincrbyfloat/4`."
  @spec hincrbyfloat(Argument.t(), Hashes.field(), number(), Embedded.target()) ::
          binary() | Embedded.error()
  defdelegate hincrbyfloat(key, field, amount, options \\ []), to: Hashes

  @doc "Random fields. See `FerricStore.Embedded.Hashes.hrandfield/3`."
  @spec hrandfield(Argument.t(), integer(), keyword()) ::
          [binary() | {binary(), binary()}] | Embedded.error()
  defdelegate hrandfield(key, count \\ 1, options \\ []), to: Hashes

  @doc "Some of the fields with their values, and the cursor for the next ones. See `FerricStore.Embedded.Hashes.hscan/3`."
  @spec hscan(Argument.t(), non_neg_integer(), keyword()) ::
          {non_neg_integer(), [{binary(), binary()}]} | Embedded.error()
  defdelegate hscan(key, cursor, options \\ []), to: Hashes

  @doc "Gives fields values and, with `ex:`, `px:` (seconds or milliseconds), `exat:` or `pxat:` (Unix time), an expiry time. See `FerricStore.Embedded.Hashes.hsetex/3`."
  @spec hsetex(Argument.t(), Enumerable.t({Hashes.field(), Hashes.value()}), keyword()) ::
          boolean() | Embedded.error()
  defdelegate hsetex(key, fields, options \\ []), to: Hashes

  @doc "The values of fields, whose expiry time is changed. See `FerricStore.Embedded.Hashes.hgetex/3`."
  @spec hgetex(Argument.t(), Hashes.field() | [Hashes.field()], keyword()) ::
          [binary() | nil] | Embedded.error()
  defdelegate hgetex(key, fields, options \\ []), to: Hashes

  @doc "The values of fields, which are then removed. See `FerricStore.Embedded.Hashes.hgetdel/3`."
  @spec hgetdel(Argument.t(), Hashes.field() | [Hashes.field()], Embedded.target()) ::
          [binary() | nil] | Embedded.error()
  defdelegate hgetdel(key, fields, options \\ []), to: Hashes

  @doc "Lets fields expire after `seconds`. See `FerricStore.Embedded.Hashes.hexpire/4`."
  @spec hexpire(Argument.t(), integer(), Hashes.field() | [Hashes.field()], keyword()) ::
          [Hashes.changed()] | Embedded.error()
  defdelegate hexpire(key, seconds, fields, options \\ []), to: Hashes

  @doc "As `hexpire/4`, in milliseconds. See `FerricStore.Embedded.Hashes.hpexpire/4`."
  @spec hpexpire(Argument.t(), integer(), Hashes.field() | [Hashes.field()], keyword()) ::
          [Hashes.changed()] | Embedded.error()
  defdelegate hpexpire(key, milliseconds, fields, options \\ []), to: Hashes

  @doc "As `hexpire/4`, at a Unix time in seconds. See `FerricStore.Embedded.Hashes.hexpireat/4`."
  @spec hexpireat(Argument.t(), integer(), Hashes.field() | [Hashes.field()], keyword()) ::
          [Hashes.changed()] | Embedded.error()
  defdelegate hexpireat(key, time, fields, options \\ []), to: Hashes

  @doc "As `hexpire/4`, at a Unix time in milliseconds. See `FerricStore.Embedded.Hashes.hpexpireat/4`."
  @spec hpexpireat(Argument.t(), integer(), Hashes.field() | [Hashes.field()], keyword()) ::
          [Hashes.changed()] | Embedded.error()
  defdelegate hpexpireat(key, time, fields, options \\ []), to: Hashes

  @doc "Takes the expiry times of fields away. See `FerricStore.Embedded.Hashes.hpersist/3`."
  @spec hpersist(Argument.t(), Hashes.field() | [Hashes.field()], Embedded.target()) ::
          [boolean() | nil] | Embedded.error()
  defdelegate hpersist(key, fields, options \\ []), to: Hashes

  @doc "Seconds until fields expire. See `FerricStore.Embedded.Hashes.httl/3`."
  @spec httl(Argument.t(), Hashes.field() | [Hashes.field()], Embedded.target()) ::
          [Hashes.time()] | Embedded.error()
  defdelegate httl(key, fields, options \\ []), to: Hashes

  @doc "Milliseconds until fields expire. See `FerricStore.Embedded.Hashes.hpttl/3`."
  @spec hpttl(Argument.t(), Hashes.field() | [Hashes.field()], Embedded.target()) ::
          [Hashes.time()] | Embedded.error()
  defdelegate hpttl(key, fields, options \\ []), to: Hashes

  @doc "Unix times in seconds at which fields expire. See `FerricStore.Embedded.Hashes.hexpiretime/3`."
  @spec hexpiretime(Argument.t(), Hashes.field() | [Hashes.field()], Embedded.target()) ::
          [Hashes.time()] | Embedded.error()
  defdelegate hexpiretime(key, fields, options \\ []), to: Hashes

  @doc "Unix times in milliseconds at which fields expire. See `FerricStore.Embedded.Hashes.hpexpiretime/3`."
  @spec hpexpiretime(Argument.t(), Hashes.field() | [Hashes.field()], Embedded.target()) ::
          [Hashes.time()] | Embedded.error()
  defdelegate hpexpiretime(key, fields, options \\ []), to: Hashes

  @doc "Adds a member, or several. See `FerricStore.Embedded.Sets.sadd/3`."
  @spec sadd(Argument.t(), Sets.member() | [Sets.member()], Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate sadd(key, members, options \\ []), to: Sets

  @doc "Removes a member, or several. See `FerricStore.Embedded.Sets.srem/3`."
  @spec srem(Argument.t(), Sets.member() | [Sets.member()], Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate srem(key, members, options \\ []), to: Sets

  @doc "How many members there are. See `FerricStore.Embedded.Sets.scard/2`."
  @spec scard(Argument.t(), Embedded.target()) :: non_neg_integer() | Embedded.error()
  defdelegate scard(key, options \\ []), to: Sets

  @doc "Whether something is a member. See `FerricStore.Embedded.Sets.sismember/3`."
  @spec sismember(Argument.t(), Sets.member(), Embedded.target()) :: boolean() | Embedded.error()
  defdelegate sismember(key, member, options \\ []), to: Sets

  @doc "Whether each of several is a member. See `FerricStore.Embedded.Sets.smismember/3`."
  @spec smismember(Argument.t(), [Sets.member()], Embedded.target()) ::
          [boolean()] | Embedded.error()
  defdelegate smismember(key, members, options \\ []), to: Sets

  @doc "All members. See `FerricStore.Embedded.Sets.smembers/2`."
  @spec smembers(Argument.t(), Embedded.target()) :: [binary()] | Embedded.error()
  defdelegate smembers(key, options \\ []), to: Sets

  @doc "Random members. See `FerricStore.Embedded.Sets.srandmember/3`."
  @spec srandmember(Argument.t(), integer(), Embedded.target()) :: [binary()] | Embedded.error()
  defdelegate srandmember(key, count \\ 1, options \\ []), to: Sets

  @doc "Takes out random members. See `FerricStore.Embedded.Sets.spop/3`."
  @spec spop(Argument.t(), non_neg_integer(), Embedded.target()) :: [binary()] | Embedded.error()
  defdelegate spop(key, count \\ 1, options \\ []), to: Sets

  @doc "Moves a member to another set. See `FerricStore.Embedded.Sets.smove/4`."
  @spec smove(Argument.t(), Argument.t(), Sets.member(), Embedded.target()) ::
          boolean() | Embedded.error()
  defdelegate smove(source, destination, member, options \\ []), to: Sets

  @doc "The members that all of these sets have. See `FerricStore.Embedded.Sets.sinter/2`."
  @spec sinter([Argument.t()], Embedded.target()) :: [binary()] | Embedded.error()
  defdelegate sinter(keys, options \\ []), to: Sets

  @doc "How many members all of these sets have. See `FerricStore.Embedded.Sets.sintercard/2`."
  @spec sintercard([Argument.t()], keyword()) :: non_neg_integer() | Embedded.error()
  defdelegate sintercard(keys, options \\ []), to: Sets

  @doc "Stores what `sinter/2` returns, and returns how many members that are. See `FerricStore.Embedded.Sets.sinterstore/3`."
  @spec sinterstore(Argument.t(), [Argument.t()], Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate sinterstore(destination, keys, options \\ []), to: Sets

  @doc "The members of any of these sets. See `FerricStore.Embedded.Sets.sunion/2`."
  @spec sunion([Argument.t()], Embedded.target()) :: [binary()] | Embedded.error()
  defdelegate sunion(keys, options \\ []), to: Sets

  @doc "Stores what `sunion/2` returns, and returns how many members that are. See `FerricStore.Embedded.Sets.sunionstore/3`."
  @spec sunionstore(Argument.t(), [Argument.t()], Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate sunionstore(destination, keys, options \\ []), to: Sets

  @doc "The members of the first set that none of the others has. See `FerricStore.Embedded.Sets.sdiff/2`."
  @spec sdiff([Argument.t()], Embedded.target()) :: [binary()] | Embedded.error()
  defdelegate sdiff(keys, options \\ []), to: Sets

  @doc "Stores what `sdiff/2` returns, and returns how many members that are. See `FerricStore.Embedded.Sets.sdiffstore/3`."
  @spec sdiffstore(Argument.t(), [Argument.t()], Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate sdiffstore(destination, keys, options \\ []), to: Sets

  @doc "Some of the members, and the cursor for the next ones. See `FerricStore.Embedded.Sets.sscan/3`."
  @spec sscan(Argument.t(), non_neg_integer(), keyword()) ::
          {non_neg_integer(), [binary()]} | Embedded.error()
  defdelegate sscan(key, cursor, options \\ []), to: Sets

  @doc "Sets a bit to 0 or 1, and returns what it was. See `FerricStore.Embedded.Bitmaps.setbit/4`."
  @spec setbit(Argument.t(), non_neg_integer(), 0 | 1, Embedded.target()) ::
          0 | 1 | Embedded.error()
  defdelegate setbit(key, offset, bit, options \\ []), to: Bitmaps

  @doc "A bit. See `FerricStore.Embedded.Bitmaps.getbit/3`."
  @spec getbit(Argument.t(), non_neg_integer(), Embedded.target()) :: 0 | 1 | Embedded.error()
  defdelegate getbit(key, offset, options \\ []), to: Bitmaps

  @doc "How many bits are 1. See `FerricStore.Embedded.Bitmaps.bitcount/2`."
  @spec bitcount(Argument.t(), keyword()) :: non_neg_integer() | Embedded.error()
  defdelegate bitcount(key, options \\ []), to: Bitmaps

  @doc "The position of the first bit that is 0, or 1. See `FerricStore.Embedded.Bitmaps.bitpos/3`."
  @spec bitpos(Argument.t(), 0 | 1, keyword()) :: integer() | Embedded.error()
  defdelegate bitpos(key, bit, options \\ []), to: Bitmaps

  @doc "Combines the bits of strings, stores the result, and returns its length in bytes. See `FerricStore.Embedded.Bitmaps.bitop/4`."
  @spec bitop(
          :and | :or | :xor | :not,
          Argument.t(),
          Argument.t() | [Argument.t()],
          Embedded.target()
        ) :: non_neg_integer() | Embedded.error()
  defdelegate bitop(operation, destination, keys, options \\ []), to: Bitmaps

  @doc "Reads and changes integers of any width in a bitmap, one operation after the other. See `FerricStore.Embedded.Bitmaps.bitfield/3`."
  @spec bitfield(Argument.t(), [Bitmaps.field_operation()], Embedded.target()) ::
          [integer() | nil] | Embedded.error()
  defdelegate bitfield(key, operations, options \\ []), to: Bitmaps

  @doc "Counts things, each once however often it comes. See `FerricStore.Embedded.HyperLogLogs.pfadd/3`."
  @spec pfadd(Argument.t(), Argument.t() | [Argument.t()], Embedded.target()) ::
          boolean() | Embedded.error()
  defdelegate pfadd(key, elements, options \\ []), to: HyperLogLogs

  @doc "About how many different things were counted, by one key or by any of several. See `FerricStore.Embedded.HyperLogLogs.pfcount/2`."
  @spec pfcount(Argument.t() | [Argument.t()], Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate pfcount(keys, options \\ []), to: HyperLogLogs

  @doc "Makes one that has counted what any of several, and itself, have counted. See `FerricStore.Embedded.HyperLogLogs.pfmerge/3`."
  @spec pfmerge(Argument.t(), Argument.t() | [Argument.t()], Embedded.target()) ::
          :ok | Embedded.error()
  defdelegate pfmerge(destination, sources, options \\ []), to: HyperLogLogs

  @doc "Makes a Bloom filter for `capacity` items, of which a share of `error_rate` is taken for one of them in error. See `FerricStore.Embedded.Filters.bf_reserve/4`."
  @spec bf_reserve(Argument.t(), float(), pos_integer(), keyword()) :: :ok | Embedded.error()
  defdelegate bf_reserve(key, error_rate, capacity, options \\ []), to: Filters

  @doc "Adds an item to a Bloom filter, which is made if there is none. See `FerricStore.Embedded.Filters.bf_add/3`."
  @spec bf_add(Argument.t(), Filters.item(), Embedded.target()) :: boolean() | Embedded.error()
  defdelegate bf_add(key, item, options \\ []), to: Filters

  @doc "Adds several items to a Bloom filter. See `FerricStore.Embedded.Filters.bf_madd/3`."
  @spec bf_madd(Argument.t(), [Filters.item()], Embedded.target()) ::
          [boolean() | Embedded.error()] | Embedded.error()
  defdelegate bf_madd(key, items, options \\ []), to: Filters

  @doc "Whether an item is in a Bloom filter, most likely. See `FerricStore.Embedded.Filters.bf_exists/3`."
  @spec bf_exists(Argument.t(), Filters.item(), Embedded.target()) :: boolean() | Embedded.error()
  defdelegate bf_exists(key, item, options \\ []), to: Filters

  @doc "As `bf_exists/3` for several items. See `FerricStore.Embedded.Filters.bf_mexists/3`."
  @spec bf_mexists(Argument.t(), [Filters.item()], Embedded.target()) ::
          [boolean()] | Embedded.error()
  defdelegate bf_mexists(key, items, options \\ []), to: Filters

  @doc "How many items a Bloom filter has been given. See `FerricStore.Embedded.Filters.bf_card/2`."
  @spec bf_card(Argument.t(), Embedded.target()) :: non_neg_integer() | Embedded.error()
  defdelegate bf_card(key, options \\ []), to: Filters

  @doc "What there is to know about a Bloom filter. See `FerricStore.Embedded.Filters.bf_info/2`."
  @spec bf_info(Argument.t(), Embedded.target()) :: map() | Embedded.error()
  defdelegate bf_info(key, options \\ []), to: Filters

  @doc "Makes a cuckoo filter for `capacity` items. See `FerricStore.Embedded.Filters.cf_reserve/3`."
  @spec cf_reserve(Argument.t(), pos_integer(), keyword()) :: :ok | Embedded.error()
  defdelegate cf_reserve(key, capacity, options \\ []), to: Filters

  @doc "Adds an item to a cuckoo filter, even if it is in it. See `FerricStore.Embedded.Filters.cf_add/3`."
  @spec cf_add(Argument.t(), Filters.item(), Embedded.target()) :: boolean() | Embedded.error()
  defdelegate cf_add(key, item, options \\ []), to: Filters

  @doc "Adds an item to a cuckoo filter if it is not in it. See `FerricStore.Embedded.Filters.cf_addnx/3`."
  @spec cf_addnx(Argument.t(), Filters.item(), Embedded.target()) :: boolean() | Embedded.error()
  defdelegate cf_addnx(key, item, options \\ []), to: Filters

  @doc "Whether an item is in a cuckoo filter, most likely. See `FerricStore.Embedded.Filters.cf_exists/3`."
  @spec cf_exists(Argument.t(), Filters.item(), Embedded.target()) :: boolean() | Embedded.error()
  defdelegate cf_exists(key, item, options \\ []), to: Filters

  @doc "As `cf_exists/3` for several items. See `FerricStore.Embedded.Filters.cf_mexists/3`."
  @spec cf_mexists(Argument.t(), [Filters.item()], Embedded.target()) ::
          [boolean()] | Embedded.error()
  defdelegate cf_mexists(key, items, options \\ []), to: Filters

  @doc "Takes an item that was added out of a cuckoo filter, once. See `FerricStore.Embedded.Filters.cf_del/3`."
  @spec cf_del(Argument.t(), Filters.item(), Embedded.target()) :: boolean() | Embedded.error()
  defdelegate cf_del(key, item, options \\ []), to: Filters

  @doc "About how often an item was added to a cuckoo filter. See `FerricStore.Embedded.Filters.cf_count/3`."
  @spec cf_count(Argument.t(), Filters.item(), Embedded.target()) ::
          non_neg_integer() | Embedded.error()
  defdelegate cf_count(key, item, options \\ []), to: Filters

  @doc "What there is to know about a cuckoo filter. See `FerricStore.Embedded.Filters.cf_info/2`."
  @spec cf_info(Argument.t(), Embedded.target()) :: map() | Embedded.error()
  defdelegate cf_info(key, options \\ []), to: Filters

  @doc "Makes a count-min sketch of `depth` rows with `width` counters each. See `FerricStore.Embedded.Sketches.cms_initbydim/4`."
  @spec cms_initbydim(Argument.t(), pos_integer(), pos_integer(), Embedded.target()) ::
          :ok | Embedded.error()
  defdelegate cms_initbydim(key, width, depth, options \\ []), to: Sketches

  @doc "Makes a count-min sketch whose estimates are too high by more than a share `error` of all counts only with this `probability`. See `FerricStore.Embedded.Sketches.cms_initbyprob/4`."
  @spec cms_initbyprob(Argument.t(), float(), float(), Embedded.target()) ::
          :ok | Embedded.error()
  defdelegate cms_initbyprob(key, error, probability, options \\ []), to: Sketches

  @doc "Counts items. See `FerricStore.Embedded.Sketches.cms_incrby/3`."
  @spec cms_incrby(
          Argument.t(),
          Enumerable.t({Sketches.item(), pos_integer()}),
          Embedded.target()
        ) :: [non_neg_integer()] | Embedded.error()
  defdelegate cms_incrby(key, counts, options \\ []), to: Sketches

  @doc "Estimates of how often items were counted. See `FerricStore.Embedded.Sketches.cms_query/3`."
  @spec cms_query(Argument.t(), Sketches.item() | [Sketches.item()], Embedded.target()) ::
          [non_neg_integer()] | Embedded.error()
  defdelegate cms_query(key, items, options \\ []), to: Sketches

  @doc "Gives a count-min sketch the sum of others of the same size, each multiplied by its number in `weights:` (1). See `FerricStore.Embedded.Sketches.cms_merge/3`."
  @spec cms_merge(Argument.t(), [Argument.t()], keyword()) :: :ok | Embedded.error()
  defdelegate cms_merge(destination, sources, options \\ []), to: Sketches

  @doc "What there is to know about a count-min sketch. See `FerricStore.Embedded.Sketches.cms_info/2`."
  @spec cms_info(Argument.t(), Embedded.target()) :: map() | Embedded.error()
  defdelegate cms_info(key, options \\ []), to: Sketches

  @doc "Makes a top-k that keeps the `k` items that come most often. See `FerricStore.Embedded.Sketches.topk_reserve/3`."
  @spec topk_reserve(Argument.t(), pos_integer(), keyword()) :: :ok | Embedded.error()
  defdelegate topk_reserve(key, k, options \\ []), to: Sketches

  @doc "Counts an item, or several. See `FerricStore.Embedded.Sketches.topk_add/3`."
  @spec topk_add(Argument.t(), Sketches.item() | [Sketches.item()], Embedded.target()) ::
          [binary() | nil] | Embedded.error()
  defdelegate topk_add(key, items, options \\ []), to: Sketches

  @doc "As `topk_add/3`, each item so many times. See `FerricStore.Embedded.Sketches.topk_incrby/3`."
  @spec topk_incrby(
          Argument.t(),
          Enumerable.t({Sketches.item(), pos_integer()}),
          Embedded.target()
        ) :: [binary() | nil] | Embedded.error()
  defdelegate topk_incrby(key, counts, options \\ []), to: Sketches

  @doc "Whether items are among the first. See `FerricStore.Embedded.Sketches.topk_query/3`."
  @spec topk_query(Argument.t(), Sketches.item() | [Sketches.item()], Embedded.target()) ::
          [boolean()] | Embedded.error()
  defdelegate topk_query(key, items, options \\ []), to: Sketches

  @doc "The first items, the most frequent first. See `FerricStore.Embedded.Sketches.topk_list/2`."
  @spec topk_list(Argument.t(), keyword()) ::
          [binary() | {binary(), non_neg_integer()}] | Embedded.error()
  defdelegate topk_list(key, options \\ []), to: Sketches

  @doc "What there is to know about a top-k. See `FerricStore.Embedded.Sketches.topk_info/2`."
  @spec topk_info(Argument.t(), Embedded.target()) :: map() | Embedded.error()
  defdelegate topk_info(key, options \\ []), to: Sketches

  @doc "Makes a t-digest. See `FerricStore.Embedded.Sketches.tdigest_create/2`."
  @spec tdigest_create(Argument.t(), keyword()) :: :ok | Embedded.error()
  defdelegate tdigest_create(key, options \\ []), to: Sketches

  @doc "Adds a number, or several, to a t-digest. See `FerricStore.Embedded.Sketches.tdigest_add/3`."
  @spec tdigest_add(Argument.t(), number() | [number()], Embedded.target()) ::
          :ok | Embedded.error()
  defdelegate tdigest_add(key, numbers, options \\ []), to: Sketches

  @doc "The numbers below which these shares of all numbers lie. See `FerricStore.Embedded.Sketches.tdigest_quantile/3`."
  @spec tdigest_quantile(Argument.t(), number() | [number()], Embedded.target()) ::
          [float() | String.t()] | Embedded.error()
  defdelegate tdigest_quantile(key, shares, options \\ []), to: Sketches

  @doc "The shares of all numbers that lie below these. See `FerricStore.Embedded.Sketches.tdigest_cdf/3`."
  @spec tdigest_cdf(Argument.t(), number() | [number()], Embedded.target()) ::
          [float() | String.t()] | Embedded.error()
  defdelegate tdigest_cdf(key, numbers, options \\ []), to: Sketches

  @doc "The least number. See `FerricStore.Embedded.Sketches.tdigest_min/2`."
  @spec tdigest_min(Argument.t(), Embedded.target()) :: float() | String.t() | Embedded.error()
  defdelegate tdigest_min(key, options \\ []), to: Sketches

  @doc "The greatest number. See `FerricStore.Embedded.Sketches.tdigest_max/2`."
  @spec tdigest_max(Argument.t(), Embedded.target()) :: float() | String.t() | Embedded.error()
  defdelegate tdigest_max(key, options \\ []), to: Sketches

  @doc "The mean of the numbers between two shares of them. See `FerricStore.Embedded.Sketches.tdigest_trimmed_mean/4`."
  @spec tdigest_trimmed_mean(Argument.t(), number(), number(), Embedded.target()) ::
          float() | String.t() | Embedded.error()
  defdelegate tdigest_trimmed_mean(key, low, high, options \\ []), to: Sketches

  @doc "Gives a t-digest what others have. See `FerricStore.Embedded.Sketches.tdigest_merge/3`."
  @spec tdigest_merge(Argument.t(), [Argument.t()], keyword()) :: :ok | Embedded.error()
  defdelegate tdigest_merge(destination, sources, options \\ []), to: Sketches

  @doc "Forgets all numbers. See `FerricStore.Embedded.Sketches.tdigest_reset/2`."
  @spec tdigest_reset(Argument.t(), Embedded.target()) :: :ok | Embedded.error()
  defdelegate tdigest_reset(key, options \\ []), to: Sketches

  @doc "What there is to know about a t-digest. See `FerricStore.Embedded.Sketches.tdigest_info/2`."
  @spec tdigest_info(Argument.t(), Embedded.target()) :: map() | Embedded.error()
  defdelegate tdigest_info(key, options \\ []), to: Sketches
end
