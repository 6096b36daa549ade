//! Under a sandbox that forbids io_uring, as container runtimes' default profiles do.
//!
//! A filter stays for the life of a process, so each test runs its part in a child: this program
//! once more, with the test's name and a variable that says what to do.
#![allow(missing_docs)]

mod common;

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};
use std::sync::Arc;

use common::temp::TempDir;
use common::{dump, get, options, put, wait};
use ferric_engine::Engine;
use ferric_engine::io::{Backend, BatchReader, Io, OpenMode, Read, open_backend};

/// Set in a child.
const CHILD: &str = "FERRIC_TEST_SECCOMP_CHILD";

/// What the filter does to a process that calls io_uring.
#[derive(Clone, Copy)]
enum Action {
    /// The call fails with EPERM.
    Refuse,
    /// SIGSYS ends the process.
    Kill,
}

/// The architecture whose call numbers the filter compares, as in <linux/audit.h>: the ELF machine
/// number with the bits for 64-bit and little-endian.
#[cfg(target_arch = "x86_64")]
const ARCH: u32 = 62 | 0x8000_0000 | 0x4000_0000;
#[cfg(target_arch = "aarch64")]
const ARCH: u32 = 183 | 0x8000_0000 | 0x4000_0000;

/// Offsets in the kernel's `struct seccomp_data`.
const NUMBER_AT: u32 = 0;
const ARCH_AT: u32 = 4;

fn statement(code: u32, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

/// Goes on `yes` or `no` instructions further on.
fn jump_if_equal(k: u32, yes: u8, no: u8) -> libc::sock_filter {
    let code = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    libc::sock_filter { code, jt: yes, jf: no, k }
}

/// Classic BPF: load the architecture, then the number, and compare.
fn program(action: Action) -> Vec<libc::sock_filter> {
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let end = libc::BPF_RET | libc::BPF_K;
    let verdict = match action {
        Action::Refuse => libc::SECCOMP_RET_ERRNO | libc::EPERM as u32,
        Action::Kill => libc::SECCOMP_RET_KILL_PROCESS,
    };
    vec![
        statement(load, ARCH_AT),
        jump_if_equal(ARCH, 0, 4),
        statement(load, NUMBER_AT),
        jump_if_equal(libc::SYS_io_uring_setup as u32, 3, 0),
        jump_if_equal(libc::SYS_io_uring_enter as u32, 2, 0),
        jump_if_equal(libc::SYS_io_uring_register as u32, 1, 0),
        statement(end, libc::SECCOMP_RET_ALLOW),
        statement(end, verdict),
    ]
}

/// Puts the filter on this thread and all that it starts, for ever.
fn forbid_io_uring(action: Action) {
    let mut instructions = program(action);
    let len = instructions.len() as u16;
    let filter = libc::sock_fprog { len, filter: instructions.as_mut_ptr() };
    // SAFETY: plain numbers; this only takes away the right to gain privileges by exec.
    let outcome = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert_eq!(outcome, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: `filter` points to `len` instructions, all of which live until the call returns; the
    // kernel makes its own copy.
    let outcome =
        unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) };
    assert_eq!(outcome, 0, "{}", std::io::Error::last_os_error());
}

/// Runs `body` in a child process that runs nothing but the test `name`; gives its output.
/// `None` in the child itself, after `body`.
fn in_child(name: &str, body: impl FnOnce()) -> Option<Output> {
    if std::env::var_os(CHILD).is_some() {
        body();
        return None;
    }
    let program = std::env::current_exe().expect("this program has a path");
    let mut child = Command::new(program);
    child.args(["--exact", name, "--nocapture", "--test-threads", "1"]).env(CHILD, "1");
    Some(child.output().expect("the child runs"))
}

fn assert_passed(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}\n{errors}");
}

/// A store's life: written, closed, opened again, read.
fn live(io: &Arc<dyn Io>) {
    let dir = TempDir::new();
    let open = || {
        let mut options = options(Arc::clone(io));
        options.dir = dir.path().to_owned();
        Engine::open(options).expect("open")
    };
    let engine = open();
    let mut lsn = 0;
    for n in 0..2_000u32 {
        lsn = put(&engine, format!("key{n}").as_bytes(), &n.to_le_bytes()).expect("put");
    }
    assert!(wait(&engine, lsn));
    let before = dump(&engine, 0);
    engine.close().expect("close");
    drop(engine);
    let engine = open();
    assert_eq!(dump(&engine, 0), before);
    assert_eq!(get(&engine, b"key1234"), Some(1234u32.to_le_bytes().to_vec()));
    engine.close().expect("close");
}

/// Reads what was just written through `reader`.
fn read_in_batches(io: &Arc<dyn Io>, mut reader: Box<dyn BatchReader>) {
    let dir = TempDir::new();
    let file = io.open(&dir.path().join("f"), OpenMode::Create).expect("create");
    file.write_durable(&[7; 10_000], 0).expect("write");
    for token in 0..8u64 {
        let read = Read { file: Arc::clone(&file), offset: token * 1000, len: 2000, token };
        reader.submit(read).expect("room");
    }
    let mut seen = 0;
    while reader.in_flight() > 0 {
        seen += reader.wait(&mut |_, bytes| assert_eq!(bytes.expect("read"), [7; 2000]));
    }
    assert_eq!(seen, 8);
}

#[test]
fn auto_falls_back_to_system_calls() {
    let output = in_child("auto_falls_back_to_system_calls", || {
        forbid_io_uring(Action::Refuse);
        let io = open_backend(Backend::Auto).expect("opens");
        assert_eq!(io.name(), "posix");
        live(&io);
        read_in_batches(&io, io.reader(8).expect("a reader"));
    });
    output.iter().for_each(assert_passed);
}

#[test]
fn uring_says_that_it_is_forbidden() {
    let output = in_child("uring_says_that_it_is_forbidden", || {
        forbid_io_uring(Action::Refuse);
        let error = open_backend(Backend::Uring).err().expect("an error");
        assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
        let message = error.to_string();
        assert!(message.starts_with("io_uring: creating a ring: "), "{message}");
        assert!(message.contains("not permitted"), "{message}");
    });
    output.iter().for_each(assert_passed);
}

#[test]
fn a_ring_from_before_the_filter_does_not_stop_the_store() {
    let output = in_child("a_ring_from_before_the_filter_does_not_stop_the_store", || {
        let Ok(io) = open_backend(Backend::Uring) else {
            return eprintln!("not tested here: no io_uring");
        };
        let reader = io.reader(8).expect("a reader");
        // From now on io_uring_enter fails: both rings are given up, and a new reader has none.
        forbid_io_uring(Action::Refuse);
        live(&io);
        read_in_batches(&io, reader);
        read_in_batches(&io, io.reader(8).expect("another reader"));
    });
    output.iter().for_each(assert_passed);
}

#[test]
fn posix_never_touches_io_uring() {
    let output = in_child("posix_never_touches_io_uring", || {
        forbid_io_uring(Action::Kill);
        let io = open_backend(Backend::Posix).expect("opens");
        live(&io);
        read_in_batches(&io, io.reader(8).expect("a reader"));
    });
    output.iter().for_each(assert_passed);
}

#[test]
fn the_filter_does_kill() {
    let output = in_child("the_filter_does_kill", || {
        forbid_io_uring(Action::Kill);
        let outcome = open_backend(Backend::Uring).map(|io| io.name().to_owned());
        panic!("still here: {outcome:?}");
    });
    if let Some(output) = output {
        assert_eq!(output.status.signal(), Some(libc::SIGSYS));
    }
}
