defmodule Mix.Tasks.Compile.Cargo do
  @moduledoc """
  Builds the Rust library, and the program that looks after stores, with cargo and installs them where the NIF module
  and `mix release` look for them.

  They go straight into the build directory (`_build/<env>/lib/ferricstore/priv/native`), so every Mix environment, and
  every application that uses FerricStore as a path dependency, has its own copies.

  Cargo decides what has to be built. It is not even asked when no Rust source is newer than what is installed,
  because a call that finds nothing to do still costs a few tenths of a second. Cargo's own output goes to the
  terminal unchanged; when it fails, so does the compilation.
  """

  use Mix.Task.Compiler

  @packages ["ferric-nif", "ferric-tools"]
  @products ["libferric_nif.so", "ferricstore-tool"]
  @root __DIR__

  @impl Mix.Task.Compiler
  def run(_argv) do
    started = System.os_time(:second)
    sources = sources(@root)

    if Enum.any?(@products, &stale?(sources, installed_path(&1))) do
      build(started)
    else
      :noop
    end
  end

  @impl Mix.Task.Compiler
  def clean do
    Enum.each(@products, &File.rm(installed_path(&1)))
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

  defp build(started) do
    case cargo() do
      0 ->
        outcomes = Enum.map(@products, &install(built_path(&1), installed_path(&1)))
        # The time at which cargo started: a source saved while it ran must count as newer.
        Enum.each(@products, &File.touch!(installed_path(&1), started))
        {if(:installed in outcomes, do: :ok, else: :noop), []}

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
        packages = Enum.flat_map(@packages, &["-p", &1])
        arguments = ["build", "--release", "--locked" | packages]

        {_output, status} =
          System.cmd(cargo, arguments, cd: @root, into: IO.stream(), stderr_to_stdout: true)

        status
    end
  end

  defp installed_path(product),
    do: Path.join([Mix.Project.app_path(), "priv", "native", product])

  defp built_path(product) do
    target = System.get_env("CARGO_TARGET_DIR") || "target"
    Path.join([Path.expand(target, @root), "release", product])
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
