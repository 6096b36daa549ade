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
  `FerricStore.Embedded.Strings`, `FerricStore.Embedded.Lists`, `FerricStore.Embedded.SortedSets`,
  `FerricStore.Embedded.Streams`, `FerricStore.Embedded.Expiry` and `FerricStore.Embedded.Keys`.
  """

  alias FerricStore.{Embedded, Store}
  alias FerricStore.Embedded.{Argument, Expiry, Keys, Lists, SortedSets, Streams, Strings}

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
end
