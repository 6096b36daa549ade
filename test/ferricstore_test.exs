defmodule FerricStoreTest do
  # The examples use the default store, of which there is one.
  use ExUnit.Case, async: false
  import FerricStore.Test.Stores

  setup do
    start_store(name: FerricStore)
    :ok
  end

  doctest FerricStore
  doctest FerricStore.Embedded.Strings
  doctest FerricStore.Embedded.Bitmaps
  doctest FerricStore.Embedded.Hashes
  doctest FerricStore.Embedded.Lists
  doctest FerricStore.Embedded.Sets
  doctest FerricStore.Embedded.SortedSets
  doctest FerricStore.Embedded.Streams
  doctest FerricStore.Embedded.HyperLogLogs
  doctest FerricStore.Embedded.Filters
  doctest FerricStore.Embedded.Sketches
  doctest FerricStore.Embedded.Keys
  doctest FerricStore.Embedded.Expiry

  test "the functions of the tour are those of the families" do
    for family <- [
          FerricStore.Embedded.Strings,
          FerricStore.Embedded.Bitmaps,
          FerricStore.Embedded.Hashes,
          FerricStore.Embedded.Lists,
          FerricStore.Embedded.Sets,
          FerricStore.Embedded.SortedSets,
          FerricStore.Embedded.Streams,
          FerricStore.Embedded.HyperLogLogs,
          FerricStore.Embedded.Filters,
          FerricStore.Embedded.Sketches,
          FerricStore.Embedded.Keys,
          FerricStore.Embedded.Expiry
        ],
        function <- family.__info__(:functions) do
      assert function in FerricStore.__info__(:functions)
    end
  end
end
