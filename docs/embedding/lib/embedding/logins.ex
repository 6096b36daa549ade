defmodule Embedding.Logins do
  @moduledoc "Who is logged in: a token stands for a user until it has not been used for half an hour."

  @seconds 30 * 60
  @prefix "login:"

  @doc "Logs a user in, and returns the token that stands for them."
  @spec create(String.t()) :: {:ok, String.t()} | {:error, String.t()}
  def create(user) do
    token = Base.url_encode64(:crypto.strong_rand_bytes(18))
    with :ok <- FerricStore.set(@prefix <> token, user, ex: @seconds), do: {:ok, token}
  end

  @doc "The user a token stands for. Using it gives it its whole time again."
  @spec user(String.t()) :: {:ok, String.t()} | {:error, :logged_out | String.t()}
  def user(token) do
    case FerricStore.getex(@prefix <> token, ex: @seconds) do
      nil -> {:error, :logged_out}
      {:error, message} -> {:error, message}
      user -> {:ok, user}
    end
  end

  @doc "Ends one login; says whether there was one."
  @spec delete(String.t()) :: boolean()
  def delete(token), do: FerricStore.del(@prefix <> token) == 1

  @doc "Ends all logins and returns how many there were. The keys come lazily, however many they are."
  @spec delete_all() :: non_neg_integer()
  def delete_all do
    FerricStore.scan_stream(match: @prefix <> "*")
    |> Stream.chunk_every(100)
    |> Stream.map(&FerricStore.unlink/1)
    |> Enum.sum()
  end
end
