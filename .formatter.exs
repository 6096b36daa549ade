[
  inputs: [
    "{mix,cargo_compiler,.formatter}.exs",
    "{bench,config,lib,test}/**/*.{ex,exs}",
    "docs/embedding/{mix,.formatter}.exs",
    "docs/embedding/{config,lib,test}/**/*.{ex,exs}"
  ]
]
