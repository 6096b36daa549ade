defmodule FerricStore.Embedded.Lists do
  @moduledoc """
  Commands on lists, which are sequences of values: quick at both ends, and found by their positions, which count from
  0, or from the end if they are negative: -1 is the last.

  The examples are written as an application calls them: through `FerricStore`, which has all these functions. Every
  function takes `store:` and `db:` among its options, and may return `{:error, message}`.
  """

  alias FerricStore.Embedded
  alias FerricStore.Embedded.Argument

  @type key :: Argument.t()
  @type value :: Argument.t()
  @type error :: Embedded.error()
  @type options :: Embedded.target()

  @typedoc "An end of a list: its beginning or its end."
  @type list_end :: :left | :right

  @doc """
  Adds a value, or several, one after the other, to the beginning of a list, which is made if there is none; returns its
  new length.

      iex> FerricStore.lpush("todo", "first")
      1
      iex> FerricStore.lpush("todo", ["second", "third"])
      3
      iex> FerricStore.lrange("todo", 0, -1)
      ["third", "second", "first"]
  """
  @spec lpush(key(), value() | [value()], options()) :: pos_integer() | error()
  def lpush(key, values, options \\ []),
    do: Embedded.execute(["LPUSH", key | List.wrap(values)], options)

  @doc """
  Adds a value, or several, to the end of a list, which is made if there is none; returns its new length.

      iex> FerricStore.rpush("queue", ["a", "b"])
      2
  """
  @spec rpush(key(), value() | [value()], options()) :: pos_integer() | error()
  def rpush(key, values, options \\ []),
    do: Embedded.execute(["RPUSH", key | List.wrap(values)], options)

  @doc """
  As `lpush/3`, but only if there is a list; otherwise returns 0.

      iex> FerricStore.lpushx("nothing", "a")
      0
  """
  @spec lpushx(key(), value() | [value()], options()) :: non_neg_integer() | error()
  def lpushx(key, values, options \\ []),
    do: Embedded.execute(["LPUSHX", key | List.wrap(values)], options)

  @doc """
  As `rpush/3`, but only if there is a list; otherwise returns 0.

      iex> FerricStore.rpushx("nothing", "a")
      0
  """
  @spec rpushx(key(), value() | [value()], options()) :: non_neg_integer() | error()
  def rpushx(key, values, options \\ []),
    do: Embedded.execute(["RPUSHX", key | List.wrap(values)], options)

  @doc """
  Takes the first value out of a list, or `nil`; with `count:` a list of the first ones.

      iex> FerricStore.rpush("queue", ["a", "b", "c"])
      iex> FerricStore.lpop("queue")
      "a"
      iex> FerricStore.lpop("queue", count: 5)
      ["b", "c"]
      iex> FerricStore.lpop("queue")
      nil
  """
  @spec lpop(key(), keyword()) :: binary() | [binary()] | nil | error()
  def lpop(key, options \\ []), do: pop("LPOP", key, options)

  @doc """
  Takes the last value out of a list, or `nil`; with `count:` a list of the last ones, the very last first.

      iex> FerricStore.rpush("stack", ["a", "b", "c"])
      iex> FerricStore.rpop("stack", count: 2)
      ["c", "b"]
  """
  @spec rpop(key(), keyword()) :: binary() | [binary()] | nil | error()
  def rpop(key, options \\ []), do: pop("RPOP", key, options)

  defp pop(command, key, options) do
    {count, target} = Keyword.pop(options, :count)
    Embedded.execute([command, key | List.wrap(count)], target)
  end

  @doc """
  Takes values out of the first of several lists that exists: its key and the values, or `nil`. `count:` says how many
  at most; one otherwise.

      iex> FerricStore.rpush("low", ["a", "b"])
      iex> FerricStore.lmpop(["high", "low"], :left)
      ["low", ["a"]]
  """
  @spec lmpop([key()], list_end(), keyword()) :: [binary() | [binary()]] | nil | error()
  def lmpop(keys, from, options \\ []) do
    {words, target} = Argument.options(options, [:count])
    Embedded.execute(["LMPOP", length(keys) | keys ++ [from | words]], target)
  end

  @doc """
  How many values there are.

      iex> FerricStore.llen("nothing")
      0
  """
  @spec llen(key(), options()) :: non_neg_integer() | error()
  def llen(key, options \\ []), do: Embedded.execute(["LLEN", key], options)

  @doc """
  The value at a position, or `nil`.

      iex> FerricStore.rpush("days", ["Mon", "Tue", "Wed"])
      iex> FerricStore.lindex("days", -1)
      "Wed"
  """
  @spec lindex(key(), integer(), options()) :: binary() | nil | error()
  def lindex(key, position, options \\ []),
    do: Embedded.execute(["LINDEX", key, position], options)

  @doc """
  The values from position `first` to `last`, both included.

      iex> FerricStore.rpush("days", ["Mon", "Tue", "Wed"])
      iex> FerricStore.lrange("days", 1, -1)
      ["Tue", "Wed"]
  """
  @spec lrange(key(), integer(), integer(), options()) :: [binary()] | error()
  def lrange(key, first, last, options \\ []),
    do: Embedded.execute(["LRANGE", key, first, last], options)

  @doc """
  Replaces the value at a position.

      iex> FerricStore.rpush("days", ["Mon", "Tue"])
      iex> FerricStore.lset("days", 1, "Wed")
      :ok
      iex> FerricStore.lset("days", 2, "Thu")
      {:error, "ERR index out of range"}
  """
  @spec lset(key(), integer(), value(), options()) :: :ok | error()
  def lset(key, position, value, options \\ []),
    do: Embedded.execute(["LSET", key, position, value], options)

  @doc """
  Adds a value before or after the first one that equals `pivot`, and returns the new length: -1 if there is no such
  value, 0 if there is no list.

      iex> FerricStore.rpush("days", ["Mon", "Wed"])
      iex> FerricStore.linsert("days", :before, "Wed", "Tue")
      3
  """
  @spec linsert(key(), :before | :after, value(), value(), options()) :: integer() | error()
  def linsert(key, where, pivot, value, options \\ []),
    do: Embedded.execute(["LINSERT", key, where, pivot, value], options)

  @doc """
  Removes the values that equal `value`: all of them if `count` is 0, the first `count`, or, if it is negative, the last
  ones. Returns how many there were.

      iex> FerricStore.rpush("log", ["ok", "failed", "ok"])
      iex> FerricStore.lrem("log", -1, "ok")
      1
      iex> FerricStore.lrange("log", 0, -1)
      ["ok", "failed"]
  """
  @spec lrem(key(), integer(), value(), options()) :: non_neg_integer() | error()
  def lrem(key, count, value, options \\ []),
    do: Embedded.execute(["LREM", key, count, value], options)

  @doc """
  Keeps the values from position `first` to `last`, both included, and removes the others.

      iex> FerricStore.rpush("recent", ["a", "b", "c"])
      iex> FerricStore.ltrim("recent", -2, -1)
      :ok
      iex> FerricStore.lrange("recent", 0, -1)
      ["b", "c"]
  """
  @spec ltrim(key(), integer(), integer(), options()) :: :ok | error()
  def ltrim(key, first, last, options \\ []),
    do: Embedded.execute(["LTRIM", key, first, last], options)

  @doc """
  The position of the first value that equals `value`, or `nil`. With `count:` a list of the positions of so many, of
  all if it is 0.

  `rank: 2` begins with the second that equals it, `rank: -1` with the last, going backwards; `maxlen:` looks at so
  many values only.

      iex> FerricStore.rpush("letters", ["a", "b", "a"])
      iex> FerricStore.lpos("letters", "a")
      0
      iex> FerricStore.lpos("letters", "a", rank: -1, count: 0)
      [2, 0]
  """
  @spec lpos(key(), value(), keyword()) :: non_neg_integer() | [non_neg_integer()] | nil | error()
  def lpos(key, value, options \\ []) do
    {words, target} = Argument.options(options, [:rank, :count, :maxlen])
    Embedded.execute(["LPOS", key, value | words], target)
  end

  @doc """
  Moves a value from an end of one list to an end of another, or of the same: after a crash it is in exactly one of
  them. Returns it, or `nil` if there was none.

      iex> FerricStore.rpush("waiting", ["a", "b"])
      iex> FerricStore.lmove("waiting", "working", :left, :right)
      "a"
      iex> FerricStore.lrange("working", 0, -1)
      ["a"]
  """
  @spec lmove(key(), key(), list_end(), list_end(), options()) :: binary() | nil | error()
  def lmove(source, destination, from, to, options \\ []),
    do: Embedded.execute(["LMOVE", source, destination, from, to], options)

  @doc """
  The values of a list, or the members of a set or sorted set, in ascending order of the numbers they are.

  `alpha: true` orders them as strings, `desc: true` the other way round. `by:` orders them by other keys: by what
  each pattern becomes with the value in the place of its star, `"weight_*"`, or by a field of a hash, `"user_*->age"`.
  `get:`, a pattern or several, returns what other keys hold instead of the values, which `"#"` stands for.
  `limit: {offset, count}` returns a part. `into:` stores the result as a list under this key and returns its length.

      iex> FerricStore.rpush("ids", [3, 1, 2])
      iex> FerricStore.mset(%{"age_1" => 30, "age_2" => 10, "age_3" => 20})
      iex> FerricStore.sort("ids", desc: true, limit: {0, 2})
      ["3", "2"]
      iex> FerricStore.sort("ids", by: "age_*", get: ["#", "age_*"])
      ["2", "10", "3", "20", "1", "30"]
      iex> FerricStore.sort("ids", into: "sorted")
      3
  """
  @spec sort(key(), keyword()) :: [binary() | nil] | non_neg_integer() | error()
  def sort(key, options \\ []) do
    {patterns, options} = Keyword.pop(options, :get, [])
    {limit, options} = Keyword.pop(options, :limit)
    {destination, options} = Keyword.pop(options, :into)
    {words, target} = Argument.options(options, [:by, :alpha, :desc])
    gets = Enum.flat_map(List.wrap(patterns), &["GET", &1])
    Embedded.execute(["SORT", key | words ++ gets ++ limit(limit) ++ into(destination)], target)
  end

  defp limit(nil), do: []
  defp limit({offset, count}), do: ["LIMIT", offset, count]

  defp into(nil), do: []
  defp into(destination), do: ["STORE", destination]
end
