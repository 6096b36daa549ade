defmodule FerricStore.Embedded.Streams do
  @moduledoc """
  Commands on streams: logs of entries, each with an identifier that is greater than all before it and some fields,
  and groups of consumers who share the work on them.

  An identifier is text, `"milliseconds-number"`. An entry is `{id, fields}`, and fields are a list of `{name, value}`.
  The examples are written as an application calls them: through `FerricStore`, which has all these functions. Every
  function takes `store:` and `db:` among its options, and may return `{:error, message}`.
  """

  alias FerricStore.Embedded
  alias FerricStore.Embedded.Argument

  @type key :: Argument.t()
  @type id :: Argument.t()
  @type error :: Embedded.error()
  @type options :: Embedded.target()

  @typedoc "An entry: its identifier, and its fields' names and values."
  @type entry :: {id :: binary(), fields :: [{name :: binary(), value :: binary()}]}

  @typedoc "An entry that is pending: delivered to a consumer, so long ago in milliseconds, so many times."
  @type pending ::
          {id :: binary(), consumer :: binary(), idle :: non_neg_integer(),
           deliveries :: non_neg_integer()}

  @doc """
  Adds an entry and returns its identifier. Takes the fields as a map or a list of `{name, value}`.

  Options: `id:` an identifier, or `"ms-*"` for one in a certain millisecond, instead of one of now; `maxlen:` or
  `minid:` trims as `xtrim/2` does, with its `approximate:` and `limit:`; `nomkstream: true` adds nothing, and returns
  `nil`, if there is no stream.

      iex> FerricStore.xadd("log", [{"event", "start"}, {"by", "Ada"}], id: "1-1")
      "1-1"
      iex> FerricStore.xadd("log", %{"event" => "stop"}, id: "1-*", maxlen: 1000)
      "1-2"
      iex> FerricStore.xadd("nothing", %{"a" => 1}, nomkstream: true)
      nil
  """
  @spec xadd(key(), Enumerable.t({Argument.t(), Argument.t()}), keyword()) ::
          binary() | nil | error()
  def xadd(key, fields, options \\ []) do
    {id, options} = Keyword.pop(options, :id, "*")
    {create, options} = Keyword.split(options, [:nomkstream])
    {trim, target} = trim(options)
    {create, []} = Argument.options(create, [:nomkstream])
    fields = Enum.flat_map(fields, fn {name, value} -> [name, value] end)
    Embedded.execute(["XADD", key] ++ create ++ trim ++ [id | fields], target)
  end

  @doc """
  Removes the oldest entries and returns how many that were.

  Options: `maxlen:` entries that may stay, or `minid:` the first identifier that stays; `approximate: true` lets some
  more stay where that is cheaper, and then `limit:` is how many may go at once.

      iex> for n <- 1..5, do: FerricStore.xadd("log", %{"n" => n}, id: "\#{n}-0")
      iex> FerricStore.xtrim("log", maxlen: 3)
      2
      iex> FerricStore.xtrim("log", minid: "4")
      1
  """
  @spec xtrim(key(), keyword()) :: non_neg_integer() | error()
  def xtrim(key, options) do
    {words, target} = trim(options)
    Embedded.execute(["XTRIM", key | words], target)
  end

  @doc """
  How many entries there are.

      iex> FerricStore.xlen("nothing")
      0
  """
  @spec xlen(key(), options()) :: non_neg_integer() | error()
  def xlen(key, options \\ []), do: Embedded.execute(["XLEN", key], options)

  @doc """
  The entries from one identifier to another, both included; `"-"` and `"+"` are the ends of the stream, and a
  parenthesis in front of an identifier leaves it out. Option: `count:` returns so many at most.

      iex> for n <- 1..3, do: FerricStore.xadd("log", %{"n" => n}, id: "\#{n}-0")
      iex> FerricStore.xrange("log", "(1-0", "+", count: 1)
      [{"2-0", [{"n", "2"}]}]
      iex> FerricStore.xrange("nothing")
      []
  """
  @spec xrange(key(), id(), id(), keyword()) :: [entry()] | error()
  def xrange(key, first \\ "-", last \\ "+", options \\ []),
    do: range(["XRANGE", key, first, last], options)

  @doc """
  As `xrange/4`, the last entry first; and so are the two ends.

      iex> for n <- 1..3, do: FerricStore.xadd("log", %{"n" => n}, id: "\#{n}-0")
      iex> FerricStore.xrevrange("log", "+", "-", count: 1)
      [{"3-0", [{"n", "3"}]}]
  """
  @spec xrevrange(key(), id(), id(), keyword()) :: [entry()] | error()
  def xrevrange(key, last \\ "+", first \\ "-", options \\ []),
    do: range(["XREVRANGE", key, last, first], options)

  @doc """
  Removes an entry, or several, and returns how many were there.

      iex> FerricStore.xadd("log", %{"n" => 1}, id: "1-0")
      iex> FerricStore.xdel("log", ["1-0", "2-0"])
      1
  """
  @spec xdel(key(), id() | [id()], options()) :: non_neg_integer() | error()
  def xdel(key, ids, options \\ []), do: Embedded.execute(["XDEL", key | List.wrap(ids)], options)

  @doc """
  Reads several streams: of each the entries after an identifier. Takes a map or a list of `{key, id}`; returns a map
  with the streams that have such entries. Option: `count:` returns so many of each at most.

      iex> for n <- 1..3, do: FerricStore.xadd("log", %{"n" => n}, id: "\#{n}-0")
      iex> FerricStore.xread(%{"log" => "1-0", "other" => 0}, count: 1)
      %{"log" => [{"2-0", [{"n", "2"}]}]}
      iex> FerricStore.xread(%{"log" => "3-0"})
      %{}
  """
  @spec xread(Enumerable.t({key(), id()}), keyword()) :: %{binary() => [entry()]} | error()
  def xread(streams, options \\ []) do
    {words, target} = Argument.options(options, [:count])
    read(["XREAD" | words], streams, target)
  end

  @doc """
  Creates a consumer group that will be delivered the entries after an identifier; `"$"`: what comes from now on.

  Options: `mkstream: true` creates the stream if need be; `entriesread:` how many entries the stream had up to there.

      iex> FerricStore.xgroup_create("jobs", "workers", 0, mkstream: true)
      :ok
      iex> FerricStore.xgroup_create("jobs", "workers")
      {:error, "BUSYGROUP Consumer Group name already exists"}
  """
  @spec xgroup_create(key(), Argument.t(), id(), keyword()) :: :ok | error()
  def xgroup_create(key, group, id \\ "$", options \\ []) do
    {words, target} = Argument.options(options, [:mkstream, :entriesread])
    Embedded.execute(["XGROUP", "CREATE", key, group, id | words], target)
  end

  @doc """
  Sets after which entry a group goes on. Option: `entriesread:` as for `xgroup_create/4`.

      iex> FerricStore.xgroup_create("jobs", "workers", "$", mkstream: true)
      iex> FerricStore.xgroup_setid("jobs", "workers", 0)
      :ok
  """
  @spec xgroup_setid(key(), Argument.t(), id(), keyword()) :: :ok | error()
  def xgroup_setid(key, group, id, options \\ []) do
    {words, target} = Argument.options(options, [:entriesread])
    Embedded.execute(["XGROUP", "SETID", key, group, id | words], target)
  end

  @doc """
  Removes a group; says whether it was there.

      iex> FerricStore.xgroup_create("jobs", "workers", 0, mkstream: true)
      iex> FerricStore.xgroup_destroy("jobs", "workers")
      true
  """
  @spec xgroup_destroy(key(), Argument.t(), options()) :: boolean() | error()
  def xgroup_destroy(key, group, options \\ []),
    do: ["XGROUP", "DESTROY", key, group] |> Embedded.execute(options) |> Embedded.truth()

  @doc """
  Creates a consumer, which reading does as well; says whether it was not there.

      iex> FerricStore.xgroup_create("jobs", "workers", 0, mkstream: true)
      iex> FerricStore.xgroup_createconsumer("jobs", "workers", "ada")
      true
  """
  @spec xgroup_createconsumer(key(), Argument.t(), Argument.t(), options()) :: boolean() | error()
  def xgroup_createconsumer(key, group, consumer, options \\ []) do
    ["XGROUP", "CREATECONSUMER", key, group, consumer]
    |> Embedded.execute(options)
    |> Embedded.truth()
  end

  @doc """
  Removes a consumer and returns how many entries were pending for it: nobody will work on them.

      iex> FerricStore.xgroup_create("jobs", "workers", 0, mkstream: true)
      iex> FerricStore.xgroup_delconsumer("jobs", "workers", "nobody")
      0
  """
  @spec xgroup_delconsumer(key(), Argument.t(), Argument.t(), options()) ::
          non_neg_integer() | error()
  def xgroup_delconsumer(key, group, consumer, options \\ []),
    do: Embedded.execute(["XGROUP", "DELCONSUMER", key, group, consumer], options)

  @doc """
  Reads several streams for a consumer of a group. Of a stream with `">"`, it is delivered entries that nobody of the
  group was; with an identifier, its own pending entries after that, those deleted meanwhile with `nil` for fields.

  Options: `count:` so many of each stream at most; `noack: true` does not note what is pending.

      iex> for n <- 1..3, do: FerricStore.xadd("jobs", %{"n" => n}, id: "\#{n}-0")
      iex> FerricStore.xgroup_create("jobs", "workers", 0)
      iex> FerricStore.xreadgroup("workers", "ada", %{"jobs" => ">"}, count: 1)
      %{"jobs" => [{"1-0", [{"n", "1"}]}]}
      iex> FerricStore.xreadgroup("workers", "ada", %{"jobs" => 0})
      %{"jobs" => [{"1-0", [{"n", "1"}]}]}
      iex> FerricStore.xack("jobs", "workers", "1-0")
      1
      iex> FerricStore.xreadgroup("workers", "ada", %{"jobs" => 0})
      %{"jobs" => []}
  """
  @spec xreadgroup(Argument.t(), Argument.t(), Enumerable.t({key(), id()}), keyword()) ::
          %{binary() => [entry() | {binary(), nil}]} | error()
  def xreadgroup(group, consumer, streams, options \\ []) do
    {words, target} = Argument.options(options, [:count, :noack])
    read(["XREADGROUP", "GROUP", group, consumer | words], streams, target)
  end

  @doc """
  Notes that an entry, or several, have been worked on; returns how many were pending.

      iex> FerricStore.xack("jobs", "nobody", ["1-0", "2-0"])
      0
  """
  @spec xack(key(), Argument.t(), id() | [id()], options()) :: non_neg_integer() | error()
  def xack(key, group, ids, options \\ []),
    do: Embedded.execute(["XACK", key, group | List.wrap(ids)], options)

  @doc """
  What is pending in a group: how much, the first and last identifiers, and how much for each consumer.

      iex> for n <- 1..3, do: FerricStore.xadd("jobs", %{"n" => n}, id: "\#{n}-0")
      iex> FerricStore.xgroup_create("jobs", "workers", 0)
      iex> FerricStore.xreadgroup("workers", "ada", %{"jobs" => ">"}, count: 2)
      iex> FerricStore.xpending("jobs", "workers")
      %{count: 2, first: "1-0", last: "2-0", consumers: %{"ada" => 2}}
  """
  @spec xpending(key(), Argument.t(), options()) :: map() | error()
  def xpending(key, group, options \\ []) do
    with [count, first, last, consumers] <- Embedded.execute(["XPENDING", key, group], options) do
      consumers = Map.new(consumers || [], fn [name, n] -> {name, String.to_integer(n)} end)
      %{count: count, first: first, last: last, consumers: consumers}
    end
  end

  @doc """
  The pending entries between two identifiers (as for `xrange/4`), `count` at most.

  Options: `idle:` only what was delivered at least so many milliseconds ago; `consumer:` only what is pending for it.

      iex> FerricStore.xadd("jobs", %{"n" => 1}, id: "1-0")
      iex> FerricStore.xgroup_create("jobs", "workers", 0)
      iex> FerricStore.xreadgroup("workers", "ada", %{"jobs" => ">"})
      iex> [{"1-0", "ada", idle, 1}] = FerricStore.xpending_range("jobs", "workers", "-", "+", 10)
      iex> idle < 60_000
      true
  """
  @spec xpending_range(key(), Argument.t(), id(), id(), non_neg_integer(), keyword()) ::
          [pending()] | error()
  def xpending_range(key, group, first, last, count, options \\ []) do
    {consumer, options} = Keyword.pop(options, :consumer)
    {idle, target} = Argument.options(options, [:idle])
    words = ["XPENDING", key, group] ++ idle ++ [first, last, count] ++ List.wrap(consumer)

    with entries when is_list(entries) <- Embedded.execute(words, target),
         do: Enum.map(entries, &List.to_tuple/1)
  end

  @doc """
  Gives pending entries that were delivered at least `min_idle` milliseconds ago to a consumer, and returns them.

  Options: `idle:` milliseconds since they are to count as delivered, or `time:` when, in Unix milliseconds;
  `retrycount:` how often; `force: true` also what is not pending; `justid: true` returns identifiers, and does not count
  it as a delivery; `lastid:` how far the group has got at least.

      iex> FerricStore.xadd("jobs", %{"n" => 1}, id: "1-0")
      iex> FerricStore.xgroup_create("jobs", "workers", 0)
      iex> FerricStore.xreadgroup("workers", "ada", %{"jobs" => ">"})
      iex> FerricStore.xclaim("jobs", "workers", "grace", 0, "1-0")
      [{"1-0", [{"n", "1"}]}]
      iex> FerricStore.xclaim("jobs", "workers", "ada", 0, ["1-0", "2-0"], justid: true)
      ["1-0"]
  """
  @spec xclaim(key(), Argument.t(), Argument.t(), non_neg_integer(), id() | [id()], keyword()) ::
          [entry() | binary()] | error()
  def xclaim(key, group, consumer, min_idle, ids, options \\ []) do
    allowed = [:idle, :time, :retrycount, :force, :justid, :lastid]
    {words, target} = Argument.options(options, allowed)

    ["XCLAIM", key, group, consumer, min_idle | List.wrap(ids) ++ words]
    |> Embedded.execute(target)
    |> entries()
  end

  @doc """
  As `xclaim/6`, for whatever is pending from an identifier on: returns `{next, entries, deleted}`, the identifier to
  go on with (`"0-0"` at the end), what was claimed, and what is no longer pending because it was deleted.

  Options: `count:` so many at most, 100 unless given; `justid: true` as for `xclaim/6`.

      iex> FerricStore.xadd("jobs", %{"n" => 1}, id: "1-0")
      iex> FerricStore.xgroup_create("jobs", "workers", 0)
      iex> FerricStore.xreadgroup("workers", "ada", %{"jobs" => ">"})
      iex> FerricStore.xautoclaim("jobs", "workers", "grace", 0)
      {"0-0", [{"1-0", [{"n", "1"}]}], []}
  """
  @spec xautoclaim(key(), Argument.t(), Argument.t(), non_neg_integer(), id(), keyword()) ::
          {binary(), [entry() | binary()], [binary()]} | error()
  def xautoclaim(key, group, consumer, min_idle, start \\ "0-0", options \\ []) do
    {words, target} = Argument.options(options, [:count, :justid])
    words = ["XAUTOCLAIM", key, group, consumer, min_idle, start | words]

    with [next, claimed, deleted] <- Embedded.execute(words, target),
         do: {next, entries(claimed), deleted}
  end

  @doc """
  What there is to know about a stream, by the names that Redis's XINFO STREAM gives it.

      iex> FerricStore.xadd("log", %{"n" => 1}, id: "1-0")
      iex> %{"length" => 1, "last-generated-id" => "1-0"} = FerricStore.xinfo_stream("log")
      iex> FerricStore.xinfo_stream("nothing")
      {:error, "ERR no such key"}
  """
  @spec xinfo_stream(key(), options()) :: map() | error()
  def xinfo_stream(key, options \\ []) do
    with %{} = info <- Embedded.execute(["XINFO", "STREAM", key], options) do
      Enum.reduce(["first-entry", "last-entry"], info, fn name, info ->
        Map.update!(info, name, &entry/1)
      end)
    end
  end

  @doc """
  What there is to know about the groups of a stream: a list of maps as `xinfo_stream/2` returns.

      iex> FerricStore.xgroup_create("jobs", "workers", 0, mkstream: true)
      iex> [%{"name" => "workers", "pending" => 0, "lag" => lag}] = FerricStore.xinfo_groups("jobs")
      iex> lag
      0
  """
  @spec xinfo_groups(key(), options()) :: [map()] | error()
  def xinfo_groups(key, options \\ []), do: Embedded.execute(["XINFO", "GROUPS", key], options)

  @doc """
  What there is to know about the consumers of a group: a list of maps as `xinfo_stream/2` returns.

      iex> FerricStore.xgroup_create("jobs", "workers", 0, mkstream: true)
      iex> FerricStore.xinfo_consumers("jobs", "workers")
      []
  """
  @spec xinfo_consumers(key(), Argument.t(), options()) :: [map()] | error()
  def xinfo_consumers(key, group, options \\ []),
    do: Embedded.execute(["XINFO", "CONSUMERS", key, group], options)

  # MAXLEN or MINID with what belongs to it, in the order that the command wants.
  defp trim(options) do
    {bound, rest} = Keyword.split(options, [:maxlen, :minid])
    {approximate, rest} = Keyword.pop(rest, :approximate, false)
    {limit, target} = Argument.options(rest, [:limit])
    sign = if approximate, do: ["~"], else: []

    words =
      Enum.flat_map(bound, fn {name, value} ->
        [String.upcase(Atom.to_string(name), :ascii)] ++ sign ++ [value]
      end)

    {words ++ limit, target}
  end

  defp range(words, options) do
    {count, target} = Argument.options(options, [:count])
    (words ++ count) |> Embedded.execute(target) |> entries()
  end

  defp read(words, streams, target) do
    {keys, ids} = streams |> Enum.to_list() |> Enum.unzip()

    case Embedded.execute(words ++ ["STREAMS" | keys ++ ids], target) do
      nil -> %{}
      %{} = read -> Map.new(read, fn {key, entries} -> {key, entries(entries)} end)
      pairs when is_list(pairs) -> Map.new(pairs, fn [key, found] -> {key, entries(found)} end)
      error -> error
    end
  end

  # `count: 0` is answered with nothing instead of an empty list.
  defp entries(nil), do: []
  defp entries(entries) when is_list(entries), do: Enum.map(entries, &entry/1)
  defp entries(error), do: error

  defp entry([id, nil]), do: {id, nil}
  defp entry([id, fields]), do: {id, pairs(fields)}
  defp entry(id), do: id

  defp pairs([name, value | rest]), do: [{name, value} | pairs(rest)]
  defp pairs([]), do: []
end
