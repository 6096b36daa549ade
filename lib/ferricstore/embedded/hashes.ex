defmodule FerricStore.Embedded.Hashes do
  @moduledoc """
  Commands on hashes, which are fields with values, such as the columns of a row. A field may expire by itself; a hash
  goes with its last field.

  The examples are written as an application calls them: through `FerricStore`, which has all these functions. Every
  function takes `store:` and `db:` among its options, and may return `{:error, message}`.
  """

  alias FerricStore.Embedded
  alias FerricStore.Embedded.Argument

  @type key :: Argument.t()
  @type field :: Argument.t()
  @type value :: Argument.t()
  @type error :: Embedded.error()
  @type options :: Embedded.target()

  @typedoc """
  What became of the expiry time of a field: `true` if it was changed, `false` if a condition kept it from that,
  `:deleted` if the time is over, `nil` if there is no such field.
  """
  @type changed :: boolean() | :deleted | nil

  @typedoc "When a field expires; `:infinity` if it does not, `nil` if there is no such field."
  @type time :: non_neg_integer() | :infinity | nil

  @doc """
  Gives fields values; returns how many of the fields are new. Takes a map or a list of `{field, value}`.

      iex> FerricStore.hset("user:1", %{"name" => "Ada", "born" => 1815})
      2
      iex> FerricStore.hset("user:1", [{"name", "Ada Lovelace"}])
      0
  """
  @spec hset(key(), Enumerable.t({field(), value()}), options()) :: non_neg_integer() | error()
  def hset(key, fields, options \\ []),
    do: Embedded.execute(["HSET", key | pairs(fields)], options)

  @doc """
  Gives a field a value if there is no such field; says whether it did.

      iex> FerricStore.hsetnx("user:1", "name", "Ada")
      true
      iex> FerricStore.hsetnx("user:1", "name", "Grace")
      false
  """
  @spec hsetnx(key(), field(), value(), options()) :: boolean() | error()
  def hsetnx(key, field, value, options \\ []),
    do: ["HSETNX", key, field, value] |> Embedded.execute(options) |> Embedded.truth()

  @doc """
  The value of a field, or `nil`.

      iex> FerricStore.hset("user:1", %{"name" => "Ada"})
      iex> FerricStore.hget("user:1", "name")
      "Ada"
      iex> FerricStore.hget("user:1", "age")
      nil
  """
  @spec hget(key(), field(), options()) :: binary() | nil | error()
  def hget(key, field, options \\ []), do: Embedded.execute(["HGET", key, field], options)

  @doc """
  The values of several fields in their order, `nil` for each that is not there.

      iex> FerricStore.hset("user:1", %{"name" => "Ada"})
      iex> FerricStore.hmget("user:1", ["age", "name"])
      [nil, "Ada"]
  """
  @spec hmget(key(), [field()], options()) :: [binary() | nil] | error()
  def hmget(key, fields, options \\ []),
    do: Embedded.execute(["HMGET", key | List.wrap(fields)], options)

  @doc """
  All fields with their values.

      iex> FerricStore.hset("user:1", %{"name" => "Ada", "born" => 1815})
      iex> FerricStore.hgetall("user:1")
      %{"name" => "Ada", "born" => "1815"}
      iex> FerricStore.hgetall("nobody")
      %{}
  """
  @spec hgetall(key(), options()) :: %{binary() => binary()} | error()
  def hgetall(key, options \\ []), do: Embedded.execute(["HGETALL", key], options)

  @doc """
  All fields.

      iex> FerricStore.hset("user:1", %{"name" => "Ada"})
      iex> FerricStore.hkeys("user:1")
      ["name"]
  """
  @spec hkeys(key(), options()) :: [binary()] | error()
  def hkeys(key, options \\ []), do: Embedded.execute(["HKEYS", key], options)

  @doc """
  All values.

      iex> FerricStore.hset("user:1", %{"name" => "Ada"})
      iex> FerricStore.hvals("user:1")
      ["Ada"]
  """
  @spec hvals(key(), options()) :: [binary()] | error()
  def hvals(key, options \\ []), do: Embedded.execute(["HVALS", key], options)

  @doc """
  How many fields there are.

      iex> FerricStore.hlen("nobody")
      0
  """
  @spec hlen(key(), options()) :: non_neg_integer() | error()
  def hlen(key, options \\ []), do: Embedded.execute(["HLEN", key], options)

  @doc """
  Length of a field's value in bytes; 0 if there is no such field.

      iex> FerricStore.hset("user:1", %{"name" => "Ada"})
      iex> FerricStore.hstrlen("user:1", "name")
      3
  """
  @spec hstrlen(key(), field(), options()) :: non_neg_integer() | error()
  def hstrlen(key, field, options \\ []), do: Embedded.execute(["HSTRLEN", key, field], options)

  @doc """
  Whether there is a field.

      iex> FerricStore.hset("user:1", %{"name" => "Ada"})
      iex> FerricStore.hexists("user:1", "name")
      true
  """
  @spec hexists(key(), field(), options()) :: boolean() | error()
  def hexists(key, field, options \\ []),
    do: ["HEXISTS", key, field] |> Embedded.execute(options) |> Embedded.truth()

  @doc """
  Removes a field, or several, and returns how many were there.

      iex> FerricStore.hset("user:1", %{"name" => "Ada"})
      iex> FerricStore.hdel("user:1", ["name", "age"])
      1
  """
  @spec hdel(key(), field() | [field()], options()) :: non_neg_integer() | error()
  def hdel(key, fields, options \\ []),
    do: Embedded.execute(["HDEL", key | List.wrap(fields)], options)

  @doc """
  Adds to a number in a field, which is 0 if it is not there, and returns the sum.

      iex> FerricStore.hincrby("page:1", "views", 5)
      5
  """
  @spec hincrby(key(), field(), integer(), options()) :: integer() | error()
  def hincrby(key, field, amount, options \\ []),
    do: Embedded.execute(["HINCRBY", key, field, amount], options)

  @doc """
  As `hincrby/4` for numbers that are not whole; returns the sum as it is stored.

      iex> FerricStore.hincrbyfloat("page:1", "seconds", 1.5)
      "1.5"
  """
  @spec hincrbyfloat(key(), field(), number(), options()) :: binary() | error()
  def hincrbyfloat(key, field, amount, options \\ []),
    do: Embedded.execute(["HINCRBYFLOAT", key, field, amount], options)

  @doc """
  Random fields: `count` different ones, or all if there are fewer; with a negative count so many, which may be the
  same. `withvalues: true` returns `{field, value}`.

      iex> FerricStore.hset("user:1", %{"name" => "Ada"})
      iex> FerricStore.hrandfield("user:1", 5, withvalues: true)
      [{"name", "Ada"}]
  """
  @spec hrandfield(key(), integer(), keyword()) :: [binary() | {binary(), binary()}] | error()
  def hrandfield(key, count \\ 1, options \\ []) do
    {words, target} = Argument.options(options, [:withvalues])
    reply = Embedded.execute(["HRANDFIELD", key, count | words], target)
    if options[:withvalues], do: tuples(reply), else: reply
  end

  @doc """
  Some of the fields with their values, and the cursor for the next ones: begin with 0, end when 0 comes back. Options:
  `match:` a pattern, `count:` about how many.

      iex> FerricStore.hset("user:1", %{"name" => "Ada"})
      iex> FerricStore.hscan("user:1", 0, match: "n*")
      {0, [{"name", "Ada"}]}
  """
  @spec hscan(key(), non_neg_integer(), keyword()) ::
          {non_neg_integer(), [{binary(), binary()}]} | error()
  def hscan(key, cursor, options \\ []) do
    {words, target} = Argument.options(options, [:match, :count])

    with [next, flat] <- Embedded.execute(["HSCAN", key, cursor | words], target) do
      {String.to_integer(next), flat |> Enum.chunk_every(2) |> Enum.map(&List.to_tuple/1)}
    end
  end

  @doc """
  Gives fields values and, with `ex:`, `px:` (seconds or milliseconds), `exat:` or `pxat:` (Unix time), an expiry time;
  `keepttl: true` leaves theirs. `fnx: true` only if none of the fields exists, `fxx: true` only if all do. Says whether
  it did.

      iex> FerricStore.hsetex("session:7", %{"token" => "x1"}, ex: 60)
      true
      iex> FerricStore.httl("session:7", "token")
      [60]
  """
  @spec hsetex(key(), Enumerable.t({field(), value()}), keyword()) :: boolean() | error()
  def hsetex(key, fields, options \\ []) do
    {words, target} = Argument.options(options, [:ex, :px, :exat, :pxat, :keepttl, :fnx, :fxx])
    pairs = pairs(fields)
    command = ["HSETEX", key] ++ words ++ ["FIELDS", div(length(pairs), 2) | pairs]
    command |> Embedded.execute(target) |> Embedded.truth()
  end

  @doc """
  The values of fields, whose expiry time is changed: `ex:`, `px:`, `exat:`, `pxat:` as in `hsetex/3`, or
  `persist: true` to take it away.

      iex> FerricStore.hset("session:7", %{"token" => "x1"})
      iex> FerricStore.hgetex("session:7", ["token", "user"], ex: 60)
      ["x1", nil]
  """
  @spec hgetex(key(), field() | [field()], keyword()) :: [binary() | nil] | error()
  def hgetex(key, fields, options \\ []) do
    {words, target} = Argument.options(options, [:ex, :px, :exat, :pxat, :persist])
    Embedded.execute(["HGETEX", key] ++ words ++ fields(fields), target)
  end

  @doc """
  The values of fields, which are then removed.

      iex> FerricStore.hset("session:7", %{"token" => "x1"})
      iex> FerricStore.hgetdel("session:7", "token")
      ["x1"]
      iex> FerricStore.exists("session:7")
      0
  """
  @spec hgetdel(key(), field() | [field()], options()) :: [binary() | nil] | error()
  def hgetdel(key, fields, options \\ []),
    do: Embedded.execute(["HGETDEL", key | fields(fields)], options)

  @doc """
  Lets fields expire after `seconds`. `nx: true` only where there is no expiry time, `xx: true` only where there is one,
  `gt: true`, `lt: true` only where it becomes later, or earlier.

      iex> FerricStore.hset("user:1", %{"name" => "Ada"})
      iex> FerricStore.hexpire("user:1", 60, ["name", "age"])
      [true, nil]
      iex> FerricStore.hexpire("user:1", 30, "name", gt: true)
      [false]
  """
  @spec hexpire(key(), integer(), field() | [field()], keyword()) :: [changed()] | error()
  def hexpire(key, seconds, fields, options \\ []),
    do: expire("HEXPIRE", key, seconds, fields, options)

  @doc """
  As `hexpire/4`, in milliseconds.

      iex> FerricStore.hset("user:1", %{"name" => "Ada"})
      iex> FerricStore.hpexpire("user:1", 0, "name")
      [:deleted]
  """
  @spec hpexpire(key(), integer(), field() | [field()], keyword()) :: [changed()] | error()
  def hpexpire(key, milliseconds, fields, options \\ []),
    do: expire("HPEXPIRE", key, milliseconds, fields, options)

  @doc """
  As `hexpire/4`, at a Unix time in seconds.

      iex> FerricStore.hset("user:1", %{"name" => "Ada"})
      iex> FerricStore.hexpireat("user:1", 4_102_444_800, "name")
      [true]
  """
  @spec hexpireat(key(), integer(), field() | [field()], keyword()) :: [changed()] | error()
  def hexpireat(key, time, fields, options \\ []),
    do: expire("HEXPIREAT", key, time, fields, options)

  @doc """
  As `hexpire/4`, at a Unix time in milliseconds.

      iex> FerricStore.hset("user:1", %{"name" => "Ada"})
      iex> FerricStore.hpexpireat("user:1", 4_102_444_800_000, "name")
      [true]
  """
  @spec hpexpireat(key(), integer(), field() | [field()], keyword()) :: [changed()] | error()
  def hpexpireat(key, time, fields, options \\ []),
    do: expire("HPEXPIREAT", key, time, fields, options)

  @doc """
  Takes the expiry times of fields away; says for each whether it had one, `nil` if there is no such field.

      iex> FerricStore.hsetex("user:1", %{"name" => "Ada"}, ex: 60)
      iex> FerricStore.hpersist("user:1", ["name", "age"])
      [true, nil]
  """
  @spec hpersist(key(), field() | [field()], options()) :: [boolean() | nil] | error()
  def hpersist(key, fields, options \\ []) do
    ["HPERSIST", key | fields(fields)]
    |> Embedded.execute(options)
    |> each(fn
      -2 -> nil
      number -> number == 1
    end)
  end

  @doc """
  Seconds until fields expire.

      iex> FerricStore.hset("user:1", %{"name" => "Ada"})
      iex> FerricStore.httl("user:1", ["name", "age"])
      [:infinity, nil]
  """
  @spec httl(key(), field() | [field()], options()) :: [time()] | error()
  def httl(key, fields, options \\ []), do: times("HTTL", key, fields, options)

  @doc """
  Milliseconds until fields expire.

      iex> FerricStore.hset("user:1", %{"name" => "Ada"})
      iex> FerricStore.hpttl("user:1", "name")
      [:infinity]
  """
  @spec hpttl(key(), field() | [field()], options()) :: [time()] | error()
  def hpttl(key, fields, options \\ []), do: times("HPTTL", key, fields, options)

  @doc """
  Unix times in seconds at which fields expire.

      iex> FerricStore.hset("user:1", %{"name" => "Ada"})
      iex> FerricStore.hexpireat("user:1", 4_102_444_800, "name")
      iex> FerricStore.hexpiretime("user:1", "name")
      [4_102_444_800]
  """
  @spec hexpiretime(key(), field() | [field()], options()) :: [time()] | error()
  def hexpiretime(key, fields, options \\ []), do: times("HEXPIRETIME", key, fields, options)

  @doc """
  Unix times in milliseconds at which fields expire.

      iex> FerricStore.hset("user:1", %{"name" => "Ada"})
      iex> FerricStore.hexpireat("user:1", 4_102_444_800, "name")
      iex> FerricStore.hpexpiretime("user:1", "name")
      [4_102_444_800_000]
  """
  @spec hpexpiretime(key(), field() | [field()], options()) :: [time()] | error()
  def hpexpiretime(key, fields, options \\ []), do: times("HPEXPIRETIME", key, fields, options)

  defp pairs(fields), do: Enum.flat_map(fields, fn {field, value} -> [field, value] end)

  defp fields(fields) do
    fields = List.wrap(fields)
    ["FIELDS", length(fields) | fields]
  end

  defp expire(command, key, time, fields, options) do
    {words, target} = Argument.options(options, [:nx, :xx, :gt, :lt])

    ([command, key, time] ++ words ++ fields(fields))
    |> Embedded.execute(target)
    |> each(fn
      -2 -> nil
      0 -> false
      1 -> true
      2 -> :deleted
    end)
  end

  defp times(command, key, fields, options) do
    [command, key | fields(fields)]
    |> Embedded.execute(options)
    |> each(fn
      -2 -> nil
      -1 -> :infinity
      time -> time
    end)
  end

  defp each(replies, translate) when is_list(replies), do: Enum.map(replies, translate)
  defp each(reply, _translate), do: reply

  defp tuples(pairs) when is_list(pairs), do: Enum.map(pairs, &List.to_tuple/1)
  defp tuples(reply), do: reply
end
