defmodule FerricStore.Server.Address do
  @moduledoc """
  Places to listen on and to be connected from: a TCP address with its port, or the path of a Unix socket.
  """

  @type t :: {:inet.ip_address(), :inet.port_number()} | {:local, path :: String.t() | charlist()}

  @doc """
  As people and `CLIENT LIST` write it.

      iex> FerricStore.Server.Address.to_text({{127, 0, 0, 1}, 6379})
      "127.0.0.1:6379"
      iex> FerricStore.Server.Address.to_text({{0, 0, 0, 0, 0, 0, 0, 1}, 6379})
      "[::1]:6379"
      iex> FerricStore.Server.Address.to_text({:local, "/run/ferricstore.sock"})
      "/run/ferricstore.sock"
  """
  @spec to_text(t()) :: String.t()
  def to_text({:local, path}), do: IO.chardata_to_string(path)

  def to_text({address, port}) when tuple_size(address) == 8 do
    "[#{:inet.ntoa(address)}]:#{port}"
  end

  def to_text({address, port}), do: "#{:inet.ntoa(address)}:#{port}"

  @doc """
  Whether a peer at this address is on the same machine, which protected mode asks.

      iex> FerricStore.Server.Address.loopback?({{127, 8, 0, 1}, 1})
      true
      iex> FerricStore.Server.Address.loopback?({{0, 0, 0, 0, 0, 0xFFFF, 0x7F00, 1}, 1})
      true
      iex> FerricStore.Server.Address.loopback?({{192, 168, 0, 1}, 1})
      false
  """
  @spec loopback?(t()) :: boolean()
  def loopback?({:local, _path}), do: true
  def loopback?({{127, _, _, _}, _port}), do: true
  def loopback?({{0, 0, 0, 0, 0, 0, 0, 1}, _port}), do: true
  # 127.0.0.0/8 as a socket sees it that serves IPv4 and IPv6.
  def loopback?({{0, 0, 0, 0, 0, 0xFFFF, high, _low}, _port}) when div(high, 256) == 127, do: true
  def loopback?(_place), do: false
end
