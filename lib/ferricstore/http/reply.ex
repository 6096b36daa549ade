defmodule FerricStore.HTTP.Reply do
  @moduledoc "What the handlers of the HTTP port have in common: they answer GET and HEAD, and nothing else."

  @type answer :: {status :: pos_integer(), content_type :: String.t(), body :: iodata()}

  @doc "Replies to a request with what `answer` returns, or with 405 if the request is not one that reads."
  @spec get(:cowboy_req.req(), (() -> answer())) :: :cowboy_req.req()
  def get(request, answer) do
    if :cowboy_req.method(request) in ["GET", "HEAD"] do
      {status, content_type, body} = answer.()
      headers = %{"content-type" => content_type, "cache-control" => "no-store"}
      :cowboy_req.reply(status, headers, body, request)
    else
      :cowboy_req.reply(405, %{"allow" => "GET, HEAD"}, "", request)
    end
  end
end
