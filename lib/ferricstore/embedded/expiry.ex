defmodule FerricStore.Embedded.Expiry do
  @moduledoc """
  Commands on the time at which a key expires. An expired key is gone: nobody sees it any more.

  The functions that set a time return whether they did. They do not when there is no such key, or when the condition
  does not hold: `nx: true` (the key has no expiry time), `xx: true` (it has one), `gt: true` (the new one is later),
  `lt: true` (it is earlier); for the last two a key without expiry time expires later than any other.

  The examples are written as an application calls them: through `FerricStore`, which has all these functions.
  Every function takes `store:` and `db:` among its options, and may return `{:error, message}`.
  """

  alias FerricStore.Embedded
  alias FerricStore.Embedded.Argument

  @type key :: Argument.t()
  @type error :: Embedded.error()
  @type options :: Embedded.target()

  @typedoc "A time, `:infinity` for a key that does not expire, `nil` if there is no such key."
  @type time :: non_neg_integer() | :infinity | nil

  @doc """
  Lets `key` expire after `seconds`.

      iex> FerricStore.set("a", 1)
      iex> FerricStore.expire("a", 100)
      true
      iex> FerricStore.expire("a", 50, gt: true)
      false
      iex> FerricStore.expire("b", 100)
      false
  """
  @spec expire(key(), integer(), keyword()) :: boolean() | error()
  def expire(key, seconds, options \\ []), do: set("EXPIRE", key, seconds, options)

  @doc """
  Lets `key` expire after `milliseconds`.

      iex> FerricStore.set("a", 1)
      iex> FerricStore.pexpire("a", 1500, nx: true)
      true
  """
  @spec pexpire(key(), integer(), keyword()) :: boolean() | error()
  def pexpire(key, milliseconds, options \\ []), do: set("PEXPIRE", key, milliseconds, options)

  @doc """
  Lets `key` expire at a Unix time in seconds.

      iex> FerricStore.set("a", 1)
      iex> FerricStore.expireat("a", 4_102_444_800)
      true
      iex> FerricStore.expiretime("a")
      4_102_444_800
  """
  @spec expireat(key(), integer(), keyword()) :: boolean() | error()
  def expireat(key, time, options \\ []), do: set("EXPIREAT", key, time, options)

  @doc """
  Lets `key` expire at a Unix time in milliseconds.

      iex> FerricStore.set("a", 1)
      iex> FerricStore.pexpireat("a", 4_102_444_800_123)
      true
      iex> FerricStore.pexpireat("a", 4_102_444_800_124, lt: true)
      false
  """
  @spec pexpireat(key(), integer(), keyword()) :: boolean() | error()
  def pexpireat(key, time, options \\ []), do: set("PEXPIREAT", key, time, options)

  @doc """
  Seconds until `key` expires.

      iex> FerricStore.set("a", 1, ex: 100)
      iex> FerricStore.ttl("a")
      100
      iex> FerricStore.set("b", 1)
      iex> FerricStore.ttl("b")
      :infinity
      iex> FerricStore.ttl("c")
      nil
  """
  @spec ttl(key(), options()) :: time() | error()
  def ttl(key, options \\ []), do: read("TTL", key, options)

  @doc """
  Milliseconds until `key` expires.

      iex> FerricStore.set("a", 1, px: 90_000)
      iex> FerricStore.pttl("a") in 80_000..90_000
      true
  """
  @spec pttl(key(), options()) :: time() | error()
  def pttl(key, options \\ []), do: read("PTTL", key, options)

  @doc """
  Unix time in seconds at which `key` expires.

      iex> FerricStore.set("a", 1, exat: 4_102_444_800)
      iex> FerricStore.expiretime("a")
      4_102_444_800
  """
  @spec expiretime(key(), options()) :: time() | error()
  def expiretime(key, options \\ []), do: read("EXPIRETIME", key, options)

  @doc """
  Unix time in milliseconds at which `key` expires.

      iex> FerricStore.set("a", 1, pxat: 4_102_444_800_001)
      iex> FerricStore.pexpiretime("a")
      4_102_444_800_001
  """
  @spec pexpiretime(key(), options()) :: time() | error()
  def pexpiretime(key, options \\ []), do: read("PEXPIRETIME", key, options)

  @doc """
  Takes the expiry time from `key`; says whether it had one.

      iex> FerricStore.set("a", 1, ex: 100)
      iex> FerricStore.persist("a")
      true
      iex> FerricStore.persist("a")
      false
  """
  @spec persist(key(), options()) :: boolean() | error()
  def persist(key, options \\ []) do
    ["PERSIST", key] |> Embedded.execute(options) |> Embedded.truth()
  end

  defp set(command, key, time, options) do
    {words, target} = Argument.options(options, [:nx, :xx, :gt, :lt])
    [command, key, time | words] |> Embedded.execute(target) |> Embedded.truth()
  end

  defp read(command, key, options) do
    case Embedded.execute([command, key], options) do
      -1 -> :infinity
      -2 -> nil
      reply -> reply
    end
  end
end
