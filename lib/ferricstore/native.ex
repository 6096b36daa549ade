defmodule FerricStore.Native do
  @moduledoc """
  The boundary to the Rust engine: the functions of `native/nif`, as they are.

  Nothing but `FerricStore.Store`, `FerricStore.Embedded` and `FerricStore.Server` should call them: here is no
  waiting, no retrying and no protection against using a session from two processes.

  ## How a call ends

  `execute` and `call` return `{replies, wait, next}`.

  `wait` is 0, or a log position. When it is not 0, the replies contain the outcome of writes that are not on disk
  yet. They must be held back until the calling process, which has been registered, gets
  `{:ferric_durable, position}` with a position that is not smaller. `{:ferric_failed, reason}` comes instead when
  the log could not be synced: then nobody knows the outcome, and the replies must not be sent at all.

  `next` says what to do after the replies have been sent:

    * `:read` - all input is consumed; an incomplete command is kept in the session
    * `:again` - a time slice or the bound of the replies was reached: continue with `execute(session, "")`
    * `:dirty` - the next command is long: continue with `execute_dirty(session, "")`
    * `:busy` - too much of the log is not synced yet: continue after the message `:ferric_room`
    * `:cold` - the next command needs data that is on disk only: continue after the message `:ferric_resident`, which
      comes once for each `:cold`
    * `:waiting` - the next command has started long work on a thread of the engine: continue after the message
      `:ferric_done`, which comes once for each `:waiting`
    * `{:block, milliseconds | :infinity}` - the command waits for a key: continue after the message
      `:ferric_unblocked`, which comes once for each `:block`. When the time is over, `end_wait/1` sends it
    * `{:sleep, milliseconds}` - continue after this time
    * `{:kill, pids}` - end these clients' connections, then continue
    * `{:shutdown, :save | :nosave}` - stop the server
    * `:close` - close the connection

  ## Messages to a client

  What is published to a client waits inside its session, and every call with it returns some of that among its replies.
  When the first message comes in, the process that made the session gets `:ferric_mail`: it calls `execute(session, "")`
  unless it is about to make a call anyway. A client for which more waits than `client-output-buffer-limit` allows
  executes nothing more, and the store's messenger gets `{:ferric_overflow, pid}` with its process, to disconnect it.

  With `call`, `:again`, `:busy`, `:cold`, `:waiting`, `:dirty` and `:block` mean that there is no reply yet and that the
  call is to be made again with the same arguments.
  """

  @on_load :load

  @library "libferric_nif"

  @typedoc "An open store. It stays open until `close/1`, or until nobody refers to it."
  @opaque store :: reference()

  @typedoc "One client of a store: protocol version, database, user, unfinished input. Belongs to its process."
  @opaque session :: reference()

  @typedoc "Log position in bytes up to which the log must be durable; 0 for nothing to wait for."
  @type wait :: non_neg_integer()

  @type next ::
          :read
          | :again
          | :dirty
          | :busy
          | :cold
          | :waiting
          | {:block, milliseconds :: non_neg_integer() | :infinity}
          | {:sleep, milliseconds :: non_neg_integer()}
          | {:kill, [pid()]}
          | {:shutdown, :save | :nosave}
          | :close

  @type open_error :: {:locked | :corrupt | :io | :config, message :: String.t()}

  @doc "Version of the native library."
  @spec version() :: String.t()
  def version, do: :erlang.nif_error(:nif_not_loaded)

  @doc "Opens the store in `options.data_dir` and recovers it. Runs on a dirty scheduler; may take seconds."
  @spec open(map()) :: {:ok, store()} | {:error, open_error()}
  def open(_options), do: :erlang.nif_error(:nif_not_loaded)

  @doc "Drains and syncs the log and ends the engine's threads. May be called again."
  @spec close(store()) :: :ok | {:error, String.t()}
  def close(_store), do: :erlang.nif_error(:nif_not_loaded)

  @doc "Registers a client. A refused one is sent the reply and disconnected."
  @spec session(store(), map()) :: {:ok, session()} | {:refused, reply :: binary()}
  def session(_store, _client), do: :erlang.nif_error(:nif_not_loaded)

  @doc "Executes what is complete of the session's input and `data`; for a bounded time."
  @spec execute(session(), binary()) :: {replies :: binary(), wait(), next()}
  def execute(_session, _data), do: :erlang.nif_error(:nif_not_loaded)

  @doc "As `execute/2`, on a dirty scheduler and so without the bound on its time."
  @spec execute_dirty(session(), binary()) :: {replies :: binary(), wait(), next()}
  def execute_dirty(_session, _data), do: :erlang.nif_error(:nif_not_loaded)

  @doc "Ends the wait of a client for a key, if it has not ended yet."
  @spec end_wait(session()) :: :ok
  def end_wait(_session), do: :erlang.nif_error(:nif_not_loaded)

  @doc "Forgets a client."
  @spec session_close(session()) :: :ok
  def session_close(_session), do: :erlang.nif_error(:nif_not_loaded)

  @doc "Executes one command given as a list of arguments; its reply is a term."
  @spec call(session(), [binary()]) :: {reply :: term(), wait(), next()}
  def call(_session, _arguments), do: :erlang.nif_error(:nif_not_loaded)

  @doc "As `call/2`, on a dirty scheduler."
  @spec call_dirty(session(), [binary()]) :: {reply :: term(), wait(), next()}
  def call_dirty(_session, _arguments), do: :erlang.nif_error(:nif_not_loaded)

  @doc "The store's counters and sizes; see `FerricStore.HTTP.Metrics` for what they mean."
  @spec stats(store()) :: map()
  def stats(_store), do: :erlang.nif_error(:nif_not_loaded)

  @doc false
  def load do
    path = Application.app_dir(:ferricstore, ["priv", "native", @library])
    :erlang.load_nif(String.to_charlist(path), 0)
  end
end
