defmodule Mix.Tasks.Compile.Cargo do
  @moduledoc """
  Builds the Rust library with cargo and installs it where the NIF module and `mix release` look for it.

  The library goes straight into the build directory (`_build/<env>/lib/ferricstore/priv/native`), so every Mix
  environment, and every application that uses FerricStore as a path dependency, has its own copy.

  Cargo decides what has to be built. It is not even asked when no Rust source is newer than the installed library,
  because a call that finds nothing to do still costs a few tenths of a second. Cargo's own output goes to the
  terminal unchanged; when it fails, so does the compilation.
  """

  use Mix.Task.Compiler

  @package "ferric-nif"
  @library "libferric_nif.so"
  @root __DIR__

  @impl Mix.Task.Compiler
  def run(_argv) do
    installed = installed_path()
    started = System.os_time(:second)

    if stale?(sources(@root), installed) do
      build(installed, started)
    else
      :noop
    end
  end

  @impl Mix.Task.Compiler
  def clean do
    File.rm(installed_path())
    :ok
  end

  @doc "The files cargo's result depends on: every file of the workspace's crates, and its manifests and settings."
  @spec sources(Path.t()) :: [Path.t()]
  def sources(root) do
    top = for name <- ~w(Cargo.toml Cargo.lock rust-toolchain.toml), do: Path.join(root, name)
    crates = Path.wildcard(Path.join(root, "native/**/*.{rs,toml}"))
    settings = Path.wildcard(Path.join(root, ".cargo/*"), match_dot: true)
    Enum.filter(top, &File.regular?/1) ++ crates ++ settings
  end

  @doc "Whether `installed` is missing or older than one of the `sources`."
  @spec stale?([Path.t()], Path.t()) :: boolean()
  def stale?(sources, installed) do
    case File.stat(installed, time: :posix) do
      {:ok, %File.Stat{mtime: built}} -> Enum.any?(sources, &(mtime(&1) >= built))
      {:error, _reason} -> true
    end
  end

  @doc """
  Puts `built` in the place of `installed`, unless the bytes are the same; says whether it did.

  The new file gets a temporary name and is then renamed: other virtual machines may have the old one mapped, and
  writing into a mapped library would crash them.
  """
  @spec install(Path.t(), Path.t()) :: :installed | :unchanged
  def install(built, installed) do
    bytes = File.read!(built)

    if File.read(installed) == {:ok, bytes} do
      :unchanged
    else
      temporary = "#{installed}.#{System.pid()}"
      File.mkdir_p!(Path.dirname(installed))
      File.write!(temporary, bytes)
      File.chmod!(temporary, 0o755)
      File.rename!(temporary, installed)
      :installed
    end
  end

  defp build(installed, started) do
    case cargo() do
      0 ->
        outcome = install(built_path(), installed)
        # The time at which cargo started: a source saved while it ran must count as newer.
        File.touch!(installed, started)
        {if(outcome == :installed, do: :ok, else: :noop), []}

      status ->
        {:error, [diagnostic("cargo failed with exit status #{status}; its messages are above")]}
    end
  end

  # Returns cargo's exit status; 127, as a shell does, when there is no cargo.
  defp cargo do
    case System.find_executable("cargo") do
      nil ->
        Mix.shell().error(
          "cargo is not in the PATH: a Rust toolchain is needed to build FerricStore"
        )

        127

      cargo ->
        arguments = ["build", "-p", @package, "--release", "--locked"]

        {_output, status} =
          System.cmd(cargo, arguments, cd: @root, into: IO.stream(), stderr_to_stdout: true)

        status
    end
  end

  defp installed_path, do: Path.join([Mix.Project.app_path(), "priv", "native", @library])

  defp built_path do
    target = System.get_env("CARGO_TARGET_DIR") || "target"
    Path.join([Path.expand(target, @root), "release", @library])
  end

  defp mtime(path) do
    case File.stat(path, time: :posix) do
      {:ok, %File.Stat{mtime: mtime}} -> mtime
      {:error, _reason} -> 0
    end
  end

  defp diagnostic(message) do
    %Mix.Task.Compiler.Diagnostic{
      file: Path.join(@root, "Cargo.toml"),
      severity: :error,
      message: message,
      position: nil,
      compiler_name: "cargo"
    }
  end
end
