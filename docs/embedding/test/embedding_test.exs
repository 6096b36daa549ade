defmodule EmbeddingTest do
  use ExUnit.Case, async: false
  alias Embedding.{Logins, Views}

  setup do
    data_dir =
      Path.join(
        System.tmp_dir!(),
        "embedding-#{System.pid()}-#{System.unique_integer([:positive])}"
      )

    restart(data_dir)

    on_exit(fn ->
      Application.stop(:embedding)
      File.rm_rf!(data_dir)
    end)

    %{data_dir: data_dir}
  end

  test "a login lasts until it is ended" do
    {:ok, token} = Logins.create("ada")
    assert Logins.user(token) == {:ok, "ada"}
    assert Logins.delete(token)
    refute Logins.delete(token)
    assert Logins.user(token) == {:error, :logged_out}
  end

  test "a login has an end, which using it puts off" do
    {:ok, token} = Logins.create("ada")
    FerricStore.expire("login:" <> token, 5)
    assert Logins.user(token) == {:ok, "ada"}
    assert FerricStore.ttl("login:" <> token) > 1_700
  end

  test "all logins can be ended, and nothing else is" do
    for n <- 1..250, do: {:ok, _token} = Logins.create("user #{n}")
    Views.count("/home")
    assert Logins.delete_all() == 250
    assert FerricStore.dbsize() == 1
  end

  test "no view is lost, however many processes count" do
    1..10
    |> Task.async_stream(fn _n -> for _k <- 1..20, do: Views.count("/home") end)
    |> Stream.run()

    assert Views.of(["/home", "/never"]) == %{"/home" => 200, "/never" => 0}
  end

  test "what was stored is there after a restart", %{data_dir: data_dir} do
    {:ok, token} = Logins.create("ada")
    Views.count("/home")
    restart(data_dir)
    assert Logins.user(token) == {:ok, "ada"}
    assert Views.count("/home") == 2
  end

  test "nothing listens for clients" do
    assert :ranch.info() == %{}
  end

  defp restart(data_dir) do
    Application.stop(:embedding)
    Application.put_env(:embedding, :data_dir, data_dir)
    {:ok, _started} = Application.ensure_all_started(:embedding)
  end
end
