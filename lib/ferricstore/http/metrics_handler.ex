defmodule FerricStore.HTTP.MetricsHandler do
  @moduledoc "Answers a Prometheus scrape. While the store is not open there is only `ferricstore_up 0`."

  @behaviour :cowboy_handler

  alias FerricStore.HTTP.{Metrics, Reply}
  alias FerricStore.Store

  # Version of the text format, as its specification wants it announced.
  @content_type "text/plain; version=0.0.4; charset=utf-8"

  @impl :cowboy_handler
  def init(request, %{store: store} = state) do
    {:ok, Reply.get(request, fn -> {200, @content_type, body(store)} end), state}
  end

  defp body(store) do
    case Store.status(store) do
      :recovering -> Metrics.absent()
      _open -> Metrics.render(Store.stats(store))
    end
  end
end
