defmodule FerricStore.Embedded.SortedSets do
  @moduledoc """
  Commands on sorted sets: distinct members, each with a score, in the order of their scores; and on places, which are
  members of a sorted set too.

  Scores are floats; the infinite ones are `"inf"` and `"-inf"`. The examples are written as an application calls them:
  through `FerricStore`, which has all these functions. Every function takes `store:` and `db:` among its options, and
  may return `{:error, message}`.
  """

  alias FerricStore.Embedded
  alias FerricStore.Embedded.Argument

  @type key :: Argument.t()
  @type member :: Argument.t()
  @type score :: number() | String.t()
  @type error :: Embedded.error()
  @type options :: Embedded.target()

  @typedoc "A member with its score."
  @type entry :: {binary(), score()}

  @doc """
  Adds members with their scores, or changes the scores of those that are there; returns how many were added. Takes a
  map or a list of `{member, score}`.

  Options: `nx: true` only adds; `xx: true` only changes; `gt: true`, `lt: true` change a score only if it becomes
  greater, or less; `ch: true` returns how many were added or changed.

      iex> FerricStore.zadd("board", %{"Ada" => 10, "Grace" => 7.5})
      2
      iex> FerricStore.zadd("board", [{"Ada", 12}, {"Linus", 3}], ch: true)
      2
  """
  @spec zadd(key(), Enumerable.t({member(), score()}), keyword()) :: non_neg_integer() | error()
  def zadd(key, entries, options \\ []) do
    {words, target} = Argument.options(options, [:nx, :xx, :gt, :lt, :ch])
    pairs = Enum.flat_map(entries, fn {member, score} -> [score, member] end)
    Embedded.execute(["ZADD", key | words ++ pairs], target)
  end

  @doc """
  Adds to the score of a member, which is 0 if it is not there, and returns the sum.

      iex> FerricStore.zincrby("board", 2.5, "Ada")
      2.5
  """
  @spec zincrby(key(), score(), member(), options()) :: score() | error()
  def zincrby(key, amount, member, options \\ []),
    do: Embedded.execute(["ZINCRBY", key, amount, member], options)

  @doc """
  Removes a member, or several, and returns how many were there.

      iex> FerricStore.zadd("board", %{"Ada" => 1})
      iex> FerricStore.zrem("board", ["Ada", "nobody"])
      1
  """
  @spec zrem(key(), member() | [member()], options()) :: non_neg_integer() | error()
  def zrem(key, members, options \\ []),
    do: Embedded.execute(["ZREM", key | List.wrap(members)], options)

  @doc """
  How many members there are.

      iex> FerricStore.zcard("nothing")
      0
  """
  @spec zcard(key(), options()) :: non_neg_integer() | error()
  def zcard(key, options \\ []), do: Embedded.execute(["ZCARD", key], options)

  @doc """
  The score of a member, or `nil`.

      iex> FerricStore.zadd("board", %{"Ada" => 10})
      iex> FerricStore.zscore("board", "Ada")
      10.0
  """
  @spec zscore(key(), member(), options()) :: score() | nil | error()
  def zscore(key, member, options \\ []), do: Embedded.execute(["ZSCORE", key, member], options)

  @doc """
  The scores of several members in their order, `nil` for each that is not there.

      iex> FerricStore.zadd("board", %{"Ada" => 10})
      iex> FerricStore.zmscore("board", ["nobody", "Ada"])
      [nil, 10.0]
  """
  @spec zmscore(key(), [member()], options()) :: [score() | nil] | error()
  def zmscore(key, members, options \\ []),
    do: Embedded.execute(["ZMSCORE", key | List.wrap(members)], options)

  @doc """
  How many members have lower scores, or `nil` if the member is not there.

      iex> FerricStore.zadd("board", %{"Ada" => 10, "Grace" => 7})
      iex> FerricStore.zrank("board", "Ada")
      1
  """
  @spec zrank(key(), member(), options()) :: non_neg_integer() | nil | error()
  def zrank(key, member, options \\ []), do: Embedded.execute(["ZRANK", key, member], options)

  @doc """
  How many members have higher scores, or `nil` if the member is not there.

      iex> FerricStore.zadd("board", %{"Ada" => 10, "Grace" => 7})
      iex> FerricStore.zrevrank("board", "Ada")
      0
  """
  @spec zrevrank(key(), member(), options()) :: non_neg_integer() | nil | error()
  def zrevrank(key, member, options \\ []),
    do: Embedded.execute(["ZREVRANK", key, member], options)

  @doc """
  The members from one rank to another, both included; negative ranks count from the end.

  Options: `byscore: true` or `bylex: true` for a range of scores or members as Redis writes them; `rev: true` for the
  other direction; `limit: {offset, count}`; `withscores: true` for `{member, score}` instead of members.

      iex> FerricStore.zadd("board", %{"Ada" => 10, "Grace" => 7, "Linus" => 3})
      iex> FerricStore.zrange("board", 0, 1, rev: true, withscores: true)
      [{"Ada", 10.0}, {"Grace", 7.0}]
      iex> FerricStore.zrange("board", "(3", "inf", byscore: true)
      ["Grace", "Ada"]
  """
  @spec zrange(key(), Argument.t(), Argument.t(), keyword()) :: [binary() | entry()] | error()
  def zrange(key, first, last, options \\ []) do
    {limit, options} = Keyword.pop(options, :limit)
    {words, target} = Argument.options(options, [:byscore, :bylex, :rev, :withscores])
    range = ["ZRANGE", key, first, last] ++ limit(limit) ++ words
    range |> Embedded.execute(target) |> entries(options[:withscores])
  end

  @doc """
  How many members have scores in a range.

      iex> FerricStore.zadd("board", %{"Ada" => 10, "Grace" => 7, "Linus" => 3})
      iex> FerricStore.zcount("board", 5, "inf")
      2
  """
  @spec zcount(key(), Argument.t(), Argument.t(), options()) :: non_neg_integer() | error()
  def zcount(key, min, max, options \\ []),
    do: Embedded.execute(["ZCOUNT", key, min, max], options)

  @doc """
  Removes the members with scores in a range and returns how many there were.

      iex> FerricStore.zadd("board", %{"Ada" => 10, "Grace" => 7, "Linus" => 3})
      iex> FerricStore.zremrangebyscore("board", "-inf", 7)
      2
  """
  @spec zremrangebyscore(key(), Argument.t(), Argument.t(), options()) ::
          non_neg_integer() | error()
  def zremrangebyscore(key, min, max, options \\ []),
    do: Embedded.execute(["ZREMRANGEBYSCORE", key, min, max], options)

  @doc """
  Takes out up to `count` members with the lowest scores.

      iex> FerricStore.zadd("jobs", %{"first" => 1, "second" => 2})
      iex> FerricStore.zpopmin("jobs", 1)
      [{"first", 1.0}]
  """
  @spec zpopmin(key(), non_neg_integer(), options()) :: [entry()] | error()
  def zpopmin(key, count \\ 1, options \\ []),
    do: ["ZPOPMIN", key, count] |> Embedded.execute(options) |> entries(true)

  @doc """
  Takes out up to `count` members with the highest scores.

      iex> FerricStore.zadd("jobs", %{"first" => 1, "second" => 2})
      iex> FerricStore.zpopmax("jobs", 1)
      [{"second", 2.0}]
  """
  @spec zpopmax(key(), non_neg_integer(), options()) :: [entry()] | error()
  def zpopmax(key, count \\ 1, options \\ []),
    do: ["ZPOPMAX", key, count] |> Embedded.execute(options) |> entries(true)

  @doc """
  Adds places, `{member, longitude, latitude}` in degrees, or moves those that are there; returns how many were added.

      iex> FerricStore.geoadd("sicily", [{"Palermo", 13.361389, 38.115556}])
      1
  """
  @spec geoadd(key(), [{member(), number(), number()}], options()) :: non_neg_integer() | error()
  def geoadd(key, places, options \\ []) do
    words =
      Enum.flat_map(places, fn {member, longitude, latitude} -> [longitude, latitude, member] end)

    Embedded.execute(["GEOADD", key | words], options)
  end

  @doc """
  Longitudes and latitudes of members, `nil` for each that is not there. They are exact to less than a metre.

      iex> FerricStore.geoadd("sicily", [{"Palermo", 13.361389, 38.115556}])
      iex> [{longitude, _latitude}, nil] = FerricStore.geopos("sicily", ["Palermo", "Rome"])
      iex> Float.round(longitude, 4)
      13.3614
  """
  @spec geopos(key(), [member()], options()) :: [{float(), float()} | nil] | error()
  def geopos(key, members, options \\ []) do
    case Embedded.execute(["GEOPOS", key | List.wrap(members)], options) do
      places when is_list(places) ->
        Enum.map(places, fn place -> place && List.to_tuple(place) end)

      other ->
        other
    end
  end

  @doc """
  The distance between two members in metres, or in `unit:` (`"km"`, `"mi"`, `"ft"`); `nil` if one is not there.

      iex> FerricStore.geoadd("sicily", [{"Palermo", 13.361389, 38.115556}, {"Catania", 15.087269, 37.502669}])
      iex> FerricStore.geodist("sicily", "Palermo", "Catania", unit: "km")
      166.2742
  """
  @spec geodist(key(), member(), member(), keyword()) :: float() | nil | error()
  def geodist(key, first, second, options \\ []) do
    {unit, target} = Keyword.pop(options, :unit, "m")

    case Embedded.execute(["GEODIST", key, first, second, unit], target) do
      distance when is_binary(distance) -> String.to_float(distance)
      other -> other
    end
  end

  @doc """
  The members around a place `{longitude, latitude}` or a member, the nearest first: within `radius:` or within
  `box: {width, height}`, in metres or in `unit:`. `count:` limits their number.

      iex> FerricStore.geoadd("sicily", [{"Palermo", 13.361389, 38.115556}, {"Catania", 15.087269, 37.502669}])
      iex> FerricStore.geosearch("sicily", {15, 37}, radius: 200, unit: "km")
      ["Catania", "Palermo"]
      iex> FerricStore.geosearch("sicily", "Palermo", radius: 100, unit: "km")
      ["Palermo"]
  """
  @spec geosearch(key(), {number(), number()} | member(), keyword()) :: [binary()] | error()
  def geosearch(key, origin, options) do
    {words, target} = search(origin, options, [])
    Embedded.execute(["GEOSEARCH", key | words], target)
  end

  @doc """
  Stores what `geosearch/3` finds, with the same options, as a sorted set, and returns how many members that are. Their
  scores say where they are, or with `storedist: true` how far away, in the unit of the search.

      iex> FerricStore.geoadd("sicily", [{"Palermo", 13.361389, 38.115556}, {"Catania", 15.087269, 37.502669}])
      iex> FerricStore.geosearchstore("near", "sicily", {15, 37}, radius: 100, unit: "km", storedist: true)
      1
      iex> FerricStore.zrange("near", 0, -1)
      ["Catania"]
  """
  @spec geosearchstore(key(), key(), {number(), number()} | member(), keyword()) ::
          non_neg_integer() | error()
  def geosearchstore(destination, source, origin, options) do
    {words, target} = search(origin, options, [:storedist])
    Embedded.execute(["GEOSEARCHSTORE", destination, source | words], target)
  end

  @doc """
  The geohashes of members, 11 characters each; `nil` for each that is not there.

      iex> FerricStore.geoadd("sicily", [{"Palermo", 13.361389, 38.115556}])
      iex> FerricStore.geohash("sicily", ["Palermo", "Rome"])
      ["sqc8b49rny0", nil]
  """
  @spec geohash(key(), member() | [member()], options()) :: [binary() | nil] | error()
  def geohash(key, members, options \\ []),
    do: Embedded.execute(["GEOHASH", key | List.wrap(members)], options)

  defp search(origin, options, more) do
    {shape, options} = Keyword.split(options, [:radius, :box, :unit])
    {words, target} = Argument.options(options, [:count | more])
    {from(origin) ++ by(Map.new(shape)) ++ ["ASC" | words], target}
  end

  defp from({longitude, latitude}), do: ["FROMLONLAT", longitude, latitude]
  defp from(member), do: ["FROMMEMBER", member]

  defp by(%{radius: radius} = shape), do: ["BYRADIUS", radius, Map.get(shape, :unit, "m")]

  defp by(%{box: {width, height}} = shape),
    do: ["BYBOX", width, height, Map.get(shape, :unit, "m")]

  defp by(_shape), do: raise(ArgumentError, "geosearch needs radius: or box:")

  defp limit(nil), do: []
  defp limit({offset, count}), do: ["LIMIT", offset, count]

  defp entries(pairs, true) when is_list(pairs), do: Enum.map(pairs, &List.to_tuple/1)
  defp entries(reply, _without_scores), do: reply
end
