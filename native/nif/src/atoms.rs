//! Every atom this library makes; none is ever made from data.

rustler::atoms! {
    ok,
    error,
    nil,
    // open errors
    locked,
    corrupt,
    io,
    config,
    // options
    quorum,
    r#async = "async",
    auto,
    uring,
    posix,
    none,
    lz4,
    zstd,
    tcp,
    unix,
    embedded,
    // sessions
    refused,
    // what to do next
    read,
    again,
    dirty,
    busy,
    cold,
    waiting,
    sleep,
    block,
    kill,
    shutdown,
    save,
    nosave,
    close,
    // messages
    ferric_durable,
    ferric_failed,
    ferric_room,
    ferric_resident,
    ferric_done,
    ferric_unblocked,
    ferric_mail,
    ferric_overflow,
    // figures
    running,
    paused,
    failed,
    infinity,
}
