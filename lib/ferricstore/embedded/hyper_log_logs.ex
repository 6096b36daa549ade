defmodule FerricStore.Embedded.HyperLogLogs do
  @moduledoc """
  Commands on HyperLogLogs: how many different things there were, within about one percent, in at most 12 KiB.

  The examples are written as an application calls them: through `FerricStore`, which has all these functions. Every
  function takes `store:` and `db:` among its options, and may return `{:error, message}`.
  """

  alias FerricStore.Embedded
  alias FerricStore.Embedded.Argument

  @type key :: Argument.t()
  @type error :: Embedded.error()
  @type options :: Embedded.target()

  @doc """
  Counts things, each once however often it comes; says whether the estimate may have changed.

      iex> FerricStore.pfadd("visitors", ["Ada", "Grace", "Ada"])
      true
      iex> FerricStore.pfadd("visitors", "Ada")
      false
  """
  @spec pfadd(key(), Argument.t() | [Argument.t()], options()) :: boolean() | error()
  def pfadd(key, elements, options \\ []),
    do: ["PFADD", key | List.wrap(elements)] |> Embedded.execute(options) |> Embedded.truth()

  @doc """
  About how many different things were counted, by one key or by any of several.

      iex> FerricStore.pfadd("visitors", ["Ada", "Grace"])
      iex> FerricStore.pfcount("visitors")
      2
  """
  @spec pfcount(key() | [key()], options()) :: non_neg_integer() | error()
  def pfcount(keys, options \\ []), do: Embedded.execute(["PFCOUNT" | List.wrap(keys)], options)

  @doc """
  Makes one that has counted what any of several, and itself, have counted.

      iex> FerricStore.pfadd("monday", ["Ada", "Grace"])
      iex> FerricStore.pfadd("tuesday", ["Ada", "Linus"])
      iex> FerricStore.pfmerge("week", ["monday", "tuesday"])
      :ok
      iex> FerricStore.pfcount("week")
      3
  """
  @spec pfmerge(key(), key() | [key()], options()) :: :ok | error()
  def pfmerge(destination, sources, options \\ []),
    do: Embedded.execute(["PFMERGE", destination | List.wrap(sources)], options)
end
