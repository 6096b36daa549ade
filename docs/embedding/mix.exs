defmodule Embedding.MixProject do
  use Mix.Project

  def project do
    [
      app: :embedding,
      version: "0.1.0",
      elixir: "~> 1.14",
      start_permanent: Mix.env() == :prod,
      deps: [{:ferricstore, path: "../.."}]
    ]
  end

  def application do
    [mod: {Embedding.Application, []}, extra_applications: [:logger, :crypto]]
  end
end
