defmodule FerricStore.Embedded.Filters do
  @moduledoc """
  Commands on Bloom and cuckoo filters: whether something has been added, for sure if the answer is no, most likely if
  it is yes. Cuckoo filters can forget again.

  The examples are written as an application calls them: through `FerricStore`, which has all these functions. Every
  function takes `store:` and `db:` among its options, and may return `{:error, message}`.
  """

  alias FerricStore.Embedded
  alias FerricStore.Embedded.Argument

  @type key :: Argument.t()
  @type item :: Argument.t()
  @type error :: Embedded.error()
  @type options :: Embedded.target()

  @doc """
  Makes a Bloom filter for `capacity` items, of which a share of `error_rate` is taken for one of them in error. It grows
  when there are more, by the factor `expansion:` (2), or refuses with `nonscaling: true`.

      iex> FerricStore.bf_reserve("seen", 0.001, 10_000)
      :ok
  """
  @spec bf_reserve(key(), float(), pos_integer(), keyword()) :: :ok | error()
  def bf_reserve(key, error_rate, capacity, options \\ []) do
    {words, target} = Argument.options(options, [:expansion, :nonscaling])
    Embedded.execute(["BF.RESERVE", key, error_rate, capacity | words], target)
  end

  @doc """
  Adds an item to a Bloom filter, which is made if there is none; says whether it was not in it.

      iex> FerricStore.bf_add("seen", "a")
      true
      iex> FerricStore.bf_add("seen", "a")
      false
  """
  @spec bf_add(key(), item(), options()) :: boolean() | error()
  def bf_add(key, item, options \\ []),
    do: ["BF.ADD", key, item] |> Embedded.execute(options) |> Embedded.truth()

  @doc """
  Adds several items to a Bloom filter.

      iex> FerricStore.bf_madd("seen", ["a", "b", "a"])
      [true, true, false]
  """
  @spec bf_madd(key(), [item()], options()) :: [boolean() | error()] | error()
  def bf_madd(key, items, options \\ []), do: truths(["BF.MADD", key | List.wrap(items)], options)

  @doc """
  Whether an item is in a Bloom filter, most likely.

      iex> FerricStore.bf_add("seen", "a")
      iex> FerricStore.bf_exists("seen", "a")
      true
  """
  @spec bf_exists(key(), item(), options()) :: boolean() | error()
  def bf_exists(key, item, options \\ []),
    do: ["BF.EXISTS", key, item] |> Embedded.execute(options) |> Embedded.truth()

  @doc """
  As `bf_exists/3` for several items.

      iex> FerricStore.bf_add("seen", "a")
      iex> FerricStore.bf_mexists("seen", ["a", "z"])
      [true, false]
  """
  @spec bf_mexists(key(), [item()], options()) :: [boolean()] | error()
  def bf_mexists(key, items, options \\ []),
    do: truths(["BF.MEXISTS", key | List.wrap(items)], options)

  @doc """
  How many items a Bloom filter has been given.

      iex> FerricStore.bf_madd("seen", ["a", "b"])
      iex> FerricStore.bf_card("seen")
      2
  """
  @spec bf_card(key(), options()) :: non_neg_integer() | error()
  def bf_card(key, options \\ []), do: Embedded.execute(["BF.CARD", key], options)

  @doc """
  What there is to know about a Bloom filter.

      iex> FerricStore.bf_reserve("seen", 0.01, 500)
      iex> FerricStore.bf_info("seen")["Capacity"]
      500
  """
  @spec bf_info(key(), options()) :: map() | error()
  def bf_info(key, options \\ []), do: Embedded.execute(["BF.INFO", key], options)

  @doc """
  Makes a cuckoo filter for `capacity` items. Options: `bucketsize:`, `maxiterations:`, `expansion:`.

      iex> FerricStore.cf_reserve("sold", 1000)
      :ok
  """
  @spec cf_reserve(key(), pos_integer(), keyword()) :: :ok | error()
  def cf_reserve(key, capacity, options \\ []) do
    {words, target} = Argument.options(options, [:bucketsize, :maxiterations, :expansion])
    Embedded.execute(["CF.RESERVE", key, capacity | words], target)
  end

  @doc """
  Adds an item to a cuckoo filter, even if it is in it.

      iex> FerricStore.cf_add("sold", "a")
      true
  """
  @spec cf_add(key(), item(), options()) :: boolean() | error()
  def cf_add(key, item, options \\ []),
    do: ["CF.ADD", key, item] |> Embedded.execute(options) |> Embedded.truth()

  @doc """
  Adds an item to a cuckoo filter if it is not in it; says whether it did.

      iex> FerricStore.cf_addnx("sold", "a")
      true
      iex> FerricStore.cf_addnx("sold", "a")
      false
  """
  @spec cf_addnx(key(), item(), options()) :: boolean() | error()
  def cf_addnx(key, item, options \\ []),
    do: ["CF.ADDNX", key, item] |> Embedded.execute(options) |> Embedded.truth()

  @doc """
  Whether an item is in a cuckoo filter, most likely.

      iex> FerricStore.cf_exists("sold", "a")
      false
  """
  @spec cf_exists(key(), item(), options()) :: boolean() | error()
  def cf_exists(key, item, options \\ []),
    do: ["CF.EXISTS", key, item] |> Embedded.execute(options) |> Embedded.truth()

  @doc """
  As `cf_exists/3` for several items.

      iex> FerricStore.cf_add("sold", "a")
      iex> FerricStore.cf_mexists("sold", ["a", "b"])
      [true, false]
  """
  @spec cf_mexists(key(), [item()], options()) :: [boolean()] | error()
  def cf_mexists(key, items, options \\ []),
    do: truths(["CF.MEXISTS", key | List.wrap(items)], options)

  @doc """
  Takes an item that was added out of a cuckoo filter, once; says whether it was in it.

      iex> FerricStore.cf_add("sold", "a")
      iex> FerricStore.cf_del("sold", "a")
      true
  """
  @spec cf_del(key(), item(), options()) :: boolean() | error()
  def cf_del(key, item, options \\ []),
    do: ["CF.DEL", key, item] |> Embedded.execute(options) |> Embedded.truth()

  @doc """
  About how often an item was added to a cuckoo filter.

      iex> FerricStore.cf_add("sold", "a")
      iex> FerricStore.cf_add("sold", "a")
      iex> FerricStore.cf_count("sold", "a")
      2
  """
  @spec cf_count(key(), item(), options()) :: non_neg_integer() | error()
  def cf_count(key, item, options \\ []), do: Embedded.execute(["CF.COUNT", key, item], options)

  @doc """
  What there is to know about a cuckoo filter.

      iex> FerricStore.cf_add("sold", "a")
      iex> FerricStore.cf_info("sold")["Number of items inserted"]
      1
  """
  @spec cf_info(key(), options()) :: map() | error()
  def cf_info(key, options \\ []), do: Embedded.execute(["CF.INFO", key], options)

  defp truths(command, options) do
    case Embedded.execute(command, options) do
      answers when is_list(answers) -> Enum.map(answers, &Embedded.truth/1)
      error -> error
    end
  end
end
