[
  inputs: [
    "{mix,cargo_compiler,.formatter}.exs",
    "{config,lib,test}/**/*.{ex,exs}",
    "docs/embedding/{mix,.formatter}.exs",
    "docs/embedding/{config,lib,test}/**/*.{ex,exs}"
  ]
]
