defmodule Mix.Tasks.Compile.CargoTest do
  use ExUnit.Case, async: true
  import FerricStore.Test.Stores, only: [temporary_directory: 0]
  alias Mix.Tasks.Compile.Cargo

  @earlier 1_700_000_000
  @later 1_700_000_100

  setup do
    root = temporary_directory()
    write(root, "Cargo.toml", @earlier)
    write(root, "native/nif/src/lib.rs", @earlier)
    write(root, "native/nif/Cargo.toml", @earlier)
    installed = write(root, "_build/libferric_nif.so", @earlier + 1)
    %{root: root, installed: installed}
  end

  test "a library that is newer than every source is fresh", %{root: root, installed: installed} do
    refute Cargo.stale?(Cargo.sources(root), installed)
  end

  test "a missing library is stale", %{root: root} do
    assert Cargo.stale?(Cargo.sources(root), Path.join(root, "nowhere.so"))
  end

  for changed <-
        ~w(Cargo.toml Cargo.lock native/nif/src/lib.rs native/nif/src/deep/new.rs native/nif/Cargo.toml) do
    test "a change of #{changed} makes the library stale", %{root: root, installed: installed} do
      write(root, unquote(changed), @later)
      assert Cargo.stale?(Cargo.sources(root), installed)
    end
  end

  test "other files do not matter", %{root: root, installed: installed} do
    write(root, "native/nif/README.md", @later)
    write(root, "lib/ferricstore.ex", @later)
    refute Cargo.stale?(Cargo.sources(root), installed)
  end

  test "installing replaces the file instead of writing into it", %{
    root: root,
    installed: installed
  } do
    built = write(root, "target/lib.so", @later)
    File.write!(built, "new bytes")
    mapped = File.open!(installed, [:read])

    assert Cargo.install(built, installed) == :installed
    assert File.read!(installed) == "new bytes"
    # Whoever has the old library open still has it whole.
    assert IO.binread(mapped, :eof) == "content"
    assert Path.wildcard(installed <> ".*") == []
  end

  test "installing the same bytes changes nothing", %{root: root, installed: installed} do
    built = write(root, "target/lib.so", @later)
    assert Cargo.install(built, installed) == :unchanged
    assert File.stat!(installed, time: :posix).mtime == @earlier + 1
  end

  defp write(root, name, time) do
    path = Path.join(root, name)
    File.mkdir_p!(Path.dirname(path))
    File.write!(path, "content")
    File.touch!(path, time)
    path
  end
end
