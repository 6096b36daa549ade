defmodule FerricStore.Server.UnixSocket do
  @moduledoc """
  The file of a Unix socket: who may open it, and what to do with one that is already there.
  """

  # Only the user who runs the store; connecting needs the right to write.
  @mode 0o700

  # Milliseconds; the listener, if there is one, is on this machine.
  @connect_timeout 1_000

  @doc """
  Removes a socket file that a server which was killed has left behind.

  A file on which somebody listens stays, and so does one that is not a socket.
  """
  @spec clear(String.t()) :: :ok | {:error, :inet.posix() | String.t()}
  def clear(path) do
    case File.lstat(path) do
      {:error, :enoent} -> :ok
      {:error, reason} -> {:error, reason}
      {:ok, %File.Stat{type: :other}} -> clear_socket(path)
      {:ok, _stat} -> {:error, "the file exists and is not a socket"}
    end
  end

  @doc """
  Lets only the owner connect.

  The file exists for a moment with the rights the process's umask gives it; with the usual umask nobody else could
  connect then either.
  """
  @spec restrict(String.t()) :: :ok | {:error, :inet.posix()}
  def restrict(path), do: File.chmod(path, @mode)

  defp clear_socket(path) do
    case :gen_tcp.connect({:local, path}, 0, [:local, active: false], @connect_timeout) do
      {:ok, socket} ->
        :gen_tcp.close(socket)
        {:error, :eaddrinuse}

      {:error, :econnrefused} ->
        File.rm(path)

      {:error, reason} ->
        {:error, reason}
    end
  end
end
