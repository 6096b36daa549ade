defmodule Embedding.Views do
  @moduledoc "Counts how often pages are seen. Any number of processes may count at once."

  @prefix "views:"

  @doc "Counts one view of a page and returns how many it has had."
  @spec count(String.t()) :: pos_integer()
  def count(page), do: FerricStore.incr(@prefix <> page)

  @doc "The views of several pages, by page."
  @spec of([String.t()]) :: %{String.t() => non_neg_integer()}
  def of(pages) do
    counts = FerricStore.mget(for page <- pages, do: @prefix <> page)

    for {page, count} <- Enum.zip(pages, counts),
        into: %{},
        do: {page, String.to_integer(count || "0")}
  end
end
