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
        strip_beams: true,
        steps: [:assemble, &add_tool/1]
      ]
    ]
  end

  @tool "ferricstore-tool"
  # The last line of the start script's help, and what is said behind it of the commands that rel/env.sh.eex hands on.
  @last_help "version        Prints the release name and version to be booted"
  @tool_help """
      check          Says what is damaged in a data directory
      salvage        Copies what is intact in a data directory to a new one
      stat           Describes a data directory
      import         Writes what Redis has saved into the running instance
  """

  # Puts the program that looks after stores beside the start script, and its commands into that script's help.
  defp add_tool(release) do
    bin = Path.join(release.path, "bin")
    version = release.applications[:ferricstore][:vsn]
    built = Path.join([release.path, "lib", "ferricstore-#{version}", "priv", "native", @tool])
    File.rename!(built, Path.join(bin, @tool))

    script = Path.join(bin, "#{release.name}")
    help = @last_help <> "\n" <> String.trim_trailing(@tool_help)
    File.write!(script, String.replace(File.read!(script), @last_help, help))
    release
  end
end
