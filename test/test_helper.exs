{:ok, _started} = Application.ensure_all_started(:inets)

ExUnit.start(capture_log: true)
