defmodule Embedding.Application do
  @moduledoc """
  Starts the store before everything that uses it. It is open when its place in the list has been passed, and the
  supervisor closes it last.
  """

  use Application

  @impl Application
  def start(_type, _arguments) do
    data_dir = Application.get_env(:embedding, :data_dir, "data")

    children = [
      {FerricStore, data_dir: data_dir}
      # Processes that use the store come after it.
    ]

    Supervisor.start_link(children, strategy: :rest_for_one, name: Embedding.Supervisor)
  end
end
