defmodule FerricStore.Embedded.Strings do
  @moduledoc """
  Commands on strings, which are any bytes up to 512 MB, or integers.

  The examples are written as an application calls them: through `FerricStore`, which has all these functions.
  Every function takes `store:` and `db:` among its options, and may return `{:error, message}`.
  """

  alias FerricStore.Embedded
  alias FerricStore.Embedded.Argument

  @type key :: Argument.t()
  @type value :: Argument.t()
  @type error :: Embedded.error()
  @type options :: Embedded.target()

  @set_options [:ex, :px, :exat, :pxat, :keepttl, :nx, :xx, :get]

  @doc """
  Sets `key` to `value`, whatever it held.

  Options: `ex:` seconds or `px:` milliseconds to live; `exat:`, `pxat:` Unix time at which it expires (seconds,
  milliseconds); `keepttl: true` keeps the expiry time it has; `nx: true` only if the key does not exist; `xx: true`
  only if it does; `get: true` returns what it held before instead of `:ok`.

  Returns `nil` when `nx:` or `xx:` kept it from being set.

      iex> FerricStore.set("name", "Ada")
      :ok
      iex> FerricStore.set("name", "Grace", nx: true)
      nil
      iex> FerricStore.set("name", "Grace", get: true, ex: 60)
      "Ada"
      iex> FerricStore.ttl("name")
      60
  """
  @spec set(key(), value(), keyword()) :: :ok | nil | binary() | error()
  def set(key, value, options \\ []) do
    {words, target} = Argument.options(options, @set_options)
    Embedded.execute(["SET", key, value | words], target)
  end

  @doc """
  Sets `key` if it does not exist; says whether it did.

      iex> FerricStore.setnx("lock", "me")
      true
      iex> FerricStore.setnx("lock", "you")
      false
  """
  @spec setnx(key(), value(), options()) :: boolean() | error()
  def setnx(key, value, options \\ []),
    do: ["SETNX", key, value] |> Embedded.execute(options) |> Embedded.truth()

  @doc """
  Sets `key` to expire after `seconds`. The same as `set/3` with `ex:`.

      iex> FerricStore.setex("code", 30, "1234")
      :ok
  """
  @spec setex(key(), pos_integer(), value(), options()) :: :ok | error()
  def setex(key, seconds, value, options \\ []),
    do: Embedded.execute(["SETEX", key, seconds, value], options)

  @doc """
  Sets `key` to expire after `milliseconds`. The same as `set/3` with `px:`.

      iex> FerricStore.psetex("code", 30_000, "1234")
      :ok
  """
  @spec psetex(key(), pos_integer(), value(), options()) :: :ok | error()
  def psetex(key, milliseconds, value, options \\ []),
    do: Embedded.execute(["PSETEX", key, milliseconds, value], options)

  @doc """
  The value of `key`, or `nil`.

      iex> FerricStore.get("nobody")
      nil
      iex> FerricStore.set("name", "Ada")
      iex> FerricStore.get("name")
      "Ada"
  """
  @spec get(key(), options()) :: binary() | nil | error()
  def get(key, options \\ []), do: Embedded.execute(["GET", key], options)

  @doc """
  The value of `key`, which is then deleted.

      iex> FerricStore.set("job", "42")
      iex> FerricStore.getdel("job")
      "42"
      iex> FerricStore.getdel("job")
      nil
  """
  @spec getdel(key(), options()) :: binary() | nil | error()
  def getdel(key, options \\ []), do: Embedded.execute(["GETDEL", key], options)

  @doc """
  The value of `key`, whose expiry time is changed: `ex:`, `px:`, `exat:`, `pxat:` as in `set/3`, or
  `persist: true` to take it away.

      iex> FerricStore.set("session", "s1", ex: 10)
      iex> FerricStore.getex("session", ex: 600)
      "s1"
      iex> FerricStore.ttl("session")
      600
  """
  @spec getex(key(), keyword()) :: binary() | nil | error()
  def getex(key, options \\ []) do
    {words, target} = Argument.options(options, [:ex, :px, :exat, :pxat, :persist])
    Embedded.execute(["GETEX", key | words], target)
  end

  @doc """
  Sets `key` and returns what it held. The same as `set/3` with `get: true`.

      iex> FerricStore.getset("state", "on")
      nil
      iex> FerricStore.getset("state", "off")
      "on"
  """
  @spec getset(key(), value(), options()) :: binary() | nil | error()
  def getset(key, value, options \\ []), do: Embedded.execute(["GETSET", key, value], options)

  @doc """
  The values of several keys in their order, `nil` for each that has none.

      iex> FerricStore.mset(%{"a" => 1, "b" => 2})
      iex> FerricStore.mget(["a", "missing", "b"])
      ["1", nil, "2"]
  """
  @spec mget([key()], options()) :: [binary() | nil] | error()
  def mget(keys, options \\ []), do: Embedded.execute(["MGET" | List.wrap(keys)], options)

  @doc """
  Sets several keys at once: after a crash either all of them are there or none. Takes a map or a list of pairs.

      iex> FerricStore.mset([{"a", 1}, {"b", 2}])
      :ok
  """
  @spec mset(Enumerable.t({key(), value()}), options()) :: :ok | error()
  def mset(pairs, options \\ []), do: Embedded.execute(["MSET" | flatten(pairs)], options)

  @doc """
  As `mset/2`, but only if none of the keys exists; says whether it did.

      iex> FerricStore.msetnx(%{"x" => 1, "y" => 2})
      true
      iex> FerricStore.msetnx(%{"y" => 3, "z" => 4})
      false
      iex> FerricStore.get("z")
      nil
  """
  @spec msetnx(Enumerable.t({key(), value()}), options()) :: boolean() | error()
  def msetnx(pairs, options \\ []),
    do: ["MSETNX" | flatten(pairs)] |> Embedded.execute(options) |> Embedded.truth()

  @doc """
  Appends to the value of `key`, and returns its new length in bytes.

      iex> FerricStore.append("log", "one")
      3
      iex> FerricStore.append("log", ",two")
      7
  """
  @spec append(key(), value(), options()) :: non_neg_integer() | error()
  def append(key, value, options \\ []), do: Embedded.execute(["APPEND", key, value], options)

  @doc """
  Length of the value in bytes; 0 if there is none.

      iex> FerricStore.set("name", "Zo\u00eb")
      iex> FerricStore.strlen("name")
      4
  """
  @spec strlen(key(), options()) :: non_neg_integer() | error()
  def strlen(key, options \\ []), do: Embedded.execute(["STRLEN", key], options)

  @doc """
  The bytes from position `first` to `last`, both included. Negative positions count from the end, -1 is the last.

      iex> FerricStore.set("text", "This is a string")
      iex> FerricStore.getrange("text", 0, 3)
      "This"
      iex> FerricStore.getrange("text", -6, -1)
      "string"
  """
  @spec getrange(key(), integer(), integer(), options()) :: binary() | error()
  def getrange(key, first, last, options \\ []),
    do: Embedded.execute(["GETRANGE", key, first, last], options)

  @doc """
  Overwrites the value from byte `offset` on, filling a gap with zero bytes, and returns its new length.

      iex> FerricStore.set("text", "Hello World")
      iex> FerricStore.setrange("text", 6, "Redis")
      11
      iex> FerricStore.get("text")
      "Hello Redis"
  """
  @spec setrange(key(), non_neg_integer(), value(), options()) :: non_neg_integer() | error()
  def setrange(key, offset, value, options \\ []),
    do: Embedded.execute(["SETRANGE", key, offset, value], options)

  @doc """
  Adds one to an integer, which is 0 if the key does not exist, and returns the result.

      iex> FerricStore.incr("visits")
      1
      iex> FerricStore.set("name", "Ada")
      iex> FerricStore.incr("name")
      {:error, "ERR value is not an integer or out of range"}
  """
  @spec incr(key(), options()) :: integer() | error()
  def incr(key, options \\ []), do: Embedded.execute(["INCR", key], options)

  @doc """
  Subtracts one from an integer and returns the result.

      iex> FerricStore.decr("left")
      -1
  """
  @spec decr(key(), options()) :: integer() | error()
  def decr(key, options \\ []), do: Embedded.execute(["DECR", key], options)

  @doc """
  Adds `amount` to an integer and returns the result.

      iex> FerricStore.incrby("visits", 10)
      10
  """
  @spec incrby(key(), integer(), options()) :: integer() | error()
  def incrby(key, amount, options \\ []), do: Embedded.execute(["INCRBY", key, amount], options)

  @doc """
  Subtracts `amount` from an integer and returns the result.

      iex> FerricStore.decrby("stock", 3)
      -3
  """
  @spec decrby(key(), integer(), options()) :: integer() | error()
  def decrby(key, amount, options \\ []), do: Embedded.execute(["DECRBY", key, amount], options)

  @doc """
  Adds `amount` to a number and returns the result as a float.

      iex> FerricStore.set("temperature", "20.5")
      iex> FerricStore.incrbyfloat("temperature", 0.25)
      20.75
  """
  @spec incrbyfloat(key(), number(), options()) :: float() | error()
  def incrbyfloat(key, amount, options \\ []) do
    with sum when is_binary(sum) <- Embedded.execute(["INCRBYFLOAT", key, amount], options) do
      {number, ""} = Float.parse(sum)
      number
    end
  end

  @doc """
  The longest common subsequence of two values.

  With `len: true` only its length. With `idx: true` a map of its length and of the ranges of bytes that match, the
  last ones first; `minmatchlen:` leaves out shorter ones, and `withmatchlen: true` adds the length of each.

      iex> FerricStore.mset(%{"a" => "ohmytext", "b" => "mynewtext"})
      iex> FerricStore.lcs("a", "b")
      "mytext"
      iex> FerricStore.lcs("a", "b", len: true)
      6
      iex> FerricStore.lcs("a", "b", idx: true)
      %{len: 6, matches: [{4..7, 5..8}, {2..3, 0..1}]}
      iex> FerricStore.lcs("a", "b", idx: true, minmatchlen: 4, withmatchlen: true)
      %{len: 6, matches: [{4..7, 5..8, 4}]}
  """
  @spec lcs(key(), key(), keyword()) :: binary() | non_neg_integer() | map() | error()
  def lcs(first, second, options \\ []) do
    {words, target} = Argument.options(options, [:len, :idx, :minmatchlen, :withmatchlen])

    case Embedded.execute(["LCS", first, second | words], target) do
      ["matches", matches, "len", length] -> lcs_map(matches, length)
      %{"matches" => matches, "len" => length} -> lcs_map(matches, length)
      reply -> reply
    end
  end

  defp lcs_map(matches, length), do: %{len: length, matches: Enum.map(matches, &lcs_match/1)}

  defp lcs_match([[first, last], [other_first, other_last] | length]) do
    List.to_tuple([first..last, other_first..other_last | length])
  end

  defp flatten(pairs) do
    Enum.flat_map(pairs, fn {key, value} -> [key, value] end)
  end
end
