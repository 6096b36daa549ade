defmodule FerricStore.HTTP.HealthHandler do
  @moduledoc """
  Answers health checks, in JSON: `{"status":"ready"}`, or `{"status":"unavailable","reason":"..."}` with status 503.

  *Live* says that the process runs: restarting it would not help. *Ready* says that it takes commands. A store that
  refuses writes for lack of disk space still serves reads and is ready; it says `{"status":"ready","writes":"..."}`.
  """

  @behaviour :cowboy_handler

  alias FerricStore.{HTTP, Store}

  @impl :cowboy_handler
  def init(request, %{check: check, store: store} = state) do
    {:ok, HTTP.Reply.get(request, fn -> answer(check, Store.status(store)) end), state}
  end

  @doc """
  The answer to a check, of a store that can do this.

      iex> FerricStore.HTTP.HealthHandler.answer(:ready, :recovering)
      {503, "application/json", ~S({"status":"unavailable","reason":"recovering"}) <> "\\n"}
  """
  @spec answer(:live | :ready, Store.status()) :: HTTP.Reply.answer()
  def answer(:live, _status), do: json(200, status: "live")
  def answer(:ready, :running), do: json(200, status: "ready")

  def answer(:ready, {:paused, reason}),
    do: json(200, status: "ready", writes: "refused: #{reason}")

  def answer(:ready, {:failed, reason}), do: unavailable("the log failed: #{reason}")
  def answer(:ready, status), do: unavailable(Atom.to_string(status))

  defp unavailable(reason), do: json(503, status: "unavailable", reason: reason)

  defp json(status, fields) do
    body = Enum.map_join(fields, ",", fn {name, text} -> ~s("#{name}":"#{escape(text)}") end)
    {status, "application/json", "{#{body}}\n"}
  end

  # The characters JSON does not allow inside a string.
  defp escape(text) do
    for <<character::utf8 <- text>>, into: "" do
      case character do
        ?" ->
          ~S(\")

        ?\\ ->
          ~S(\\)

        control when control < 0x20 ->
          "\\u" <> String.pad_leading(Integer.to_string(control, 16), 4, "0")

        other ->
          <<other::utf8>>
      end
    end
  end
end
