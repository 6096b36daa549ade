defmodule FerricStore.Embedded.Argument do
  @moduledoc """
  Arguments of commands. The engine knows only bytes; here is what Elixir terms become.
  """

  @typedoc "What can be a key, a value or another argument: text or bytes, and what has an obvious spelling."
  @type t :: iodata() | integer() | float() | atom()

  @doc """
  The bytes of an argument.

      iex> FerricStore.Embedded.Argument.to_binary("caf\u00e9")
      "caf\u00e9"
      iex> FerricStore.Embedded.Argument.to_binary(["a", ?b, ["c"]])
      "abc"
      iex> FerricStore.Embedded.Argument.to_binary(-17)
      "-17"
      iex> FerricStore.Embedded.Argument.to_binary(:user)
      "user"

  `nil` is no argument: it is nearly always a value that is missing.

      iex> FerricStore.Embedded.Argument.to_binary(nil)
      ** (ArgumentError) nil cannot be an argument of a command
  """
  @spec to_binary(t()) :: binary()
  def to_binary(argument) when is_binary(argument), do: argument
  def to_binary(argument) when is_integer(argument), do: Integer.to_string(argument)
  def to_binary(argument) when is_list(argument), do: IO.iodata_to_binary(argument)
  def to_binary(nil), do: raise(ArgumentError, "nil cannot be an argument of a command")
  def to_binary(argument) when is_atom(argument), do: Atom.to_string(argument)
  def to_binary(argument) when is_float(argument), do: Float.to_string(argument)

  @doc """
  Options as the words of a command: `true` is the word alone, `false` and `nil` are nothing, anything else is the
  word and its value. Returns them with the options that remain. Raises for one that is not allowed.

      iex> FerricStore.Embedded.Argument.options([ex: 10, nx: true, get: false, db: 2], [:ex, :nx, :get])
      {["EX", "10", "NX"], [db: 2]}
      iex> FerricStore.Embedded.Argument.options([exp: 10], [:ex])
      ** (ArgumentError) unknown option :exp
  """
  @spec options(keyword(), [atom()]) :: {[binary()], FerricStore.Embedded.target()}
  def options([], _allowed), do: {[], []}

  def options(options, allowed) do
    {target, rest} = Keyword.split(options, [:store, :db])
    {Enum.flat_map(rest, &option(&1, allowed)), target}
  end

  defp option({name, value}, allowed) do
    if name not in allowed, do: raise(ArgumentError, "unknown option #{inspect(name)}")
    words(String.upcase(Atom.to_string(name), :ascii), value)
  end

  defp words(_word, absent) when absent in [false, nil], do: []
  defp words(word, true), do: [word]
  defp words(word, value), do: [word, to_binary(value)]
end
