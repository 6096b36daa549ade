defmodule FerricStore.Embedded.Sets do
  @moduledoc """
  Commands on sets, which are distinct members in no order.

  The examples are written as an application calls them: through `FerricStore`, which has all these functions. Every
  function takes `store:` and `db:` among its options, and may return `{:error, message}`.
  """

  alias FerricStore.Embedded
  alias FerricStore.Embedded.Argument

  @type key :: Argument.t()
  @type member :: Argument.t()
  @type error :: Embedded.error()
  @type options :: Embedded.target()

  @doc """
  Adds a member, or several; returns how many are new.

      iex> FerricStore.sadd("tags", ["red", "blue", "red"])
      2
  """
  @spec sadd(key(), member() | [member()], options()) :: non_neg_integer() | error()
  def sadd(key, members, options \\ []),
    do: Embedded.execute(["SADD", key | List.wrap(members)], options)

  @doc """
  Removes a member, or several; returns how many were there.

      iex> FerricStore.sadd("tags", ["red", "blue"])
      iex> FerricStore.srem("tags", ["red", "green"])
      1
  """
  @spec srem(key(), member() | [member()], options()) :: non_neg_integer() | error()
  def srem(key, members, options \\ []),
    do: Embedded.execute(["SREM", key | List.wrap(members)], options)

  @doc """
  How many members there are.

      iex> FerricStore.scard("nothing")
      0
  """
  @spec scard(key(), options()) :: non_neg_integer() | error()
  def scard(key, options \\ []), do: Embedded.execute(["SCARD", key], options)

  @doc """
  Whether something is a member.

      iex> FerricStore.sadd("tags", "red")
      iex> FerricStore.sismember("tags", "red")
      true
  """
  @spec sismember(key(), member(), options()) :: boolean() | error()
  def sismember(key, member, options \\ []),
    do: ["SISMEMBER", key, member] |> Embedded.execute(options) |> Embedded.truth()

  @doc """
  Whether each of several is a member.

      iex> FerricStore.sadd("tags", "red")
      iex> FerricStore.smismember("tags", ["blue", "red"])
      [false, true]
  """
  @spec smismember(key(), [member()], options()) :: [boolean()] | error()
  def smismember(key, members, options \\ []) do
    case Embedded.execute(["SMISMEMBER", key | List.wrap(members)], options) do
      answers when is_list(answers) -> Enum.map(answers, &Embedded.truth/1)
      error -> error
    end
  end

  @doc """
  All members.

      iex> FerricStore.sadd("tags", ["red", "blue"])
      iex> FerricStore.smembers("tags") |> Enum.sort()
      ["blue", "red"]
  """
  @spec smembers(key(), options()) :: [binary()] | error()
  def smembers(key, options \\ []), do: Embedded.execute(["SMEMBERS", key], options)

  @doc """
  Random members: `count` different ones, or all if there are fewer; with a negative count so many, which may be the
  same.

      iex> FerricStore.sadd("tags", "red")
      iex> FerricStore.srandmember("tags", -2)
      ["red", "red"]
  """
  @spec srandmember(key(), integer(), options()) :: [binary()] | error()
  def srandmember(key, count \\ 1, options \\ []),
    do: Embedded.execute(["SRANDMEMBER", key, count], options)

  @doc """
  Takes out random members: up to `count` of them.

      iex> FerricStore.sadd("tags", "red")
      iex> FerricStore.spop("tags")
      ["red"]
      iex> FerricStore.spop("tags", 3)
      []
  """
  @spec spop(key(), non_neg_integer(), options()) :: [binary()] | error()
  def spop(key, count \\ 1, options \\ []), do: Embedded.execute(["SPOP", key, count], options)

  @doc """
  Moves a member to another set; says whether it was there.

      iex> FerricStore.sadd("todo", "write")
      iex> FerricStore.smove("todo", "done", "write")
      true
  """
  @spec smove(key(), key(), member(), options()) :: boolean() | error()
  def smove(source, destination, member, options \\ []),
    do: ["SMOVE", source, destination, member] |> Embedded.execute(options) |> Embedded.truth()

  @doc """
  The members that all of these sets have.

      iex> FerricStore.sadd("a", [1, 2])
      iex> FerricStore.sadd("b", [2, 3])
      iex> FerricStore.sinter(["a", "b"])
      ["2"]
  """
  @spec sinter([key()], options()) :: [binary()] | error()
  def sinter(keys, options \\ []), do: Embedded.execute(["SINTER" | List.wrap(keys)], options)

  @doc """
  How many members all of these sets have; `limit:` counts no further.

      iex> FerricStore.sadd("a", [1, 2])
      iex> FerricStore.sadd("b", [2, 3])
      iex> FerricStore.sintercard(["a", "b"])
      1
  """
  @spec sintercard([key()], keyword()) :: non_neg_integer() | error()
  def sintercard(keys, options \\ []) do
    {words, target} = Argument.options(options, [:limit])
    keys = List.wrap(keys)
    Embedded.execute(["SINTERCARD", length(keys) | keys] ++ words, target)
  end

  @doc """
  Stores what `sinter/2` returns, and returns how many members that are.

      iex> FerricStore.sinterstore("both", ["a", "b"])
      0
  """
  @spec sinterstore(key(), [key()], options()) :: non_neg_integer() | error()
  def sinterstore(destination, keys, options \\ []),
    do: Embedded.execute(["SINTERSTORE", destination | List.wrap(keys)], options)

  @doc """
  The members of any of these sets.

      iex> FerricStore.sadd("a", [1, 2])
      iex> FerricStore.sadd("b", [2, 3])
      iex> FerricStore.sunion(["a", "b"]) |> Enum.sort()
      ["1", "2", "3"]
  """
  @spec sunion([key()], options()) :: [binary()] | error()
  def sunion(keys, options \\ []), do: Embedded.execute(["SUNION" | List.wrap(keys)], options)

  @doc """
  Stores what `sunion/2` returns, and returns how many members that are.

      iex> FerricStore.sadd("a", [1, 2])
      iex> FerricStore.sunionstore("all", ["a", "b"])
      2
  """
  @spec sunionstore(key(), [key()], options()) :: non_neg_integer() | error()
  def sunionstore(destination, keys, options \\ []),
    do: Embedded.execute(["SUNIONSTORE", destination | List.wrap(keys)], options)

  @doc """
  The members of the first set that none of the others has.

      iex> FerricStore.sadd("a", [1, 2])
      iex> FerricStore.sadd("b", [2, 3])
      iex> FerricStore.sdiff(["a", "b"])
      ["1"]
  """
  @spec sdiff([key()], options()) :: [binary()] | error()
  def sdiff(keys, options \\ []), do: Embedded.execute(["SDIFF" | List.wrap(keys)], options)

  @doc """
  Stores what `sdiff/2` returns, and returns how many members that are.

      iex> FerricStore.sadd("a", [1, 2])
      iex> FerricStore.sdiffstore("rest", ["a", "b"])
      2
  """
  @spec sdiffstore(key(), [key()], options()) :: non_neg_integer() | error()
  def sdiffstore(destination, keys, options \\ []),
    do: Embedded.execute(["SDIFFSTORE", destination | List.wrap(keys)], options)

  @doc """
  Some of the members, and the cursor for the next ones: begin with 0, end when 0 comes back. Options: `match:` a
  pattern, `count:` about how many.

      iex> FerricStore.sadd("tags", ["red", "blue"])
      iex> FerricStore.sscan("tags", 0, match: "r*")
      {0, ["red"]}
  """
  @spec sscan(key(), non_neg_integer(), keyword()) :: {non_neg_integer(), [binary()]} | error()
  def sscan(key, cursor, options \\ []) do
    {words, target} = Argument.options(options, [:match, :count])

    with [next, members] <- Embedded.execute(["SSCAN", key, cursor | words], target) do
      {String.to_integer(next), members}
    end
  end
end
