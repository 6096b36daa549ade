defmodule FerricStore.Config.Syntax do
  @moduledoc """
  How the value of a setting is written: each clause of `parse/2` accepts one kind of value, or says in words
  (to be put after "it must be") what it would have accepted.
  """

  @type kind ::
          :port
          | :directory
          | :addresses
          | :socket_path
          | :node_name
          | :node_names
          | :cookie
          | :text
          | {:integer, integer(), integer()}
          | {:one_of, [atom()]}
          | {:bytes, minimum :: String.t()}

  # sockaddr_un holds 108 bytes, the last of them zero.
  @socket_path_bytes 107

  # Limit of an Erlang atom, which both a node name and a cookie become; characters, here ASCII and so bytes.
  @atom_bytes 255

  # As Redis writes sizes: a unit that ends in "b" is a power of 1024, one that does not a power of 1000.
  @units %{
    "" => 1,
    "b" => 1,
    "k" => 1_000,
    "kb" => 1_024,
    "m" => 1_000_000,
    "mb" => 1_048_576,
    "g" => 1_000_000_000,
    "gb" => 1_073_741_824
  }

  # What the engine can count.
  @max_bytes 0x7FFFFFFFFFFFFFFF

  @doc "Parses `text` as a value of the given kind."
  @spec parse(kind(), String.t()) :: {:ok, term()} | {:error, allowed :: String.t()}
  def parse(kind, text)

  def parse(:port, text), do: parse({:integer, 1, 65_535}, text)

  def parse({:integer, low, high}, text) do
    case Integer.parse(text) do
      {number, ""} when number in low..high -> {:ok, number}
      _other -> {:error, "a whole number from #{low} to #{high}"}
    end
  end

  # The choices are atoms of this code, so no atom is ever made from the text.
  def parse({:one_of, choices}, text) do
    case Enum.find(choices, :unknown, &(Atom.to_string(&1) == text)) do
      :unknown -> {:error, Enum.join(choices, " or ")}
      choice -> {:ok, choice}
    end
  end

  # 0 has a meaning of its own for every setting of this kind.
  def parse({:bytes, minimum}, text) do
    case bytes(text) do
      0 -> {:ok, 0}
      number when is_integer(number) -> at_least(number, minimum)
      :error -> {:error, bytes_allowed(minimum)}
    end
  end

  def parse(:directory, text) do
    if String.contains?(text, <<0>>),
      do: {:error, "the path of a directory"},
      else: {:ok, Path.expand(text)}
  end

  def parse(:socket_path, text) do
    path = Path.expand(text)

    if byte_size(path) <= @socket_path_bytes do
      {:ok, path}
    else
      {:error, "the path of a socket, of at most #{@socket_path_bytes} bytes"}
    end
  end

  def parse(:addresses, text) do
    parsed = for part <- String.split(text, ","), do: address(String.trim(part))

    if Enum.all?(parsed, &match?({:ok, _address}, &1)) do
      {:ok, parsed |> Enum.map(&elem(&1, 1)) |> Enum.uniq()}
    else
      {:error, "one or more IPv4 or IPv6 addresses separated by commas, such as 127.0.0.1,::1"}
    end
  end

  def parse(:node_name, text) do
    if node_name?(text) do
      {:ok, text}
    else
      {:error, "an Erlang node name: name or name@host, of letters, digits, '_', '.' and '-'"}
    end
  end

  def parse(:node_names, text) do
    names = text |> String.split(",") |> Enum.map(&String.trim/1)

    if Enum.all?(names, &node_name?/1) do
      {:ok, names}
    else
      {:error, "Erlang node names (name@host) separated by commas"}
    end
  end

  def parse(:cookie, text) do
    if text =~ ~r/\A[\x21-\x7E]+\z/ and byte_size(text) <= @atom_bytes do
      {:ok, text}
    else
      {:error, "1 to #{@atom_bytes} printable ASCII characters without spaces"}
    end
  end

  def parse(:text, text), do: {:ok, text}

  defp at_least(number, minimum) do
    if number >= bytes(minimum) and number <= @max_bytes,
      do: {:ok, number},
      else: {:error, bytes_allowed(minimum)}
  end

  defp bytes_allowed(minimum) do
    "0 or a number of bytes of at least #{minimum}, as in 1073741824, 512mb or 4gb (k, m, g: powers of 1000)"
  end

  defp bytes(text) do
    with [_text, digits, unit] <- Regex.run(~r/\A(\d+)([a-z]*)\z/i, text),
         {:ok, factor} <- Map.fetch(@units, String.downcase(unit, :ascii)) do
      String.to_integer(digits) * factor
    else
      _no_match -> :error
    end
  end

  # rel/env.sh.eex has the same rule, in the shell's words.
  defp node_name?(text) do
    text =~ ~r/\A[A-Za-z0-9_.-]+(@[A-Za-z0-9_.-]+)?\z/ and byte_size(text) <= @atom_bytes
  end

  defp address(text), do: text |> String.to_charlist() |> :inet.parse_strict_address()
end
