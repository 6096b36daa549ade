defmodule FerricStore.Embedded.Bitmaps do
  @moduledoc """
  Commands on the bits of strings. Bits are counted from 0, the highest of the first byte; those behind the end are 0.

  The examples are written as an application calls them: through `FerricStore`, which has all these functions. Every
  function takes `store:` and `db:` among its options, and may return `{:error, message}`.
  """

  alias FerricStore.Embedded
  alias FerricStore.Embedded.Argument

  @type key :: Argument.t()
  @type error :: Embedded.error()
  @type options :: Embedded.target()

  @typedoc "An operation on integers in a bitmap: types and offsets as in `\"u8\"`, `\"i16\"` and `0`, `\"#3\"`."
  @type field_operation ::
          {:get, type :: Argument.t(), offset :: Argument.t()}
          | {:set, type :: Argument.t(), offset :: Argument.t(), integer()}
          | {:incrby, type :: Argument.t(), offset :: Argument.t(), integer()}
          | {:overflow, :wrap | :sat | :fail}

  @doc """
  Sets a bit to 0 or 1, and returns what it was.

      iex> FerricStore.setbit("days", 7, 1)
      0
      iex> FerricStore.setbit("days", 7, 0)
      1
  """
  @spec setbit(key(), non_neg_integer(), 0 | 1, options()) :: 0 | 1 | error()
  def setbit(key, offset, bit, options \\ []),
    do: Embedded.execute(["SETBIT", key, offset, bit], options)

  @doc """
  A bit.

      iex> FerricStore.setbit("days", 7, 1)
      iex> FerricStore.getbit("days", 7)
      1
  """
  @spec getbit(key(), non_neg_integer(), options()) :: 0 | 1 | error()
  def getbit(key, offset, options \\ []), do: Embedded.execute(["GETBIT", key, offset], options)

  @doc """
  How many bits are 1. `range: {first, last}` counts those of some bytes, both included, from the end if negative;
  `unit: :bit` makes that positions of bits.

      iex> FerricStore.set("word", "foobar")
      iex> FerricStore.bitcount("word")
      26
      iex> FerricStore.bitcount("word", range: {5, 30}, unit: :bit)
      17
  """
  @spec bitcount(key(), keyword()) :: non_neg_integer() | error()
  def bitcount(key, options \\ []) do
    {range, target} = range(options)
    Embedded.execute(["BITCOUNT", key | range], target)
  end

  @doc """
  The position of the first bit that is 0, or 1; -1 if there is none. Options as in `bitcount/2`.

      iex> FerricStore.setbit("days", 7, 1)
      iex> FerricStore.bitpos("days", 1)
      7
  """
  @spec bitpos(key(), 0 | 1, keyword()) :: integer() | error()
  def bitpos(key, bit, options \\ []) do
    {range, target} = range(options)
    Embedded.execute(["BITPOS", key, bit | range], target)
  end

  @doc """
  Combines the bits of strings, stores the result, and returns its length in bytes. `:not` takes one string.

      iex> FerricStore.setbit("a", 0, 1)
      iex> FerricStore.setbit("b", 1, 1)
      iex> FerricStore.bitop(:or, "both", ["a", "b"])
      1
      iex> FerricStore.bitcount("both")
      2
  """
  @spec bitop(:and | :or | :xor | :not, key(), key() | [key()], options()) ::
          non_neg_integer() | error()
  def bitop(operation, destination, keys, options \\ [])
      when operation in [:and, :or, :xor, :not],
      do: Embedded.execute(["BITOP", operation, destination | List.wrap(keys)], options)

  @doc """
  Reads and changes integers of any width in a bitmap, one operation after the other; returns what each read, what
  stood there before it was set, or the sum. `nil` is a sum that `overflow: :fail` refused.

      iex> FerricStore.bitfield("counters", [{:incrby, "u2", "#0", 3}, {:get, "u2", 0}])
      [3, 3]
      iex> FerricStore.bitfield("counters", [{:overflow, :fail}, {:incrby, "u2", "#0", 1}])
      [nil]
  """
  @spec bitfield(key(), [field_operation()], options()) :: [integer() | nil] | error()
  def bitfield(key, operations, options \\ []) do
    words = Enum.flat_map(operations, &Tuple.to_list/1)
    Embedded.execute(["BITFIELD", key | words], options)
  end

  defp range(options) do
    {range, options} = Keyword.pop(options, :range)
    {unit, options} = Keyword.pop(options, :unit)
    {[], target} = Argument.options(options, [])

    case {range, unit} do
      {nil, nil} -> {[], target}
      {{first, last}, nil} -> {[first, last], target}
      {{first, last}, unit} when unit in [:byte, :bit] -> {[first, last, unit], target}
      _else -> raise ArgumentError, "range: {first, last} is needed, unit: is :byte or :bit"
    end
  end
end
