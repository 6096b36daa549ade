defmodule FerricStore.Embedded.ArgumentTest do
  use ExUnit.Case, async: true
  doctest FerricStore.Embedded.Argument
end
