defmodule FerricStore.Server.AddressTest do
  use ExUnit.Case, async: true
  doctest FerricStore.Server.Address
end
