# The Mix compiler that builds the Rust library has to exist before lib/ is compiled, so it lives beside this file.
Code.require_file("cargo_compiler.exs", __DIR__)

defmodule FerricStore.MixProject do
  use Mix.Project

  @version "0.1.0"

  def project do
    [
      app: :ferricstore,
      version: @version,
      elixir: "~> 1.14",
      description: "A durable, Redis-compatible store: a Rust engine behind an OTP application",
      start_permanent: Mix.env() == :prod,
      elixirc_paths: elixirc_paths(Mix.env()),
      # Before :elixir, because the module that loads the library runs while lib/ is being compiled.
      compilers: [:cargo | Mix.compilers()],
      deps: deps(),
      releases: releases()
    ]
  end

  def application do
    [
      mod: {FerricStore.Application, []},
      extra_applications: [:logger, :crypto]
    ]
  end

  defp elixirc_paths(:test), do: ["lib", "test/support"]
  defp elixirc_paths(_env), do: ["lib"]

  # Compiled libraries unpacked from a Debian package by scripts/lib/setup. `compile: "true"` runs the shell's
  # `true`, which leaves Mix with nothing to build; they carry their own .app files and need no manager.
  defp deps do
    for name <- [:ranch, :cowlib, :cowboy] do
      {name, path: "deps/#{name}", compile: "true"}
    end
  end

  defp releases do
    [
      ferricstore: [
        include_executables_for: [:unix],
        strip_beams: true
      ]
    ]
  end
end
