defmodule FerricStore.Embedded.Keys do
  @moduledoc """
  Commands on keys, whatever they hold, and on whole databases.

  The examples are written as an application calls them: through `FerricStore`, which has all these functions.
  Every function takes `store:` and `db:` among its options, and may return `{:error, message}`.
  """

  alias FerricStore.Embedded
  alias FerricStore.Embedded.Argument

  @type key :: Argument.t()
  @type error :: Embedded.error()
  @type options :: Embedded.target()

  @doc """
  Deletes a key, or several, and returns how many existed.

      iex> FerricStore.set("a", 1)
      iex> FerricStore.del(["a", "b"])
      1
      iex> FerricStore.del("a")
      0
  """
  @spec del(key() | [key()], options()) :: non_neg_integer() | error()
  def del(keys, options \\ []), do: Embedded.execute(["DEL" | List.wrap(keys)], options)

  @doc """
  Deletes as `del/2` does, but frees the memory of large values later.

      iex> FerricStore.set("a", 1)
      iex> FerricStore.unlink("a")
      1
  """
  @spec unlink(key() | [key()], options()) :: non_neg_integer() | error()
  def unlink(keys, options \\ []), do: Embedded.execute(["UNLINK" | List.wrap(keys)], options)

  @doc """
  How many of the keys exist; one that is named twice counts twice.

      iex> FerricStore.set("a", 1)
      iex> FerricStore.exists("a")
      1
      iex> FerricStore.exists(["a", "b"])
      1
  """
  @spec exists(key() | [key()], options()) :: non_neg_integer() | error()
  def exists(keys, options \\ []), do: Embedded.execute(["EXISTS" | List.wrap(keys)], options)

  @doc """
  Marks keys as just used and returns how many of them exist.

      iex> FerricStore.set("a", 1)
      iex> FerricStore.touch(["a", "b"])
      1
  """
  @spec touch(key() | [key()], options()) :: non_neg_integer() | error()
  def touch(keys, options \\ []), do: Embedded.execute(["TOUCH" | List.wrap(keys)], options)

  @doc """
  The type of what `key` holds, by Redis's name for it, or `nil` if there is no such key.

      iex> FerricStore.set("a", 1)
      iex> FerricStore.type("a")
      "string"
      iex> FerricStore.type("b")
      nil
  """
  @spec type(key(), options()) :: String.t() | nil | error()
  def type(key, options \\ []) do
    with "none" <- Embedded.execute(["TYPE", key], options), do: nil
  end

  @doc """
  Renames a key; what `new` held is lost.

      iex> FerricStore.set("draft", "text")
      iex> FerricStore.rename("draft", "final")
      :ok
      iex> FerricStore.rename("draft", "final")
      {:error, "ERR no such key"}
  """
  @spec rename(key(), key(), options()) :: :ok | error()
  def rename(key, new, options \\ []), do: Embedded.execute(["RENAME", key, new], options)

  @doc """
  Renames a key unless `new` exists; says whether it did.

      iex> FerricStore.mset(%{"a" => 1, "b" => 2})
      iex> FerricStore.renamenx("a", "b")
      false
      iex> FerricStore.renamenx("a", "c")
      true
  """
  @spec renamenx(key(), key(), options()) :: boolean() | error()
  def renamenx(key, new, options \\ []),
    do: ["RENAMENX", key, new] |> Embedded.execute(options) |> Embedded.truth()

  @doc """
  Copies a key with its expiry time; says whether it did. `to_db:` chooses another database for the copy, and
  `replace: true` overwrites what is there.

      iex> FerricStore.set("a", 1)
      iex> FerricStore.copy("a", "b")
      true
      iex> FerricStore.copy("a", "b")
      false
      iex> FerricStore.copy("a", "b", replace: true)
      true
      iex> FerricStore.copy("a", "a", to_db: 1)
      true
      iex> FerricStore.get("a", db: 1)
      "1"
  """
  @spec copy(key(), key(), keyword()) :: boolean() | error()
  def copy(key, destination, options \\ []) do
    {database, options} = Keyword.pop(options, :to_db)
    {words, target} = Argument.options(options, [:replace])
    words = if database, do: ["DB", database | words], else: words
    ["COPY", key, destination | words] |> Embedded.execute(target) |> Embedded.truth()
  end

  @doc """
  Moves a key to another database unless it exists there; says whether it did.

      iex> FerricStore.set("a", 1)
      iex> FerricStore.move("a", 2)
      true
      iex> FerricStore.get("a", db: 2)
      "1"
  """
  @spec move(key(), 0..15, options()) :: boolean() | error()
  def move(key, database, options \\ []),
    do: ["MOVE", key, database] |> Embedded.execute(options) |> Embedded.truth()

  @doc """
  All keys that match a pattern, in which `*` is any text, `?` any character, `[ab]` one of these, and `\\\\` takes the
  meaning from the next. Looks at every key: in a large store `scan_stream/1` is the better choice.

      iex> FerricStore.mset(%{"user:1" => "a", "user:2" => "b", "job:1" => "c"})
      iex> FerricStore.keys("user:*") |> Enum.sort()
      ["user:1", "user:2"]
  """
  @spec keys(Argument.t(), options()) :: [binary()] | error()
  def keys(pattern \\ "*", options \\ []), do: Embedded.execute(["KEYS", pattern], options)

  @doc """
  One step of a walk through the keys: takes the cursor of the step before, 0 for the first, and returns the next
  cursor, 0 after the last, with some keys. Keys that exist all the time are returned at least once.

  Options: `match:` a pattern as in `keys/2`; `count:` about how many keys to look at; `type:` only keys that hold it.

      iex> FerricStore.set("a", 1)
      iex> {cursor, keys} = FerricStore.scan(0, match: "a*")
      iex> is_integer(cursor) and is_list(keys)
      true
  """
  @spec scan(non_neg_integer(), keyword()) :: {non_neg_integer(), [binary()]} | error()
  def scan(cursor, options \\ []) do
    {words, target} = Argument.options(options, [:match, :count, :type])

    with [next, keys] <- Embedded.execute(["SCAN", cursor | words], target) do
      {String.to_integer(next), keys}
    end
  end

  @doc """
  A lazy stream of the keys, made of `scan/2` and with its options. Raises if a step fails.

      iex> FerricStore.mset(for n <- 1..100, do: {"key:\#{n}", n})
      iex> FerricStore.scan_stream(match: "key:*7", count: 20) |> Enum.uniq() |> Enum.count()
      10
  """
  @spec scan_stream(keyword()) :: Enumerable.t(binary())
  def scan_stream(options \\ []) do
    Stream.resource(
      fn -> 0 end,
      fn
        :done -> {:halt, :done}
        cursor -> scan_step(scan(cursor, options))
      end,
      fn _cursor -> :ok end
    )
  end

  @doc """
  Some key, or `nil` if there is none.

      iex> FerricStore.randomkey()
      nil
      iex> FerricStore.set("only", 1)
      iex> FerricStore.randomkey()
      "only"
  """
  @spec randomkey(options()) :: binary() | nil | error()
  def randomkey(options \\ []), do: Embedded.execute(["RANDOMKEY"], options)

  @doc """
  The encoding of a value: how the engine keeps it, as `OBJECT ENCODING` calls it; `nil` if there is no such key.

      iex> FerricStore.set("number", 12)
      iex> FerricStore.object_encoding("number")
      "int"
      iex> FerricStore.object_encoding("nothing")
      nil
  """
  @spec object_encoding(key(), options()) :: String.t() | nil | error()
  def object_encoding(key, options \\ []),
    do: Embedded.execute(["OBJECT", "ENCODING", key], options)

  @doc """
  Seconds since a key was last used; `nil` if there is no such key.

      iex> FerricStore.set("a", 1)
      iex> FerricStore.object_idletime("a")
      0
  """
  @spec object_idletime(key(), options()) :: non_neg_integer() | nil | error()
  def object_idletime(key, options \\ []),
    do: Embedded.execute(["OBJECT", "IDLETIME", key], options)

  @doc """
  About how many bytes of memory a key takes with its value; `nil` if there is no such key.

      iex> FerricStore.set("a", "value")
      iex> FerricStore.memory_usage("a") > 0
      true
  """
  @spec memory_usage(key(), options()) :: pos_integer() | nil | error()
  def memory_usage(key, options \\ []), do: Embedded.execute(["MEMORY", "USAGE", key], options)

  @doc """
  How many keys the database has.

      iex> FerricStore.mset(%{"a" => 1, "b" => 2})
      iex> FerricStore.dbsize()
      2
      iex> FerricStore.dbsize(db: 1)
      0
  """
  @spec dbsize(options()) :: non_neg_integer() | error()
  def dbsize(options \\ []), do: Embedded.execute(["DBSIZE"], options)

  @doc """
  Deletes all keys of the database.

      iex> FerricStore.set("a", 1, db: 3)
      iex> FerricStore.flushdb(db: 3)
      :ok
      iex> FerricStore.dbsize(db: 3)
      0
  """
  @spec flushdb(options()) :: :ok | error()
  def flushdb(options \\ []), do: Embedded.execute(["FLUSHDB"], options)

  @doc """
  Deletes all keys of all databases.

      iex> FerricStore.set("a", 1)
      iex> FerricStore.flushall()
      :ok
      iex> FerricStore.dbsize()
      0
  """
  @spec flushall(options()) :: :ok | error()
  def flushall(options \\ []), do: Embedded.execute(["FLUSHALL"], options)

  @doc """
  Exchanges the contents of two databases.

      iex> FerricStore.set("a", 1, db: 4)
      iex> FerricStore.swapdb(4, 5)
      :ok
      iex> FerricStore.get("a", db: 5)
      "1"
  """
  @spec swapdb(0..15, 0..15, options()) :: :ok | error()
  def swapdb(first, second, options \\ []),
    do: Embedded.execute(["SWAPDB", first, second], options)

  defp scan_step({0, keys}), do: {keys, :done}
  defp scan_step({cursor, keys}) when is_integer(cursor), do: {keys, cursor}
  defp scan_step({:error, message}), do: raise(ArgumentError, message)
end
