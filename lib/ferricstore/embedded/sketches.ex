defmodule FerricStore.Embedded.Sketches do
  @moduledoc """
  Commands on sketches, which answer questions about many events from little memory: count-min sketches (how often),
  top-k (which ones most often) and t-digests (how the numbers are distributed). Numbers are floats; those that are none
  are `"inf"`, `"-inf"` and `"nan"`.

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
  Makes a count-min sketch of `depth` rows with `width` counters each.

      iex> FerricStore.cms_initbydim("words", 2000, 5)
      :ok
  """
  @spec cms_initbydim(key(), pos_integer(), pos_integer(), options()) :: :ok | error()
  def cms_initbydim(key, width, depth, options \\ []),
    do: Embedded.execute(["CMS.INITBYDIM", key, width, depth], options)

  @doc """
  Makes a count-min sketch whose estimates are too high by more than a share `error` of all counts only with this
  `probability`.

      iex> FerricStore.cms_initbyprob("words", 0.001, 0.01)
      :ok
  """
  @spec cms_initbyprob(key(), float(), float(), options()) :: :ok | error()
  def cms_initbyprob(key, error, probability, options \\ []),
    do: Embedded.execute(["CMS.INITBYPROB", key, error, probability], options)

  @doc """
  Counts items; returns the estimates of their counts. Takes a map or a list of `{item, amount}`.

      iex> FerricStore.cms_initbydim("words", 2000, 5)
      iex> FerricStore.cms_incrby("words", [{"the", 7}, {"a", 3}])
      [7, 3]
  """
  @spec cms_incrby(key(), Enumerable.t({item(), pos_integer()}), options()) ::
          [non_neg_integer()] | error()
  def cms_incrby(key, counts, options \\ []),
    do: Embedded.execute(["CMS.INCRBY", key | pairs(counts)], options)

  @doc """
  Estimates of how often items were counted: never too low.

      iex> FerricStore.cms_initbydim("words", 2000, 5)
      iex> FerricStore.cms_incrby("words", %{"the" => 7})
      iex> FerricStore.cms_query("words", ["the", "ferric"])
      [7, 0]
  """
  @spec cms_query(key(), item() | [item()], options()) :: [non_neg_integer()] | error()
  def cms_query(key, items, options \\ []),
    do: Embedded.execute(["CMS.QUERY", key | List.wrap(items)], options)

  @doc """
  Gives a count-min sketch the sum of others of the same size, each multiplied by its number in `weights:` (1).

      iex> FerricStore.cms_initbydim("monday", 2000, 5)
      iex> FerricStore.cms_initbydim("week", 2000, 5)
      iex> FerricStore.cms_merge("week", ["monday"], weights: [2])
      :ok
  """
  @spec cms_merge(key(), [key()], keyword()) :: :ok | error()
  def cms_merge(destination, sources, options \\ []) do
    {weights, target} = Keyword.pop(options, :weights)
    weights = if weights, do: ["WEIGHTS" | weights], else: []
    Embedded.execute(["CMS.MERGE", destination, length(sources) | sources] ++ weights, target)
  end

  @doc """
  What there is to know about a count-min sketch.

      iex> FerricStore.cms_initbydim("words", 2000, 5)
      iex> FerricStore.cms_info("words")["width"]
      2000
  """
  @spec cms_info(key(), options()) :: map() | error()
  def cms_info(key, options \\ []), do: Embedded.execute(["CMS.INFO", key], options)

  @doc """
  Makes a top-k that keeps the `k` items that come most often. Its size is `size: {width, depth, decay}`.

      iex> FerricStore.topk_reserve("hits", 10)
      :ok
  """
  @spec topk_reserve(key(), pos_integer(), keyword()) :: :ok | error()
  def topk_reserve(key, k, options \\ []) do
    {size, target} = Keyword.pop(options, :size)
    size = if size, do: Tuple.to_list(size), else: []
    Embedded.execute(["TOPK.RESERVE", key, k | size], target)
  end

  @doc """
  Counts an item, or several; returns for each the item that had to leave for it, or `nil`.

      iex> FerricStore.topk_reserve("hits", 10)
      iex> FerricStore.topk_add("hits", ["/", "/about"])
      [nil, nil]
  """
  @spec topk_add(key(), item() | [item()], options()) :: [binary() | nil] | error()
  def topk_add(key, items, options \\ []),
    do: Embedded.execute(["TOPK.ADD", key | List.wrap(items)], options)

  @doc """
  As `topk_add/3`, each item so many times. Takes a map or a list of `{item, amount}`.

      iex> FerricStore.topk_reserve("hits", 10)
      iex> FerricStore.topk_incrby("hits", %{"/" => 5})
      [nil]
  """
  @spec topk_incrby(key(), Enumerable.t({item(), pos_integer()}), options()) ::
          [binary() | nil] | error()
  def topk_incrby(key, counts, options \\ []),
    do: Embedded.execute(["TOPK.INCRBY", key | pairs(counts)], options)

  @doc """
  Whether items are among the first.

      iex> FerricStore.topk_reserve("hits", 10)
      iex> FerricStore.topk_add("hits", "/")
      iex> FerricStore.topk_query("hits", ["/", "/about"])
      [true, false]
  """
  @spec topk_query(key(), item() | [item()], options()) :: [boolean()] | error()
  def topk_query(key, items, options \\ []) do
    case Embedded.execute(["TOPK.QUERY", key | List.wrap(items)], options) do
      answers when is_list(answers) -> Enum.map(answers, &Embedded.truth/1)
      error -> error
    end
  end

  @doc """
  The first items, the most frequent first; `withcount: true` for `{item, count}`.

      iex> FerricStore.topk_reserve("hits", 10)
      iex> FerricStore.topk_incrby("hits", [{"/", 5}, {"/about", 2}])
      iex> FerricStore.topk_list("hits", withcount: true)
      [{"/", 5}, {"/about", 2}]
  """
  @spec topk_list(key(), keyword()) :: [binary() | {binary(), non_neg_integer()}] | error()
  def topk_list(key, options \\ []) do
    {words, target} = Argument.options(options, [:withcount])

    case Embedded.execute(["TOPK.LIST", key | words], target) do
      flat when is_list(flat) and words != [] ->
        flat |> Enum.chunk_every(2) |> Enum.map(&List.to_tuple/1)

      reply ->
        reply
    end
  end

  @doc """
  What there is to know about a top-k.

      iex> FerricStore.topk_reserve("hits", 10)
      iex> FerricStore.topk_info("hits")["k"]
      10
  """
  @spec topk_info(key(), options()) :: map() | error()
  def topk_info(key, options \\ []), do: Embedded.execute(["TOPK.INFO", key], options)

  @doc """
  Makes a t-digest; the higher the `compression:` (100), the more exact and the larger it is.

      iex> FerricStore.tdigest_create("latency", compression: 200)
      :ok
  """
  @spec tdigest_create(key(), keyword()) :: :ok | error()
  def tdigest_create(key, options \\ []) do
    {words, target} = Argument.options(options, [:compression])
    Embedded.execute(["TDIGEST.CREATE", key | words], target)
  end

  @doc """
  Adds a number, or several, to a t-digest.

      iex> FerricStore.tdigest_create("latency")
      iex> FerricStore.tdigest_add("latency", [1, 2.5, 4])
      :ok
  """
  @spec tdigest_add(key(), number() | [number()], options()) :: :ok | error()
  def tdigest_add(key, numbers, options \\ []),
    do: Embedded.execute(["TDIGEST.ADD", key | List.wrap(numbers)], options)

  @doc """
  The numbers below which these shares of all numbers lie.

      iex> FerricStore.tdigest_create("latency")
      iex> FerricStore.tdigest_add("latency", [1, 2, 3, 4, 5])
      iex> FerricStore.tdigest_quantile("latency", [0.5, 1])
      [3.0, 5.0]
  """
  @spec tdigest_quantile(key(), number() | [number()], options()) ::
          [float() | String.t()] | error()
  def tdigest_quantile(key, shares, options \\ []),
    do: Embedded.execute(["TDIGEST.QUANTILE", key | List.wrap(shares)], options)

  @doc """
  The shares of all numbers that lie below these.

      iex> FerricStore.tdigest_create("latency")
      iex> FerricStore.tdigest_add("latency", [1, 2, 3, 4])
      iex> FerricStore.tdigest_cdf("latency", 10)
      [1.0]
  """
  @spec tdigest_cdf(key(), number() | [number()], options()) :: [float() | String.t()] | error()
  def tdigest_cdf(key, numbers, options \\ []),
    do: Embedded.execute(["TDIGEST.CDF", key | List.wrap(numbers)], options)

  @doc """
  The least number.

      iex> FerricStore.tdigest_create("latency")
      iex> FerricStore.tdigest_add("latency", [1, 2])
      iex> FerricStore.tdigest_min("latency")
      1.0
  """
  @spec tdigest_min(key(), options()) :: float() | String.t() | error()
  def tdigest_min(key, options \\ []), do: Embedded.execute(["TDIGEST.MIN", key], options)

  @doc """
  The greatest number.

      iex> FerricStore.tdigest_create("latency")
      iex> FerricStore.tdigest_add("latency", [1, 2])
      iex> FerricStore.tdigest_max("latency")
      2.0
  """
  @spec tdigest_max(key(), options()) :: float() | String.t() | error()
  def tdigest_max(key, options \\ []), do: Embedded.execute(["TDIGEST.MAX", key], options)

  @doc """
  The mean of the numbers between two shares of them.

      iex> FerricStore.tdigest_create("latency")
      iex> FerricStore.tdigest_add("latency", [1, 2, 3])
      iex> FerricStore.tdigest_trimmed_mean("latency", 0, 1)
      2.0
  """
  @spec tdigest_trimmed_mean(key(), number(), number(), options()) ::
          float() | String.t() | error()
  def tdigest_trimmed_mean(key, low, high, options \\ []),
    do: Embedded.execute(["TDIGEST.TRIMMED_MEAN", key, low, high], options)

  @doc """
  Gives a t-digest what others have; options: `compression:`, `override: true` to forget what it had.

      iex> FerricStore.tdigest_create("monday")
      iex> FerricStore.tdigest_merge("week", ["monday"])
      :ok
  """
  @spec tdigest_merge(key(), [key()], keyword()) :: :ok | error()
  def tdigest_merge(destination, sources, options \\ []) do
    {words, target} = Argument.options(options, [:compression, :override])
    Embedded.execute(["TDIGEST.MERGE", destination, length(sources) | sources] ++ words, target)
  end

  @doc """
  Forgets all numbers.

      iex> FerricStore.tdigest_create("latency")
      iex> FerricStore.tdigest_reset("latency")
      :ok
  """
  @spec tdigest_reset(key(), options()) :: :ok | error()
  def tdigest_reset(key, options \\ []), do: Embedded.execute(["TDIGEST.RESET", key], options)

  @doc """
  What there is to know about a t-digest.

      iex> FerricStore.tdigest_create("latency")
      iex> FerricStore.tdigest_info("latency")["Compression"]
      100
  """
  @spec tdigest_info(key(), options()) :: map() | error()
  def tdigest_info(key, options \\ []), do: Embedded.execute(["TDIGEST.INFO", key], options)

  defp pairs(counts), do: Enum.flat_map(counts, fn {item, amount} -> [item, amount] end)
end
