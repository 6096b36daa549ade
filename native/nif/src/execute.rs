//! Running commands: bytes in and out for connections, terms for the embedded API.

use std::time::Instant;

use ferric_commands::{Control, Next, Progress, Session};
use parking_lot::MappedMutexGuard;
use parking_lot::MutexGuard;
use rustler::{Atom, Binary, Encoder, Env, Error, NewBinary, NifResult, ResourceArc, Term};

use crate::atoms;
use crate::store::{Client, Working};
use crate::{terms, waiting};

/// Reply buffers larger than this are not kept for the next call.
const KEPT_REPLY: usize = 64 << 10;
/// A scheduler's time slice in microseconds.
const SLICE_US: u128 = 1000;

#[rustler::nif]
fn execute<'a>(env: Env<'a>, client: ResourceArc<Client>, data: Binary<'a>) -> NifResult<Term<'a>> {
    charged(env, |env| run(env, &client, &data, false))
}

#[rustler::nif(schedule = "DirtyCpu")]
fn execute_dirty<'a>(
    env: Env<'a>,
    client: ResourceArc<Client>,
    data: Binary<'a>,
) -> NifResult<Term<'a>> {
    run(env, &client, &data, true)
}

#[rustler::nif]
fn call<'a>(
    env: Env<'a>,
    client: ResourceArc<Client>,
    args: Vec<Binary<'a>>,
) -> NifResult<Term<'a>> {
    charged(env, |env| run_one(env, &client, &args, false))
}

#[rustler::nif(schedule = "DirtyCpu")]
fn call_dirty<'a>(
    env: Env<'a>,
    client: ResourceArc<Client>,
    args: Vec<Binary<'a>>,
) -> NifResult<Term<'a>> {
    run_one(env, &client, &args, true)
}

/// The time is over for which a client was to wait for a key: its process is told like by anybody else.
#[rustler::nif]
fn end_wait(env: Env<'_>, client: ResourceArc<Client>) -> NifResult<Atom> {
    working(&client)?.session.end_wait();
    waiting::deliver_here(env);
    Ok(atoms::ok())
}

/// Runs `body` and tells the scheduler how much of the process's time slice it took.
fn charged<'a>(
    env: Env<'a>,
    body: impl FnOnce(Env<'a>) -> NifResult<Term<'a>>,
) -> NifResult<Term<'a>> {
    let started = Instant::now();
    let result = body(env);
    let percent = started.elapsed().as_micros() * 100 / SLICE_US;
    if percent > 0 {
        rustler::schedule::consume_timeslice(env, percent.min(100) as i32);
    }
    result
}

/// The session, if it is open and nobody else is using it.
fn working(client: &Client) -> NifResult<MappedMutexGuard<'_, Working>> {
    let guard = client.session.try_lock().ok_or(Error::BadArg)?;
    MutexGuard::try_map(guard, Option::as_mut).map_err(|_| Error::BadArg)
}

fn run<'a>(env: Env<'a>, client: &Client, data: &[u8], long: bool) -> NifResult<Term<'a>> {
    let mut working = working(client)?;
    let Working { session, replies } = &mut *working;
    replies.clear();
    let progress = client.store.server.execute(session, data, replies, long);
    let result = finish(env, client, session, binary(env, replies), progress);
    if replies.capacity() > KEPT_REPLY {
        *replies = Vec::new();
    }
    Ok(result)
}

fn run_one<'a>(
    env: Env<'a>,
    client: &Client,
    args: &[Binary<'a>],
    long: bool,
) -> NifResult<Term<'a>> {
    let mut working = working(client)?;
    let args: Vec<&[u8]> = args.iter().map(Binary::as_slice).collect();
    let Working { session, replies } = &mut *working;
    replies.clear();
    let progress = client.store.server.call(session, &args, replies, long);
    let reply = terms::from_reply(env, replies)?;
    let result = finish(env, client, session, reply, progress);
    if replies.capacity() > KEPT_REPLY {
        *replies = Vec::new();
    }
    Ok(result)
}

fn binary<'a>(env: Env<'a>, bytes: &[u8]) -> Term<'a> {
    let mut binary = NewBinary::new(env, bytes.len());
    binary.as_mut_slice().copy_from_slice(bytes);
    binary.into()
}

/// The triple of replies, position to wait for, and what to do next.
fn finish<'a>(
    env: Env<'a>,
    client: &Client,
    session: &Session,
    replies: Term<'a>,
    progress: Progress,
) -> Term<'a> {
    let engine = client.store.server.engine();
    let wait = waiting::for_durability(env, engine, progress.wait);
    let next = match progress.next {
        Next::Read => atoms::read().encode(env),
        Next::Again => atoms::again().encode(env),
        Next::Long => atoms::dirty().encode(env),
        Next::Busy => {
            waiting::for_room(env, engine);
            atoms::busy().encode(env)
        }
        Next::Cold => {
            waiting::for_records(env, engine, progress.missing);
            atoms::cold().encode(env)
        }
        Next::Waiting => {
            waiting::for_job(env, session, client.store.messenger);
            atoms::waiting().encode(env)
        }
        Next::Control(Control::Block(timeout)) => {
            waiting::for_key(env, session);
            let timeout = timeout.map_or(atoms::infinity().encode(env), |ms| ms.encode(env));
            (atoms::block(), timeout).encode(env)
        }
        Next::Control(control) => control_term(env, client, control),
    };
    // Those whose wait for a key this call has ended.
    waiting::deliver_here(env);
    (replies, wait, next).encode(env)
}

fn control_term<'a>(env: Env<'a>, client: &Client, control: Control) -> Term<'a> {
    match control {
        Control::Close => atoms::close().encode(env),
        Control::Block(_) => atoms::again().encode(env),
        Control::Sleep(ms) => (atoms::sleep(), ms).encode(env),
        Control::Shutdown { save: true } => (atoms::shutdown(), atoms::save()).encode(env),
        Control::Shutdown { save: false } => (atoms::shutdown(), atoms::nosave()).encode(env),
        Control::Kill(ids) => {
            let owners = client.store.owners.lock();
            let pids: Vec<_> = ids.iter().filter_map(|id| owners.get(id).copied()).collect();
            (atoms::kill(), pids).encode(env)
        }
    }
}
